#include "quire/column.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace quire {
namespace {

// What is small stays small; what grows takes large pages, of which each saves 511 faults.
constexpr std::size_t kSmallBytes = std::size_t{2} << 20;
constexpr std::size_t kLargeBytes = std::size_t{64} << 20;

}  // namespace

void Column::make_ready(std::size_t size) {
  if (storage_ == nullptr) {
    const std::size_t bytes = std::max<std::size_t>(limit_, 1) * sizeof(std::uint64_t) + kSmallBytes;
    void* const mapped =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
      throw std::bad_alloc();
    }
    storage_ = std::shared_ptr<void>(mapped, [bytes](void* start) { ::munmap(start, bytes); });
    const auto start = reinterpret_cast<std::uintptr_t>(mapped);
    data_ = reinterpret_cast<std::uint64_t*>((start + kSmallBytes - 1) & ~(kSmallBytes - 1));
    ready_ = kSmallBytes / sizeof(std::uint64_t);
  }
  while (ready_ < size) {
    ::madvise(data_ + ready_, kLargeBytes, MADV_HUGEPAGE);  // where there are none, small ones do
    ready_ += kLargeBytes / sizeof(std::uint64_t);
  }
}

void Column::clear() {
  size_ = 0;
  if (storage_.use_count() > 1) {  // somebody looks at it
    storage_.reset();
    data_ = nullptr;
    ready_ = 0;
  }
}

}  // namespace quire
