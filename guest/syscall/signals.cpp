// Signals: actions, masks, sending, waiting.
#include "guest/hal/time.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"
#include "guest/proc/signal_delivery.h"
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

KResult<void> check_set_bytes(u64 bytes) {
  return bytes == sizeof(SigSet) ? KResult<void>() : KResult<void>(Err(Errno::kEINVAL));
}

KResult<void> check_signo(i32 signo) {
  return signo >= 0 && signo <= kSignalMax ? KResult<void>() : KResult<void>(Err(Errno::kEINVAL));
}

/// tkill and tgkill; `group` 0 is any.
SyscallResult signal_task(i32 group, i32 tid, const SigInfo& info) {
  if (tid <= 0 || group < 0) {
    return Err(Errno::kEINVAL);
  }
  TRY(check_signo(info.signo));
  Task* const task = process_table().find_task(static_cast<u32>(tid));
  if (task == nullptr || (group != 0 && task->process().pid() != static_cast<u32>(group))) {
    return Err(Errno::kESRCH);
  }
  TRY(check_may_signal(task->process(), info.signo));
  TRY(send_to_task(*task, info));
  return 0;
}

/// The details that a program sends along; it may not pose as the kernel.
KResult<SigInfo> user_siginfo(VirtAddr address, i32 signo, u32 target_pid) {
  SigInfo info = TRY(get_user<SigInfo>(address));
  info.signo = signo;
  if ((info.code >= 0 || info.code == kSiTkill) && current_process().pid() != target_pid) {
    return Err(Errno::kEPERM);
  }
  return info;
}

}  // namespace

SyscallResult sys_rt_sigaction(const SyscallArgs& args) {
  TRY(check_set_bytes(args[3]));
  SigAction change{};
  if (args[1] != 0) {
    change = TRY(get_user<SigAction>(args.as_address(1)));
  }
  const SigAction before = TRY(change_action(args.as_int(0), args[1] != 0 ? &change : nullptr));
  if (args[2] != 0) {
    TRY(put_user(args.as_address(2), before));
  }
  return 0;
}

SyscallResult sys_rt_sigprocmask(const SyscallArgs& args) {
  TRY(check_set_bytes(args[3]));
  Task& task = current_task();
  const SigSet before = task.blocked();
  if (args[1] != 0) {
    const SigSet set = TRY(get_user<SigSet>(args.as_address(1)));
    switch (static_cast<SigHow>(args.as_int(0))) {
      case SigHow::kBlock:
        task.set_blocked(before | set);
        break;
      case SigHow::kUnblock:
        task.set_blocked(before & ~set);
        break;
      case SigHow::kSetMask:
        task.set_blocked(set);
        break;
      default:
        return Err(Errno::kEINVAL);
    }
  }
  if (args[2] != 0) {
    TRY(put_user(args.as_address(2), before));
  }
  return 0;
}

SyscallResult sys_rt_sigpending(const SyscallArgs& args) {
  if (args[1] > sizeof(SigSet)) {
    return Err(Errno::kEINVAL);
  }
  const Task& task = current_task();
  const SigSet set = (task.pending.set() | task.process().pending.set()) & task.blocked();
  TRY(copy_to_user(args.as_address(0), &set, args[1]));
  return 0;
}

SyscallResult sys_rt_sigsuspend(const SyscallArgs& args) {
  const SigSet mask = TRY(user_sigset(args.as_address(0), args[1]));
  Task& task = current_task();
  task.set_temporary_mask(mask);
  task.restart = Restart::kNoHandler;
  while (!task.interrupt_requested()) {
    (void)sleep_until(kNoDeadline);
  }
  return Err(Errno::kEINTR);
}

SyscallResult sys_rt_sigtimedwait(const SyscallArgs& args) {
  const SigSet wanted = TRY(user_sigset(args.as_address(0), args[3])) & ~kUnblockableSignals;
  u64 deadline = kNoDeadline;
  if (args[2] != 0) {
    deadline = deadline_after(TRY(user_timespec_ns(args.as_address(2))));
  }
  Task& task = current_task();
  Process& process = task.process();
  SigInfo info;
  const auto take = [&] { return task.pending.take(wanted, info) || process.pending.take(wanted, info); };
  task.restart = Restart::kNever;
  if (!take()) {
    // While it waits the signals count as not blocked, so that they wake it.
    task.awaited = wanted;
    while (!task.interrupt_requested() && monotonic_ns() < deadline) {
      if (!sleep_until(deadline).ok()) {
        break;
      }
    }
    const bool taken = take();
    task.awaited = 0;
    task.update_interrupt();
    if (!taken) {
      return Err(task.interrupt_requested() ? Errno::kEINTR : Errno::kEAGAIN);
    }
  }
  task.update_interrupt();
  if (args[1] != 0) {
    TRY(put_user(args.as_address(1), info));
  }
  return i64{info.signo};
}

SyscallResult sys_rt_sigreturn(const SyscallArgs& args) { return return_from_signal(args.frame); }

SyscallResult sys_sigaltstack(const SyscallArgs& args) {
  SigStack change{};
  SigStack before{};
  if (args[0] != 0) {
    change = TRY(get_user<SigStack>(args.as_address(0)));
  }
  TRY(change_alternate_stack(args.frame, args[0] != 0 ? &change : nullptr, &before));
  if (args[1] != 0) {
    TRY(put_user(args.as_address(1), before));
  }
  return 0;
}

SyscallResult sys_kill(const SyscallArgs& args) {
  TRY(check_signo(args.as_int(1)));
  TRY(kill_processes(args.as_int(0), signal_from_user(args.as_int(1))));
  return 0;
}

SyscallResult sys_tkill(const SyscallArgs& args) {
  return signal_task(0, args.as_int(0), signal_from_user(args.as_int(1), kSiTkill));
}

SyscallResult sys_tgkill(const SyscallArgs& args) {
  if (args.as_int(0) <= 0) {
    return Err(Errno::kEINVAL);
  }
  return signal_task(args.as_int(0), args.as_int(1), signal_from_user(args.as_int(2), kSiTkill));
}

SyscallResult sys_rt_sigqueueinfo(const SyscallArgs& args) {
  TRY(check_signo(args.as_int(1)));
  const SigInfo info = TRY(user_siginfo(args.as_address(2), args.as_int(1), args.as_uint(0)));
  if (args.as_int(0) <= 0) {
    return Err(Errno::kEINVAL);
  }
  TRY(kill_processes(args.as_int(0), info));
  return 0;
}

SyscallResult sys_rt_tgsigqueueinfo(const SyscallArgs& args) {
  TRY(check_signo(args.as_int(2)));
  const SigInfo info = TRY(user_siginfo(args.as_address(3), args.as_int(2), args.as_uint(0)));
  if (args.as_int(0) <= 0) {
    return Err(Errno::kEINVAL);
  }
  return signal_task(args.as_int(0), args.as_int(1), info);
}

SyscallResult sys_restart_syscall(const SyscallArgs&) {
  // Repeated calls are executed under their own number here: nothing waits to be restarted.
  current_task().restart = Restart::kNever;
  return Err(Errno::kEINTR);
}

}  // namespace kernel
