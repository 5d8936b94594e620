#include "emu/mem/touched_pages.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "quire/arch/sv39.h"

namespace quire {

using arch::kPageBytes;

TouchedPages::TouchedPages() : fd_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}

TouchedPages::~TouchedPages() {
  if (fd_ >= 0) ::close(fd_);
}

void TouchedPages::find(const u8* start, std::span<u8> flags) const {
  std::vector<u64> entries(flags.size());
  const auto wanted = static_cast<ssize_t>(entries.size() * sizeof(u64));
  const auto offset = static_cast<off_t>(reinterpret_cast<uintptr_t>(start) / kPageBytes * sizeof(u64));
  if (fd_ < 0 || ::sysconf(_SC_PAGESIZE) != static_cast<long>(kPageBytes) ||
      ::pread(fd_, entries.data(), static_cast<usize>(wanted), offset) != wanted) {
    std::fill(flags.begin(), flags.end(), u8{1});
    return;
  }
  constexpr u64 kPresentOrSwapped = u64{3} << 62;
  std::transform(entries.begin(), entries.end(), flags.begin(),
                 [](u64 entry) { return static_cast<u8>((entry & kPresentOrSwapped) != 0); });
}

bool is_zero_page(const u8* page) {
  u64 first;
  std::memcpy(&first, page, sizeof first);
  return first == 0 && std::memcmp(page, page + sizeof first, kPageBytes - sizeof first) == 0;
}

}  // namespace quire
