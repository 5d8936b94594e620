// The functions that the compiler calls on its own and <string_view> uses; freestanding build only.
#include "guest/lib/heap.h"
#include "guest/lib/memory_ops.h"

extern "C" {
void* memcpy(void* to, const void* from, std::size_t bytes) {
  kernel::copy_memory(to, from, bytes);
  return to;
}
void* memmove(void* to, const void* from, std::size_t bytes) {
  kernel::move_memory(to, from, bytes);
  return to;
}
void* memset(void* to, int value, std::size_t bytes) {
  kernel::fill_memory(to, static_cast<kernel::u8>(value), bytes);
  return to;
}
int memcmp(const void* a, const void* b, std::size_t bytes) { return kernel::compare_memory(a, b, bytes); }
void* memchr(const void* memory, int value, std::size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(memory);
  for (; bytes > 0; at++, bytes--) {
    if (*at == static_cast<unsigned char>(value)) {
      return const_cast<unsigned char*>(at);
    }
  }
  return nullptr;
}
std::size_t strlen(const char* text) {
  const char* end = text;
  while (*end != '\0') {
    end++;
  }
  return static_cast<std::size_t>(end - text);
}
}

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return kernel::heap_alloc(bytes); }
void operator delete(void* memory) noexcept { kernel::heap_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { kernel::heap_free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { kernel::heap_free(memory); }
