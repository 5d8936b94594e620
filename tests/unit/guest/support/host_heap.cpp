// The library's heap on the host, where a test can make it fail.
#include <cstdlib>

#include "guest/lib/heap.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {

void* heap_alloc(usize bytes) {
  if (host::g_failing_allocations > 0) {
    host::g_failing_allocations--;
    return nullptr;
  }
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void heap_free(void* memory) { std::free(memory); }

}  // namespace kernel
