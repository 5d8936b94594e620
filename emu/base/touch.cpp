#include "emu/base/touch.h"

#include <sys/mman.h>
#include <unistd.h>

namespace quire {
namespace {

/// Kernels before 5.14 know neither kind of advice; then the touches themselves have the pages given.
void advise(const void* start, usize bytes, int advice) {
  static const usize page_bytes = static_cast<usize>(sysconf(_SC_PAGESIZE));
  const usize first = reinterpret_cast<usize>(start) & ~(page_bytes - 1);
  const usize end = reinterpret_cast<usize>(start) + bytes;
  (void)madvise(reinterpret_cast<void*>(first), end - first, advice);
}

}  // namespace

void touch_pages(void* start, usize bytes) { advise(start, bytes, MADV_POPULATE_WRITE); }
void touch_pages_to_read(const void* start, usize bytes) { advise(start, bytes, MADV_POPULATE_READ); }

}  // namespace quire
