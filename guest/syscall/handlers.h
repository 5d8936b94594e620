// One handler for every row of syscalls.inc: sys_NAME(args), a result or an errno.
//
// A handler reads user memory through copies only, so that whatever a program passes ends in an errno.
#pragma once

#include "guest/hal/trap.h"
#include "guest/lib/result.h"
#include "quire/arch/linux/syscalls.h"

namespace kernel {

/// The six argument registers, as the numbers a handler wants; upper halves of 32-bit ones are ignored.
struct SyscallArgs {
  TrapFrame& frame;
  u64 values[kSyscallArgs];

  u64 operator[](unsigned index) const { return values[index]; }
  i32 as_int(unsigned index) const { return static_cast<i32>(values[index]); }
  u32 as_uint(unsigned index) const { return static_cast<u32>(values[index]); }
  i64 as_long(unsigned index) const { return static_cast<i64>(values[index]); }
  VirtAddr as_address(unsigned index) const { return VirtAddr(values[index]); }
};

using SyscallResult = KResult<i64>;

#define QUIRE_SYSCALL(number, name, ...) SyscallResult sys_##name(const SyscallArgs& args);
#define QUIRE_SYSCALL_KNOWN(number, name, ...)
#include "quire/arch/linux/syscalls.inc"
#undef QUIRE_SYSCALL
#undef QUIRE_SYSCALL_KNOWN

}  // namespace kernel
