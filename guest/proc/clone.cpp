#include "guest/proc/clone.h"

#include "guest/drivers/trace.h"
#include "guest/hal/user_access.h"
#include "guest/proc/process_file.h"
#include "guest/proc/process_table.h"

namespace kernel {

namespace {

/// Name spaces are not there.
constexpr u64 kUnsupported = kCloneNewNs | kCloneNewCgroup | kCloneNewUts | kCloneNewIpc | kCloneNewUser |
                             kCloneNewPid | kCloneNewNet | kCloneIntoCgroup;

KResult<void> check_flags(const CloneRequest& request) {
  const u64 flags = request.flags;
  const auto has = [flags](u64 flag) { return (flags & flag) != 0; };
  if (has(kUnsupported) || (has(kCloneThread) && !has(kCloneSigHand)) ||
      (has(kCloneSigHand) && !has(kCloneVm)) || (has(kClonePidFd) && has(kCloneThread)) ||
      (has(kCloneSigHand) && has(kCloneClearSigHand)) || request.exit_signal < 0 ||
      request.exit_signal > kSignalMax) {
    return Err(Errno::kEINVAL);
  }
  return {};
}

/// RLIMIT_NPROC counts the processes of a user.
KResult<void> check_process_limit(const Process& parent) {
  const u64 limit = parent.limits[Resource::kProcesses].soft;
  if (parent.identity.privileged() || process_table().process_count() < limit) {
    return {};
  }
  u64 count = 0;
  process_table().for_each([&](Process& other) {
    count += other.identity.user.real == parent.identity.user.real ? other.task_count() : 0;
  });
  return count < limit ? KResult<void>() : KResult<void>(Err(Errno::kEAGAIN));
}

KResult<RefPtr<SharedFsContext>> copy_fs(const FsContext& from) {
  auto copy = TRY(try_make_ref<SharedFsContext>());
  copy->context = from;
  return copy;
}

/// Everything of a new process but its task.
KResult<void> copy_process(Process& parent, Process& child, const CloneRequest& request) {
  const bool share_memory = (request.flags & kCloneVm) != 0;
  TRY(child.identity.copy_from(parent.identity));
  child.limits = parent.limits;
  child.actions = (request.flags & kCloneSigHand) != 0 ? parent.actions : TRY(parent.actions->clone());
  if ((request.flags & kCloneClearSigHand) != 0) {
    child.actions->reset_all();
  }
  child.exit_signal = request.exit_signal;
  child.executable = parent.executable;
  child.args_start = parent.args_start;
  child.args_end = parent.args_end;
  child.env_start = parent.env_start;
  child.env_end = parent.env_end;
  child.vdso_base = parent.vdso_base;
  child.dumpable = parent.dumpable;
  child.no_new_privileges = parent.no_new_privileges;
  child.nice = parent.nice;
  child.personality = parent.personality;
  child.oom_score_adjustment = parent.oom_score_adjustment;
  TRY(child.auxv.append(parent.auxv.span()));
  child.space = share_memory ? parent.space : TRY(parent.space->fork());
  return {};
}

void start_child(void* argument) {
  Task& task = *static_cast<Task*>(argument);
  if (task.set_child_tid.value != 0) {
    (void)put_user<u32>(task.set_child_tid, task.tid());
    task.set_child_tid = VirtAddr(0);
  }
  return_to_user(&task.user_frame());
}

KResult<void> set_up_task(Task& parent, Task& child, const TrapFrame& frame, const CloneRequest& request) {
  TRY(child.init(parent.name(), &start_child, &child));
  TrapFrame& own = child.user_frame();
  own = frame;
  own.reg(kA0) = 0;
  if (request.stack_pointer.value != 0) {
    own.reg(kSp) = request.stack_pointer.value;
  }
  if ((request.flags & kCloneSetTls) != 0) {
    own.reg(kTp) = request.tls.value;
  }
  child.fp = parent.fp;
  child.set_blocked(parent.blocked());
  if ((request.flags & kCloneVm) == 0) {
    child.rseq = parent.rseq;  // the copy of the memory has the area too
  }
  const bool same_stack = (request.flags & (kCloneVm | kCloneVfork)) != kCloneVm;
  if (same_stack) {
    child.alternate_stack = parent.alternate_stack;
  }
  if ((request.flags & kCloneChildSetTid) != 0) {
    child.set_child_tid = request.child_tid;
  }
  if ((request.flags & kCloneChildClearTid) != 0) {
    child.clear_child_tid = request.child_tid;
  }
  return {};
}

/// A process that never ran is taken out again.
void undo(Task* task, Process* process) {
  if (task != nullptr) {
    process_table().remove_task(*task);
    process_table().drop_files(*task);
  }
  if (process != nullptr) {
    process->space.reset();
    process_table().remove_process(*process);
  }
}

/// CLONE_PIDFD: a descriptor of the child for its parent.
KResult<void> tell_pidfd(Task& parent, Process& child, VirtAddr where) {
  auto file = TRY(make_process_file(child, 0));
  const u64 limit = parent.process().limits[Resource::kOpenFiles].soft;
  const i32 fd = TRY(parent.files().install(std::move(file), CloseOnExec::kYes, limit));
  const auto told = put_user(where, fd);
  if (!told.ok()) {
    (void)parent.files().close(fd);
  }
  return told;
}

}  // namespace

KResult<u32> clone_task(const TrapFrame& frame, const CloneRequest& request) {
  TRY(check_flags(request));
  Task& parent = current_task();
  Process& process = parent.process();
  TRY(check_process_limit(process));
  save_user_fp(parent.user_frame(), parent.fp);

  const bool thread = (request.flags & kCloneThread) != 0;
  auto files =
      (request.flags & kCloneFiles) != 0 ? process_table().files_of(parent) : TRY(parent.files().clone());
  auto fs = (request.flags & kCloneFs) != 0 ? process_table().fs_of(parent) : TRY(copy_fs(parent.fs()));

  Process& new_parent =
      (request.flags & kCloneParent) != 0 && process.parent() != nullptr ? *process.parent() : process;
  RefPtr<Process> child = thread ? RefPtr<Process>(process) : TRY(process_table().make_process(new_parent));
  Process* const fresh = thread ? nullptr : child.get();
  ScopeExit undo_process([&] { undo(nullptr, fresh); });
  if (!thread) {
    TRY(copy_process(process, *child, request));
    child->group = process.group;
    child->session = process.session;
    child->terminal = process.terminal;
  }
  RefPtr<Task> task = TRY(process_table().make_task(child, std::move(files), std::move(fs)));
  undo_process.dismiss();
  ScopeExit undo_task([&] { undo(task.get(), fresh); });
  TRY(set_up_task(parent, *task, frame, request));
  const u32 tid = task->tid();
  if ((request.flags & kClonePidFd) != 0) {
    TRY(tell_pidfd(parent, *child, request.pidfd));
  }
  if ((request.flags & kCloneParentSetTid) != 0) {
    (void)put_user<u32>(request.parent_tid, tid);
  }
  RefPtr<VforkDone> vfork;
  if ((request.flags & kCloneVfork) != 0) {
    vfork = TRY(try_make_ref<VforkDone>());
    task->vfork_done = vfork;
  }
  undo_task.dismiss();

  if (!thread) {
    trace(TraceEventId::k_fork, process.pid(), tid, child->space->satp(), request.flags);
  }
  task->update_interrupt();
  task->start();
  if (vfork) {
    task.reset();
    child.reset();
    wait_event(vfork->waiters, [&vfork] { return vfork->done; });
  }
  return tid;
}

}  // namespace kernel
