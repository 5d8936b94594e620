// ProcessTable: every process and task by its number, and the tree of parents and children.
//
// Numbers are given in ascending order and reused only after a wrap, never while a process, task, group or
// session has them. Lock: the process table's (see process.h).
#pragma once

#include "guest/proc/process.h"

namespace kernel {

inline constexpr u32 kMaxPid = 32768;

class ProcessTable : NonCopyable {
 public:
  /// The first process, which adopts orphans. Once, at boot.
  KResult<RefPtr<Process>> make_first();
  Process& first() const { return *first_; }

  /// A child of `parent` without a task yet, in its group and session. EAGAIN, ENOMEM.
  KResult<RefPtr<Process>> make_process(Process& parent);
  /// A task of `process`: its leader when it is the first one (tid = pid). EAGAIN, ENOMEM.
  KResult<RefPtr<Task>> make_task(RefPtr<Process> process, RefPtr<FdTable> files, RefPtr<SharedFsContext> fs);
  /// The task has ended, or never started.
  void remove_task(Task& task);
  /// The process is reaped, or was never started.
  void remove_process(Process& process);
  /// exec by a task that is not the leader: it gets the leader's number (which is free by then).
  void take_leader_tid(Task& task);
  /// A task's own tables, replaced by unshared ones.
  void set_files(Task& task, RefPtr<FdTable> files);
  void set_fs(Task& task, RefPtr<SharedFsContext> fs);
  RefPtr<FdTable> files_of(Task& task) const { return task.files_; }
  RefPtr<SharedFsContext> fs_of(Task& task) const { return task.fs_; }
  /// The task lets go of its files and directories, at its end.
  void drop_files(Task& task);

  Process* find(u32 pid) const;
  Task* find_task(u32 tid) const;
  /// The process with the lowest number above `after`, or null.
  Process* next(u32 after) const;
  usize process_count() const { return process_count_; }
  usize task_count() const { return task_count_; }
  u64 forks() const { return forks_; }
  u32 last_pid() const { return last_pid_; }

  void set_parent(Process& child, Process& parent);
  /// Whether a process of the group is in `session`.
  bool group_in_session(u32 group, u32 session) const;
  template <class Fn>
  void for_each(Fn fn) const {
    for (Process* process = next(0); process != nullptr; process = next(process->pid())) {
      fn(*process);
    }
  }

 private:
  friend struct Description;
  struct ByPid {
    bool operator()(const Process& a, const Process& b) const { return a.pid() < b.pid(); }
    bool operator()(const Process& a, u32 b) const { return a.pid() < b; }
    bool operator()(u32 a, const Process& b) const { return a < b.pid(); }
  };
  struct ByTid {
    bool operator()(const Task& a, const Task& b) const { return a.tid() < b.tid(); }
    bool operator()(const Task& a, u32 b) const { return a.tid() < b; }
    bool operator()(u32 a, const Task& b) const { return a < b.tid(); }
  };
  KResult<u32> allocate_pid();
  bool in_use(u32 pid) const;
  KResult<RefPtr<Process>> add_process();

  Tree<Process, &Process::pid_node, ByPid> processes_;
  Tree<Task, &Task::tid_node, ByTid> tasks_;
  RefPtr<Process> first_;
  u32 last_pid_ = 0;
  usize process_count_ = 0;
  usize task_count_ = 0;
  u64 forks_ = 0;
};

ProcessTable& process_table();

}  // namespace kernel
