// Sending signals, and what a process or a task does when one reaches it (signal(7)).
//
// Invariant: a task for which signal_waiting() holds does not go back to user mode before it has dealt with
// it. Lock: the process table's (see process.h); nothing here sleeps but delivery itself.
#pragma once

#include "guest/proc/process.h"

namespace kernel {

/// A signal that the running process sends, as kill(2) does.
SigInfo signal_from_user(i32 signo, SigCode code = kSiUser);
/// A signal of the kernel for an access to `address`.
SigInfo fault_signal(i32 signo, i32 code, VirtAddr address);

/// A signal that the kernel sends for no fault: of terminals and limits.
SigInfo signal_from_kernel(i32 signo);

/// Woken whenever a signal becomes pending, for descriptors that signals are read from.
PollSource& signal_arrivals();

/// Signal 0 does nothing. EAGAIN: the queue of real-time signals is full.
KResult<void> send_to_process(Process& process, const SigInfo& info);
KResult<void> send_to_task(Task& task, const SigInfo& info);
/// For faults: cannot be blocked or ignored; the default action is taken instead.
void force_on_task(Task& task, const SigInfo& info);
/// EPERM unless the running process may send it.
KResult<void> check_may_signal(const Process& target, i32 signo);
/// To every process of a group, by the kernel (terminals): permissions do not count.
void send_to_group(u32 group, const SigInfo& info);
/// kill(2) with its forms of `pid`. ESRCH, EPERM, EINVAL.
KResult<void> kill_processes(i64 pid, const SigInfo& info);

/// Every task of the process ends, the process with `wait_status`.
void end_process(Process& process, i32 wait_status);
/// Tells the parent of a stop, a continuation or the end.
void notify_parent(Process& child, i32 code, i32 status);

/// sigaction(2). EINVAL. `change` may be null; returns the action before.
KResult<SigAction> change_action(i32 signo, const SigAction* change);

}  // namespace kernel
