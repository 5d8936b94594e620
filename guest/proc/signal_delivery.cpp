#include "guest/proc/signal_delivery.h"

#include "guest/drivers/trace.h"
#include "guest/lib/log.h"
#include "guest/proc/exit.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"
#include "guest/proc/signal_frame.h"

namespace kernel {

namespace {

constexpr u64 kEcallBytes = 4;

/// The system call is executed once more.
void rewind_syscall(Task& task, TrapFrame& frame, bool keep_deadline) {
  frame.sepc -= kEcallBytes;
  frame.reg(kA0) = frame.x[0];
  task.repeating = keep_deadline;
}

/// A group none of whose members has a parent elsewhere in its session: nobody could continue it.
bool group_is_orphaned(u32 group) {
  bool orphaned = true;
  process_table().for_each([&](Process& process) {
    const Process* const parent = process.parent();
    if (process.group == group && parent != nullptr && parent->group != group &&
        parent->session == process.session) {
      orphaned = false;
    }
  });
  return orphaned;
}

void stop_process(Process& process, i32 signo) {
  if (signo != kSIGSTOP && group_is_orphaned(process.group)) {
    return;
  }
  process.stopped = true;
  process.stop_signal = signo;
  process.stop_reported = false;
  process.continue_reported = true;
  for (Task& task : process.tasks()) {
    task.update_interrupt();
  }
  notify_parent(process, kCldStopped, signo);
}

void run_handler(Task& task, TrapFrame& frame, const SigInfo& info) {
  Process& process = task.process();
  SigAction& action = process.actions->of(info.signo);
  const SigAction taken = action;
  if ((taken.flags & kSaResetHand) != 0) {
    action = {};
  }
  if (task.in_syscall_restart) {
    task.in_syscall_restart = false;
    if (task.restart == Restart::kAlways && (taken.flags & kSaRestart) != 0) {
      rewind_syscall(task, frame, false);
    }
  }
  task.repeating = false;
  leave_sequence(task, frame);
  SigSet mask = task.blocked();
  (void)task.take_saved_mask(mask);
  if (!push_signal_frame(task, frame, taken, info, mask).ok()) {
    if (info.signo == kSIGSEGV) {
      action = {};
    }
    force_on_task(task, fault_signal(kSIGSEGV, kSiKernel, VirtAddr(0)));
    return;
  }
  const SigSet own = (taken.flags & kSaNoDefer) != 0 ? 0 : sig_bit(info.signo);
  task.set_blocked(task.blocked() | taken.mask | own);
}

void act_by_default(Task& task, const SigInfo& info) {
  Process& process = task.process();
  switch (default_action(info.signo)) {
    case DefaultAction::k_ignore:
    case DefaultAction::k_cont:  // its effect came with the sending
      return;
    case DefaultAction::k_stop:
      stop_process(process, info.signo);
      return;
    case DefaultAction::k_core:
    case DefaultAction::k_term:
      end_process(process, wait_status_signaled(info.signo, false));
      return;
  }
}

void take_signal(Task& task, TrapFrame& frame) {
  Process& process = task.process();
  SigInfo info;
  if (!task.pending.take(~task.blocked(), info) && !process.pending.take(~task.blocked(), info)) {
    return;
  }
  const bool fault =
      info.code > 0 && info.code != kSiKernel && (sig_bit(info.signo) & kSynchronousSignals) != 0;
  trace(TraceEventId::k_signal, process.pid(), static_cast<u32>(info.signo), static_cast<i64>(info.code),
        fault ? info.fault.address : 0);
  if (info.code == kSiTimer) {
    auto timer = process.timers.find(info.timer.timer_id);
    if (timer.ok()) {
      timer.value()->set_overruns(info.timer.overrun);
    }
  }
  const u64 handler = process.actions->of(info.signo).handler;
  if (handler == kSigIgnore) {
    return;
  }
  if (handler == kSigDefault) {
    act_by_default(task, info);
  } else {
    run_handler(task, frame, info);
  }
}

}  // namespace

namespace {

/// Apart, so that the usual way back saves no registers for it.
[[gnu::noinline]] void deal_with_signals(TrapFrame& frame) {
  Task& task = current_task();
  Process& process = task.process();
  task.enter_kernel();  // an interrupt is the user's time until somebody says otherwise
  while (task.signal_waiting()) {
    if (process.ending || (process.exec_task != nullptr && process.exec_task != &task)) {
      exit_task(process.end_status);
    }
    if (process.stopped) {
      wait_event(process.resume, [&process] { return !process.stopped; });
      continue;
    }
    take_signal(task, frame);
  }
  if (task.in_syscall_restart) {
    task.in_syscall_restart = false;
    if (task.restart != Restart::kNever) {
      rewind_syscall(task, frame, true);
    }
  }
  SigSet mask = 0;
  if (task.take_saved_mask(mask)) {
    task.set_blocked(mask);
    if (task.signal_waiting()) {
      return deal_with_signals(frame);
    }
  }
  if (task.rseq.disturbed) {
    leave_sequence(task, frame);
    if (task.signal_waiting()) {
      return deal_with_signals(frame);
    }
  }
  task.update_interrupt();
  task.leave_kernel();
}

}  // namespace

void before_return_to_user(TrapFrame& frame) {
  if (!current_task().leave_kernel_at_once()) {
    deal_with_signals(frame);
  }
}

i64 return_from_signal(TrapFrame& frame) {
  Task& task = current_task();
  if (!pop_signal_frame(task, frame).ok()) {
    force_on_task(task, fault_signal(kSIGSEGV, kSiKernel, VirtAddr(0)));
  }
  return static_cast<i64>(frame.reg(kA0));
}

KResult<void> change_alternate_stack(const TrapFrame& frame, const SigStack* change, SigStack* before) {
  Task& task = current_task();
  const bool running_on_it = on_alternate_stack(task, frame.x[kSp]);
  if (before != nullptr) {
    *before = task.alternate_stack;
    before->flags |= running_on_it ? kSsOnStack : 0;
  }
  if (change == nullptr) {
    return {};
  }
  if (running_on_it) {
    return Err(Errno::kEPERM);
  }
  SigStack stack = *change;
  stack.flags &= ~kSsOnStack;
  if ((stack.flags & kSsDisable) != 0) {
    if ((stack.flags & ~(kSsDisable | kSsAutoDisarm)) != 0) {
      return Err(Errno::kEINVAL);
    }
    task.alternate_stack = {.sp = 0, .flags = kSsDisable, .pad = 0, .size_bytes = 0};
    return {};
  }
  if ((stack.flags & ~kSsAutoDisarm) != 0) {
    return Err(Errno::kEINVAL);
  }
  if (stack.size_bytes < kMinSigStackBytes) {
    return Err(Errno::kENOMEM);
  }
  task.alternate_stack = stack;
  return {};
}

}  // namespace kernel
