// The functions that the compiler calls on its own and <string_view> uses; freestanding build only.
#include "guest/lib/heap.h"
#include "guest/lib/memory_ops.h"
#include "guest/lib/panic.h"

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

// Destructors of statics are registered here and never run: the supervisor does not exit.
int atexit(void (*)()) { return 0; }

// libgcc's, whose riscv64 build has another floating-point ABI: bit counts without the Zbb extension.
int __popcountdi2(unsigned long value) {
  value -= (value >> 1) & 0x5555'5555'5555'5555;
  value = (value & 0x3333'3333'3333'3333) + ((value >> 2) & 0x3333'3333'3333'3333);
  value = (value + (value >> 4)) & 0x0f0f'0f0f'0f0f'0f0f;
  return static_cast<int>((value * 0x0101'0101'0101'0101) >> 56);
}
unsigned __bswapsi2(unsigned value) {
  return (value >> 24) | ((value >> 8) & 0xff00) | ((value & 0xff00) << 8) | (value << 24);
}
unsigned long __bswapdi2(unsigned long value) {
  return (static_cast<unsigned long>(__bswapsi2(static_cast<unsigned>(value))) << 32) |
         __bswapsi2(static_cast<unsigned>(value >> 32));
}
int __ctzdi2(unsigned long value) { return __popcountdi2((value & (0 - value)) - 1); }
int __clzdi2(unsigned long value) {
  for (int shift = 1; shift < 64; shift *= 2) {
    value |= value >> shift;
  }
  return 64 - __popcountdi2(value);
}
}

// What the library's checked operations do instead of throwing.
namespace std {
const nothrow_t nothrow;
void __throw_out_of_range_fmt(const char* message, ...) { kernel::panic("{}", message); }
void __throw_length_error(const char* message) { kernel::panic("{}", message); }
void __throw_bad_optional_access() { kernel::panic("empty optional"); }
}  // namespace std

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return kernel::heap_alloc(bytes); }
void operator delete(void* memory) noexcept { kernel::heap_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { kernel::heap_free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { kernel::heap_free(memory); }
