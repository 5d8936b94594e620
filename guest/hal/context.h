// Switching between kernel stacks: the callee-saved registers of a thread that is not running.
#pragma once

#include "guest/lib/types.h"

namespace kernel {

struct KernelContext {
  u64 ra = 0;
  u64 sp = 0;
  u64 s[12] = {};
};

/// Saves the caller to `from` and continues where `to` was saved.
extern "C" void switch_context(KernelContext* from, const KernelContext* to);

/// A context that starts by calling `entry(argument)` on the stack that ends at `stack_top`; it must not
/// return.
KernelContext make_context(void (*entry)(void*), void* argument, u64 stack_top);

}  // namespace kernel
