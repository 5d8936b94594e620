// Assertions about our own bugs; what a guest or a user does wrong is never asserted.
//
// QUIRE_ASSERT stays on in release builds: keep it off the per-instruction path.
#pragma once

namespace quire {

/// Prints where and what to stderr and aborts.
[[noreturn, gnu::cold]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace quire

#define QUIRE_ASSERT(condition)                      \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::quire::assertion_failed(#condition, __FILE__, __LINE__))

#define QUIRE_UNREACHABLE() ::quire::assertion_failed("unreachable", __FILE__, __LINE__)
