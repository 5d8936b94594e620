// What calls that sleep with a signal mask of their own share (ppoll, pselect6, epoll_pwait).
#pragma once

#include "guest/syscall/arguments.h"

namespace kernel {

/// Puts the mask of such a call in force; a null pointer changes nothing. EFAULT, EINVAL.
inline KResult<void> begin_temporary_mask(VirtAddr set, u64 bytes) {
  if (set.value != 0) {
    const SigSet mask = TRY(user_sigset(set, bytes));
    current_task().set_temporary_mask(mask);
  }
  return {};
}

/// The mask of the call is in force until it ends; an interrupted call keeps it for the handler.
inline void end_temporary_mask(bool ended) {
  Task& task = current_task();
  SigSet mask = 0;
  if (ended && task.take_saved_mask(mask)) {
    task.set_blocked(mask);
  }
}

}  // namespace kernel
