#include "guest/proc/exit.h"

#include "guest/drivers/trace.h"
#include "guest/hal/user_access.h"
#include "guest/proc/futex.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"
#include "guest/proc/sysv_sem.h"

namespace kernel {

namespace {

/// What other threads see of the end: robust mutexes given up, the tid word cleared (set_tid_address(2)).
void tell_user_space(Task& task) {
  if (!task.process().space) {
    return;
  }
  if (task.robust_list.value != 0) {
    release_robust_list(task);
    task.robust_list = VirtAddr(0);
  }
  if (task.clear_child_tid.value != 0) {
    const VirtAddr word = task.clear_child_tid;
    task.clear_child_tid = VirtAddr(0);
    if (put_user<u32>(word, 0).ok()) {
      (void)futex_wake(word, 1, kFutexAnyBits, FutexScope::kShared);
    }
  }
}

Process& adopter_of(Process& process) {
  for (Process* at = process.parent(); at != nullptr; at = at->parent()) {
    if (at->subreaper && !at->ending && at->state == ProcessState::kAlive) {
      return *at;
    }
  }
  return process_table().first();
}

void hand_over_children(Process& process) {
  Process& adopter = adopter_of(process);
  while (!process.children().empty()) {
    Process& child = process.children().front();
    process_table().set_parent(child, adopter);
    child.exit_signal = kSIGCHLD;
    if (child.parent_death_signal != 0) {
      (void)send_to_process(child, signal_from_user(child.parent_death_signal));
    }
    if (child.state == ProcessState::kZombie) {
      notify_parent(child, kCldExited, 0);
    }
  }
}

/// No zombie is kept for a parent that says it does not care (wait(2), NOTES).
bool parent_ignores(const Process& process) {
  const Process* const parent = process.parent();
  if (process.exit_signal != kSIGCHLD || parent == nullptr || !parent->actions) {
    return false;
  }
  const SigAction& action = parent->actions->of(kSIGCHLD);
  return action.handler == kSigIgnore || (action.flags & kSaNoCldWait) != 0;
}

/// setpgid(2): stopped members of a group that nobody can continue any more are told to go on, or end.
void release_orphaned_group(u32 group, u32 session, const Process& ending) {
  bool stopped = false;
  process_table().for_each([&](const Process& member) {
    stopped |= member.group == group && member.session == session && &member != &ending && member.stopped;
  });
  if (!stopped || !is_orphaned_group(group, session, &ending)) {
    return;
  }
  send_to_group(group, signal_from_kernel(kSIGHUP));
  send_to_group(group, signal_from_kernel(kSIGCONT));
}

/// The end of a process may orphan its children's groups and its own.
void release_orphaned_groups(Process& ending) {
  for (const Process& child : ending.children()) {
    if (child.session == ending.session && child.group != ending.group) {
      release_orphaned_group(child.group, child.session, ending);
    }
  }
  // Its own only if it was a tie: a group that nobody tied any more has been orphaned for long.
  const Process* const parent = ending.parent();
  if (parent != nullptr && parent->session == ending.session && parent->group != ending.group) {
    release_orphaned_group(ending.group, ending.session, ending);
  }
}

void become_zombie(Process& process) {
  process.timers.remove_all();
  process.pending.clear();
  if (process.terminal && process.session == process.pid()) {
    process.terminal->leave_session(process);
  }
  process.terminal.reset();
  release_orphaned_groups(process);
  hand_over_children(process);
  process.executable.reset();
  process.state = ProcessState::kZombie;
  trace(TraceEventId::k_exit, process.pid(), process.end_status);
  const i32 signo = process.end_status & 0x7f;
  const bool ignored = parent_ignores(process);
  notify_parent(process, signo == 0 ? kCldExited : kCldKilled,
                signo == 0 ? (process.end_status >> 8) & 0xff : signo);
  process.end_source.wake(kPollIn);
  if (ignored) {
    process_table().remove_process(process);
  }
}

}  // namespace

void release_memory(Process& process) {
  if (!process.space) {
    return;
  }
  const MemoryCounters& counters = process.space->counters();
  process.own_minor_faults += counters.minor_faults;
  process.own_major_faults += counters.major_faults;
  process.peak_rss_pages = std::max(process.peak_rss_pages, counters.peak_rss);
  RefPtr<AddressSpace> space = std::move(process.space);
  kernel_page_table().activate();
}

namespace {

/// What a process has no longer when its last task ends.
void give_up_if_last(Process& process, i32 wait_status) {
  if (process.task_count() == 1) {
    if (process.space) {
      const bool decides = current_task().is_leader() && !process.ending;
      trace(TraceEventId::k_exiting, process.pid(), decides ? wait_status : process.end_status);
    }
    process.timers.remove_all();
    undo_semaphores(process);
    release_memory(process);
  }
}

}  // namespace

void exit_task(i32 wait_status) {
  Task& task = current_task();
  {
    RefPtr<Process> process(task.process());
    tell_user_space(task);
    give_up_if_last(*process, wait_status);
    if (task.vfork_done) {
      task.vfork_done->complete();
      task.vfork_done.reset();
    }
    // Closing may sleep: after this the task is still one, and may be the last although it was not before.
    process_table().drop_files(task);
    give_up_if_last(*process, wait_status);
    if (task.is_leader() && !process->ending) {
      process->end_status = wait_status;
    }
    task.pending.clear();
    if (process->task_count() == 1) {
      (void)process->last_name.append(task.name());  // without memory it is just nameless
    }
    process_table().remove_task(task);
    process->task_ended.wake_all();
    if (process->tasks().empty()) {
      become_zombie(*process);
    }
  }
  exit_thread();
}

void exit_process(i32 wait_status) {
  end_process(current_process(), wait_status);
  exit_task(wait_status);
}

Usage usage_of(Process& process) {
  Usage usage{.times = process.times(),
              .minor_faults = process.own_minor_faults,
              .major_faults = process.own_major_faults,
              .peak_rss_pages = process.peak_rss_pages};
  if (process.space) {
    const MemoryCounters& counters = process.space->counters();
    usage.minor_faults += counters.minor_faults;
    usage.major_faults += counters.major_faults;
    usage.peak_rss_pages = std::max(usage.peak_rss_pages, counters.peak_rss);
  }
  return usage;
}

}  // namespace kernel
