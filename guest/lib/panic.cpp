#include "guest/lib/panic.h"

namespace kernel {

namespace {
void (*g_hook)(const PanicReport&) = nullptr;
bool g_panicking = false;

[[noreturn]] void stop() {
#if __STDC_HOSTED__
  __builtin_trap();
#else
  for (;;) {
    asm volatile("wfi");
  }
#endif
}
}  // namespace

void set_panic_hook(void (*hook)(const PanicReport&)) { g_hook = hook; }

void panic_at(u64 pc, StringView format, Span<const FormatArg> args) {
  // A panic inside the hook must not call it again.
  if (g_hook != nullptr && !g_panicking) {
    g_panicking = true;
    char buffer[256];
    BufferSink sink(buffer);
    format_to_sink(sink, format, args);
    g_hook(PanicReport{sink.view(), pc});
  }
  stop();
}

void assertion_failed(const char* condition, const char* file, int line) {
  const FormatArg args[] = {file, line, condition};
  panic_at(reinterpret_cast<u64>(__builtin_return_address(0)), "{}:{}: assertion failed: {}", args);
}

}  // namespace kernel

#if !__STDC_HOSTED__
// The assert() of Boost.Intrusive.
extern "C" [[noreturn]] void __assert_fail(const char* condition, const char* file, unsigned line,
                                           const char*) {
  kernel::assertion_failed(condition, file, static_cast<int>(line));
}
extern "C" [[noreturn]] void __cxa_pure_virtual() { kernel::panic("pure virtual function called"); }
#endif
