#include "emu/machine/digest.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "quire/arch/sv39.h"

namespace quire {
namespace {

/// Which pages of an anonymous mapping were ever touched, by /proc/self/pagemap (proc(5)): reading untouched
/// ones to learn that they are zero would cost more than the digest.
class TouchedPages {
 public:
  TouchedPages() : fd_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}
  ~TouchedPages() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  TouchedPages(const TouchedPages&) = delete;
  TouchedPages& operator=(const TouchedPages&) = delete;

  /// Sets flags[i] for page i from `start`; all of them when the host does not tell.
  void find(const u8* start, std::vector<u8>& flags) const {
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

 private:
  int fd_;
};

bool is_zero(const u8* page) {
  u64 first;
  std::memcpy(&first, page, sizeof first);
  return first == 0 && std::memcmp(page, page + sizeof first, kPageBytes - sizeof first) == 0;
}

}  // namespace

u64 digest_state(std::span<const u64> words, std::span<const u8> ram) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, words.data(), words.size_bytes());
  const TouchedPages touched;
  constexpr u64 kBatchPages = 16384;
  const u64 pages = ram.size() / kPageBytes;
  std::vector<u8> flags;
  for (u64 batch = 0; batch < pages; batch += kBatchPages) {
    flags.resize(std::min(kBatchPages, pages - batch));
    touched.find(ram.data() + batch * kPageBytes, flags);
    for (u64 i = 0; i < flags.size(); ++i) {
      const u8* page = ram.data() + (batch + i) * kPageBytes;
      if (flags[i] != 0 && !is_zero(page)) {
        const u64 entry[] = {batch + i, XXH3_64bits(page, kPageBytes)};
        XXH3_64bits_update(&state, entry, sizeof entry);
      }
    }
  }
  return XXH3_64bits_digest(&state);
}

}  // namespace quire
