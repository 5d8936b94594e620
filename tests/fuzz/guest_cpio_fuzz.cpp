// Any bytes as an initramfs for the supervisor's reader: refused, or entries that lie inside the bytes.
#include <cstdlib>

#include "guest/fs/cpio.h"
#include "quire/arch/linux/fcntl.h"

namespace {

using namespace kernel;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

bool within(ConstByteSpan part, ConstByteSpan whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
  const ConstByteSpan archive(data, size);
  CpioReader reader(archive);
  // A header is 110 bytes: more entries than that there cannot be.
  for (usize left = size / 110 + 1;; --left) {
    const auto entry = reader.next();
    if (!entry.ok()) {
      require(entry.error() == Errno::kEINVAL);
      return 0;
    }
    if (!entry.value()) {
      return 0;
    }
    require(left > 0);
    const CpioEntry& found = *entry.value();
    require(within(as_bytes(found.name), archive) && within(found.data, archive));
    require(found.name.size() < kPathMax && found.name.find('\0') == StringView::npos);
    require(!found.name.starts_with('/') && !found.name.starts_with("./") && found.name != ".");
  }
}
