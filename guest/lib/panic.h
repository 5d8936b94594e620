// panic and ASSERT: for bugs of the supervisor only, never for what a user program does.
//
// What a panic does at the end (log line, trace event, power-off) is a hook that higher layers set.
#pragma once

#include "guest/lib/format.h"

namespace kernel {

struct PanicReport {
  StringView message;
  u64 pc;  ///< caller of panic, or the address the faulting instruction has
};
/// Must not return; until one is set a panic stops the hart (on a host: aborts).
void set_panic_hook(void (*hook)(const PanicReport&));

[[noreturn]] void panic_at(u64 pc, StringView format, Span<const FormatArg> args);

template <class... Args>
[[noreturn, gnu::cold]] void panic(FormatString<Args...> text, const Args&... args) {
  const u64 pc = reinterpret_cast<u64>(__builtin_return_address(0));
  if constexpr (sizeof...(Args) == 0) {
    panic_at(pc, text.text, {});
  } else {
    const FormatArg list[] = {FormatArg(args)...};
    panic_at(pc, text.text, list);
  }
}

[[noreturn, gnu::cold]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace kernel

#define ASSERT(condition)                            \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? void(0)                                     \
       : ::kernel::assertion_failed(#condition, __FILE__, __LINE__))
