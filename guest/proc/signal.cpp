#include "guest/proc/signal.h"

#include "guest/hal/time.h"
#include "guest/proc/process_table.h"

namespace kernel {

namespace {

bool is_job_stop(i32 signo) { return (kStopSignals & sig_bit(signo)) != 0; }

bool is_core_or_fault(i32 signo) { return (kSynchronousSignals & sig_bit(signo)) != 0; }

/// What every stop or continue signal does at once, whether or not it is caught.
void apply_job_control(Process& process, i32 signo) {
  const auto discard_everywhere = [&process](SigSet which) {
    process.pending.discard(which);
    for (Task& task : process.tasks()) {
      task.pending.discard(which);
    }
  };
  if (signo == kSIGCONT) {
    discard_everywhere(kStopSignals);
    if (process.stopped) {
      process.stopped = false;
      process.continue_reported = false;
      process.stop_reported = true;
      process.resume.wake_all();
      for (Task& task : process.tasks()) {
        task.update_interrupt();
      }
      notify_parent(process, kCldContinued, kSIGCONT);
    }
  } else if (is_job_stop(signo)) {
    discard_everywhere(sig_bit(kSIGCONT));
  }
}

/// Whether the signal would have no effect on `task`: it is not even queued.
bool without_effect(const Process& process, const Task& task, i32 signo) {
  if ((task.blocked() & sig_bit(signo)) != 0) {
    return false;
  }
  // The first process is the kernel's own: nothing harms it.
  return &process == &process_table().first() || process.actions->ignores(signo);
}

u64 queue_limit(const Process& process) { return process.limits[Resource::kPendingSignals].soft; }

}  // namespace

DefaultAction default_action(i32 signo) {
  switch (signo) {
#define QUIRE_SIGNAL(number, name, action, text) \
  case number:                                   \
    return DefaultAction::k_##action;
#include "quire/arch/linux/signals.inc"
#undef QUIRE_SIGNAL
    default:
      return DefaultAction::k_term;
  }
}

SigInfo signal_from_user(i32 signo, SigCode code) {
  SigInfo info{};
  info.signo = signo;
  info.code = code;
  const Task* const sender = current_task_or_null();
  info.sender.pid = sender == nullptr ? 0 : static_cast<i32>(sender->process().pid());
  info.sender.uid = sender == nullptr ? 0 : sender->process().identity.user.real;
  return info;
}

SigInfo fault_signal(i32 signo, i32 code, VirtAddr address) {
  SigInfo info{};
  info.signo = signo;
  info.code = code;
  info.fault.address = address.value;
  return info;
}

PollSource& signal_arrivals() {
  static PollSource arrivals;
  return arrivals;
}

SigInfo signal_from_kernel(i32 signo) {
  SigInfo info{};
  info.signo = signo;
  info.code = kSiKernel;
  return info;
}

KResult<void> send_to_process(Process& process, const SigInfo& info) {
  if (info.signo == 0 || process.state == ProcessState::kZombie || process.tasks().empty() ||
      process.ending) {
    return {};
  }
  apply_job_control(process, info.signo);
  if (without_effect(process, *process.leader(), info.signo)) {
    return {};
  }
  if (info.signo == kSIGKILL) {
    end_process(process, wait_status_signaled(kSIGKILL, false));
    return {};
  }
  TRY(process.pending.add(info, queue_limit(process)));
  // The leader first; one task that can take it is enough.
  Task* chosen = process.leader();
  if ((chosen->heard() & sig_bit(info.signo)) == 0) {
    for (Task& task : process.tasks()) {
      if ((task.heard() & sig_bit(info.signo)) != 0) {
        chosen = &task;
        break;
      }
    }
  }
  chosen->update_interrupt();
  signal_arrivals().wake(kPollIn);
  return {};
}

KResult<void> send_to_task(Task& task, const SigInfo& info) {
  Process& process = task.process();
  if (info.signo == 0 || process.ending) {
    return {};
  }
  apply_job_control(process, info.signo);
  if (without_effect(process, task, info.signo)) {
    return {};
  }
  if (info.signo == kSIGKILL) {
    end_process(process, wait_status_signaled(kSIGKILL, false));
    return {};
  }
  TRY(task.pending.add(info, queue_limit(process)));
  task.update_interrupt();
  signal_arrivals().wake(kPollIn);
  return {};
}

void force_on_task(Task& task, const SigInfo& info) {
  Process& process = task.process();
  if (info.signo == kSIGKILL) {
    end_process(process, wait_status_signaled(kSIGKILL, false));
    return;
  }
  SigAction& action = process.actions->of(info.signo);
  const bool blocked = (task.blocked() & sig_bit(info.signo)) != 0;
  if (blocked || action.handler == kSigIgnore) {
    action = {};
    task.set_blocked(task.blocked() & ~sig_bit(info.signo));
  }
  ASSERT(is_core_or_fault(info.signo));
  task.pending.discard(sig_bit(info.signo));
  (void)task.pending.add(info, kUnlimited);
  task.update_interrupt();
}

KResult<void> check_may_signal(const Process& target, i32 signo) {
  const Process& sender = current_process();
  const IdSet& from = sender.identity.user;
  const IdSet& to = target.identity.user;
  if (sender.identity.privileged() || from.effective == to.saved || from.effective == to.real ||
      from.real == to.saved || from.real == to.real ||
      (signo == kSIGCONT && sender.session == target.session)) {
    return {};
  }
  return Err(Errno::kEPERM);
}

void send_to_group(u32 group, const SigInfo& info) {
  process_table().for_each([&](Process& process) {
    if (process.group == group && &process != &process_table().first()) {
      (void)send_to_process(process, info);
    }
  });
}

KResult<void> kill_processes(i64 pid, const SigInfo& info) {
  if (info.signo < 0 || info.signo > kSignalMax) {
    return Err(Errno::kEINVAL);
  }
  if (pid > 0) {
    Process* const target = process_table().find(static_cast<u32>(pid));
    if (pid > i64{kMaxPid} || target == nullptr) {
      return Err(Errno::kESRCH);
    }
    TRY(check_may_signal(*target, info.signo));
    return send_to_process(*target, info);
  }
  // 0: the sender's group; -1: all but the first process and the sender; else the group -pid.
  const Process& self = current_process();
  bool found = false;
  bool sent = false;
  process_table().for_each([&](Process& target) {
    const bool meant = pid == -1 ? target.pid() > 1 && &target != &self
                                 : i64{target.group} == (pid == 0 ? i64{self.group} : -pid);
    if (!meant || target.pid() == process_table().first().pid()) {
      return;
    }
    found = true;
    if (check_may_signal(target, info.signo).ok()) {
      (void)send_to_process(target, info);
      sent = true;
    }
  });
  if (!found) {
    return Err(Errno::kESRCH);
  }
  return sent ? KResult<void>() : KResult<void>(Err(Errno::kEPERM));
}

void end_process(Process& process, i32 wait_status) {
  if (process.ending) {
    return;
  }
  process.ending = true;
  process.end_status = wait_status;
  process.stopped = false;
  process.resume.wake_all();
  for (Task& task : process.tasks()) {
    task.update_interrupt();
  }
}

void notify_parent(Process& child, i32 code, i32 status) {
  Process* const parent = child.parent();
  if (parent == nullptr) {
    return;
  }
  parent->child_events.wake_all();
  const bool ended = code == kCldExited || code == kCldKilled || code == kCldDumped;
  const i32 signo = ended ? child.exit_signal : kSIGCHLD;
  if (signo == 0 || !parent->actions) {
    return;
  }
  if (!ended && (parent->actions->of(kSIGCHLD).flags & kSaNoCldStop) != 0) {
    return;
  }
  // In hundredths of a second (times(2)).
  constexpr u64 kNsPerClockTick = 10'000'000;
  CpuTimes times = child.times();
  SigInfo info{};
  info.signo = signo;
  info.code = code;
  info.child = {.pid = static_cast<i32>(child.pid()),
                .uid = child.identity.user.real,
                .status = status,
                .pad = 0,
                .user_ticks = static_cast<i64>(ticks_to_ns(times.user) / kNsPerClockTick),
                .system_ticks = static_cast<i64>(ticks_to_ns(times.system) / kNsPerClockTick)};
  (void)send_to_process(*parent, info);
}

KResult<SigAction> change_action(i32 signo, const SigAction* change) {
  if (signo < 1 || signo > kSignalMax || (change != nullptr && (sig_bit(signo) & kUnblockableSignals) != 0)) {
    return Err(Errno::kEINVAL);
  }
  Process& process = current_process();
  const SigAction before = process.actions->of(signo);
  if (change != nullptr) {
    SigAction& action = process.actions->of(signo);
    action = *change;
    action.mask &= ~kUnblockableSignals;
    if (process.actions->ignores(signo)) {
      process.pending.discard(sig_bit(signo));
      for (Task& task : process.tasks()) {
        task.pending.discard(sig_bit(signo));
      }
    }
  }
  return before;
}

void Task::update_interrupt() {
  if (signal_waiting()) {
    request_interrupt();
  } else {
    clear_interrupt();
  }
}

void Task::set_blocked(SigSet mask) {
  blocked_ = mask & ~kUnblockableSignals;
  update_interrupt();
}

void Task::set_temporary_mask(SigSet mask) {
  saved_mask_ = blocked_;
  has_saved_mask_ = true;
  set_blocked(mask);
}

bool Task::take_saved_mask(SigSet& mask) {
  if (!has_saved_mask_) {
    return false;
  }
  has_saved_mask_ = false;
  mask = saved_mask_;
  return true;
}

}  // namespace kernel
