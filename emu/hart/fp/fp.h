// Floating-point operations for an engine: the host where it can, else in software.
//
// An engine calls execute() inside a HostGuard. Its contract with mstatus.FS: as long as FS is not Dirty the
// host path declines, and `if_slow` is asked first: it reports FS Off as illegal, else marks FS Dirty
// (with set_fs_dirty). Hence no later operation needs to look at FS.
#pragma once

#include "emu/hart/fp/env.h"
#include "emu/hart/fp/host.h"
#include "emu/hart/fp/soft.h"

namespace quire::fp {

/// In software, with the flags accrued. False: the rounding mode is reserved, nothing has happened.
[[gnu::cold, gnu::noinline]] bool execute_soft(Env& env, FpOp op, FpFmt format, u8 rm, u64 a, u64 b, u64 c,
                                               u64& out);

/// False: illegal instruction, be it by `if_slow` (a callable: bool()) or by the rounding mode.
template <FpOp Op, FpFmt F, class IfSlow>
[[gnu::always_inline]] inline bool execute(Env& env, u8 rm, u64 a, u64 b, u64 c, u64& out, IfSlow&& if_slow) {
  if (__builtin_expect(host<Op, F>(env, rm, a, b, c, out), 1)) return true;
  return if_slow() && execute_soft(env, Op, F, rm, a, b, c, out);
}

}  // namespace quire::fp
