#include "guest/proc/process_table.h"

#include "guest/hal/time.h"

namespace kernel {

namespace {

/// After a wrap low numbers stay with the first programs, as on Linux.
constexpr u32 kFirstReusedPid = 300;

ProcessTable g_table;

}  // namespace

ProcessTable& process_table() { return g_table; }

bool ProcessTable::in_use(u32 pid) const {
  if (find(pid) != nullptr || find_task(pid) != nullptr) {
    return true;
  }
  for (const Process& process : processes_) {
    if (process.group == pid || process.session == pid) {
      return true;
    }
  }
  return false;
}

KResult<u32> ProcessTable::allocate_pid() {
  static bool wrapped = false;
  for (u32 tries = 0; tries < kMaxPid; tries++) {
    if (++last_pid_ >= kMaxPid) {
      last_pid_ = kFirstReusedPid;
      wrapped = true;
    }
    if (!wrapped || !in_use(last_pid_)) {
      return last_pid_;
    }
  }
  return Err(Errno::kEAGAIN);
}

KResult<RefPtr<Process>> ProcessTable::add_process() {
  auto process = TRY(try_make_ref<Process>());
  process->pid_ = TRY(allocate_pid());
  process->start_ns = monotonic_ns();
  processes_.insert(*process);
  process_count_++;
  forks_++;
  process->ref();  // the table's, until remove_process
  return process;
}

KResult<RefPtr<Process>> ProcessTable::make_first() {
  first_ = TRY(add_process());
  first_->group = first_->session = first_->pid();
  return first_;
}

KResult<RefPtr<Process>> ProcessTable::make_process(Process& parent) {
  auto process = TRY(add_process());
  process->group = parent.group;
  process->session = parent.session;
  process->parent_ = &parent;
  parent.children_.push_back(*process);
  return process;
}

KResult<RefPtr<Task>> ProcessTable::make_task(RefPtr<Process> process, RefPtr<FdTable> files,
                                              RefPtr<SharedFsContext> fs) {
  auto task = TRY(try_make_ref<Task>(process));
  task->tid_ = process->tasks_.empty() ? process->pid() : TRY(allocate_pid());
  task->files_ = std::move(files);
  task->fs_ = std::move(fs);
  process->tasks_.push_back(*task);
  process->task_count_++;
  tasks_.insert(*task);
  task_count_++;
  return task;
}

void ProcessTable::remove_task(Task& task) {
  Process& process = task.process();
  process.ended_tasks += task.times();
  process.tasks_.erase(process.tasks_.iterator_to(task));
  process.task_count_--;
  tasks_.erase(tasks_.iterator_to(task));
  task_count_--;
}

void ProcessTable::remove_process(Process& process) {
  ASSERT(process.tasks_.empty() && process.children_.empty());
  if (process.parent_ != nullptr) {
    process.parent_->children_.erase(process.parent_->children_.iterator_to(process));
    process.parent_ = nullptr;
  }
  processes_.erase(processes_.iterator_to(process));
  process_count_--;
  process.end_source.wake(kPollHup);
  process.unref();
}

void ProcessTable::take_leader_tid(Task& task) {
  tasks_.erase(tasks_.iterator_to(task));
  task.tid_ = task.process().pid();
  tasks_.insert(task);
}

void ProcessTable::set_files(Task& task, RefPtr<FdTable> files) { task.files_ = std::move(files); }
void ProcessTable::set_fs(Task& task, RefPtr<SharedFsContext> fs) { task.fs_ = std::move(fs); }

void ProcessTable::drop_files(Task& task) {
  task.files_.reset();
  task.fs_.reset();
}

Process* ProcessTable::find(u32 pid) const {
  auto it = const_cast<ProcessTable*>(this)->processes_.find(pid, ByPid{});
  return it == const_cast<ProcessTable*>(this)->processes_.end() ? nullptr : &*it;
}

Task* ProcessTable::find_task(u32 tid) const {
  auto it = const_cast<ProcessTable*>(this)->tasks_.find(tid, ByTid{});
  return it == const_cast<ProcessTable*>(this)->tasks_.end() ? nullptr : &*it;
}

Process* ProcessTable::next(u32 after) const {
  auto it = const_cast<ProcessTable*>(this)->processes_.upper_bound(after, ByPid{});
  return it == const_cast<ProcessTable*>(this)->processes_.end() ? nullptr : &*it;
}

void ProcessTable::set_parent(Process& child, Process& parent) {
  if (child.parent_ != nullptr) {
    child.parent_->children_.erase(child.parent_->children_.iterator_to(child));
  }
  child.parent_ = &parent;
  parent.children_.push_back(child);
}

bool ProcessTable::group_in_session(u32 group, u32 session) const {
  for (const Process& process : processes_) {
    if (process.group == group && process.session == session) {
      return true;
    }
  }
  return false;
}

}  // namespace kernel
