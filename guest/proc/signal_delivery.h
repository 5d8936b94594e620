// Taking signals on the way back to user mode: handlers' frames, default actions, interrupted system calls.
#pragma once

#include "guest/hal/trap.h"
#include "guest/proc/process.h"

namespace kernel {

/// The hook before each return to user mode.
void before_return_to_user(TrapFrame& frame);

/// rt_sigreturn(2): the frame at sp becomes the state; the result is the restored a0. A bad frame is SIGSEGV.
i64 return_from_signal(TrapFrame& frame);

/// sigaltstack(2); both may be null. EINVAL, ENOMEM, EPERM while running on it.
KResult<void> change_alternate_stack(const TrapFrame& frame, const SigStack* change, SigStack* before);

}  // namespace kernel
