#include "quire/column.h"

#include <sys/mman.h>

#include <new>

namespace quire {

/// Small pages: large ones halve what the first touch costs where the host has them at hand, and take four
/// times as long on a virtual host that must ask for them first.
void Column::make_ready(std::size_t size) {
  constexpr std::size_t kMost = SIZE_MAX / 2 / sizeof(std::uint64_t);
  if (size > limit_ || limit_ > kMost) {
    throw std::bad_alloc();
  }
  const std::size_t bytes = limit_ * sizeof(std::uint64_t);
  void* const mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    throw std::bad_alloc();
  }
  storage_ = std::shared_ptr<void>(mapped, [bytes](void* start) { ::munmap(start, bytes); });
  data_ = static_cast<std::uint64_t*>(mapped);
  ready_ = limit_;
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
