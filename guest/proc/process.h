// Process: what the threads of one program share. Task: one of those threads, with its kernel stack.
//
// Invariants: a process is in the table from its making until it is reaped; a task until it has ended.
// A zombie has no tasks and no memory. Every process but the first has a parent; the children of one that
// ends go to the nearest subreaper, else to the first process. Lock: the process table's lock guards all of
// it (today: kernel code is not preempted, so what does not sleep is atomic).
#pragma once

#include "guest/fs/fd_table.h"
#include "guest/fs/path.h"
#include "guest/fs/poll.h"
#include "guest/hal/fp.h"
#include "guest/hal/time.h"
#include "guest/lib/intrusive.h"
#include "guest/proc/elf_loader.h"
#include "guest/proc/identity.h"
#include "guest/proc/interval_timers.h"
#include "guest/proc/limits.h"
#include "guest/proc/pending_signals.h"
#include "guest/proc/rseq.h"
#include "guest/proc/signal_actions.h"
#include "guest/proc/terminal.h"
#include "guest/sched/wait.h"
#include "guest/vm/address_space.h"
#include "quire/arch/linux/auxv.h"

namespace kernel {

class Process;

/// Root, working directory and umask; shared by tasks with CLONE_FS.
struct SharedFsContext : RefCounted<SharedFsContext> {
  FsContext context;
};

/// CPU time in ticks of the `time` CSR.
struct CpuTimes {
  u64 user = 0;
  u64 system = 0;
  CpuTimes& operator+=(const CpuTimes& other) {
    user += other.user;
    system += other.system;
    return *this;
  }
};

/// How a system call that a signal interrupted goes on (signal(7), "Interruption of system calls").
enum class Restart : u8 {
  kNever,      ///< EINTR whatever happens
  kNoHandler,  ///< again unless a handler ran
  kAlways,     ///< again unless a handler without SA_RESTART ran
};

/// Lets the parent of a vfork wait until its child has its own memory, or none.
struct VforkDone : RefCounted<VforkDone> {
  WaitQueue waiters;
  bool done = false;
  void complete() {
    done = true;
    waiters.wake_all();
  }
};

class Task final : public Thread {
 public:
  explicit Task(RefPtr<Process> owner) : process_(std::move(owner)) {}
  ~Task() override;

  Process& process() const { return *process_; }
  u32 tid() const { return tid_; }
  bool is_leader() const;
  FdTable& files() const { return *files_; }
  FsContext& fs() const;

  // --- signals ---
  SigSet blocked() const { return blocked_; }
  /// Signals that make it look up: not blocked, or waited for.
  SigSet heard() const { return ~blocked_ | awaited; }
  /// Changes the mask (never KILL or STOP) and looks again at what is pending.
  void set_blocked(SigSet mask);
  /// sigsuspend and its kin: `mask` until the call has been interrupted; then the old one is restored.
  void set_temporary_mask(SigSet mask);
  PendingSignals pending;
  SigSet awaited = 0;  ///< sigtimedwait takes these although they are blocked
  SigStack alternate_stack{.sp = 0, .flags = kSsDisable, .pad = 0, .size_bytes = 0};
  /// Tells the scheduler whether a signal, a stop or the end is waiting.
  void update_interrupt();
  bool signal_waiting() const;
  bool must_end() const override;
  /// Only for signal delivery and sigreturn.
  bool take_saved_mask(SigSet& mask);

  // --- the system call that is running ---
  Restart restart = Restart::kNever;
  bool in_syscall_restart = false;  ///< a0 is EINTR, and may yet be turned into a repetition
  bool repeating = false;           ///< the next call is a repetition: it keeps resume_deadline_ns
  u64 resume_deadline_ns = 0;       ///< a repeated call with a time-out keeps its first deadline; 0: none

  // --- the end ---
  VirtAddr clear_child_tid{};
  VirtAddr set_child_tid{};  ///< written when the task first runs
  VirtAddr robust_list{};
  RseqRegistration rseq;
  RefPtr<VforkDone> vfork_done;

  FpState fp;
  CpuTimes times() const;
  /// Called on each way into the kernel from user mode, and back.
  void enter_kernel() {
    charge();
    in_user_ = false;
  }
  void leave_kernel() {
    charge();
    in_user_ = true;
  }
  /// The way back to user mode of a task that nothing waits for; false: before_return_to_user() is needed.
  bool leave_kernel_at_once();

  TreeNode tid_node;  // public for intrusive containers only
  ListNode group_node;

 protected:
  void on_switch_out() override;
  void on_switch_in() override;

 private:
  friend class ProcessTable;
  friend struct Description;
  friend struct TaskSetup;
  void charge() {
    const u64 now = now_ticks();
    (in_user_ ? times_.user : times_.system) += now - stamp_;
    stamp_ = now;
  }

  RefPtr<Process> process_;
  RefPtr<FdTable> files_;
  RefPtr<SharedFsContext> fs_;
  u32 tid_ = 0;
  SigSet blocked_ = 0;
  SigSet saved_mask_ = 0;
  bool has_saved_mask_ = false;
  CpuTimes times_;
  u64 stamp_ = 0;
  bool in_user_ = false;
};

enum class ProcessState : u8 { kAlive, kZombie };

class Process : public RefCounted<Process> {
 public:
  Process() = default;
  ~Process();

  u32 pid() const { return pid_; }
  u32 parent_pid() const { return parent_ != nullptr ? parent_->pid_ : 0; }
  Process* parent() const { return parent_; }

  RefPtr<AddressSpace> space;  ///< null: the first process, and zombies
  RefPtr<SignalActions> actions;
  PendingSignals pending;
  Identity identity;
  Limits limits = default_limits();
  IntervalTimers timers{*this};

  // --- what it runs ---
  RefPtr<Executable> executable;
  VirtAddr args_start{}, args_end{}, env_start{}, env_end{};
  Vector<AuxEntry> auxv;
  VirtAddr vdso_base{};
  bool executed = false;  ///< since fork (setpgid(2))

  // --- groups ---
  u32 group = 0;
  u32 session = 0;
  RefPtr<Terminal> terminal;  ///< the controlling one, of the session
  bool subreaper = false;
  i32 exit_signal = kSIGCHLD;
  i32 parent_death_signal = 0;
  bool dumpable = true;
  bool no_new_privileges = false;
  i32 nice = 0;
  u32 personality = 0;
  i32 oom_score_adjustment = 0;
  bool randomize_layout() const;

  // --- state ---
  ProcessState state = ProcessState::kAlive;
  bool ending = false;        ///< all tasks must end, with end_status
  i32 end_status = 0;         ///< wait status
  String last_name;           ///< of the last task, for a zombie's entry in /proc
  Task* exec_task = nullptr;  ///< the task that replaces the program: the others end, it stays
  bool stopped = false;
  i32 stop_signal = 0;
  bool stop_reported = true;
  bool continue_reported = true;
  WaitQueue resume;        ///< stopped tasks
  WaitQueue child_events;  ///< wait4 of this process
  WaitQueue task_ended;    ///< exec waits for the other tasks
  PollSource end_source;   ///< of files that stand for this process

  CpuTimes ended_tasks;  ///< of tasks that are gone
  CpuTimes reaped;       ///< of children that were waited for
  u64 reaped_minor_faults = 0, reaped_major_faults = 0;
  u64 own_minor_faults = 0, own_major_faults = 0;  ///< kept when the memory goes
  u64 peak_rss_pages = 0, reaped_peak_rss_pages = 0;
  u64 voluntary_switches = 0;
  u64 start_ns = 0;

  List<Task, &Task::group_node>& tasks() { return tasks_; }
  usize task_count() const { return task_count_; }
  Task* leader();
  CpuTimes times();
  MemoryLimits memory_limits() const;

  TreeNode pid_node;  // public for intrusive containers only
  ListNode sibling_node;
  using Children = List<Process, &Process::sibling_node>;
  Children& children() { return children_; }

 private:
  friend class ProcessTable;
  friend struct Description;
  u32 pid_ = 0;
  Process* parent_ = nullptr;
  List<Task, &Task::group_node> tasks_;
  usize task_count_ = 0;
  Children children_;
};

inline bool Task::must_end() const {
  const Process& owner = *process_;
  return owner.exec_task != nullptr ? owner.exec_task != this : owner.ending;
}

inline bool Task::signal_waiting() const {
  const Process& owner = *process_;
  return must_end() || owner.stopped || ((pending.set() | owner.pending.set()) & heard()) != 0;
}

inline bool Task::leave_kernel_at_once() {
  if (signal_waiting() || in_syscall_restart || has_saved_mask_ || rseq.disturbed) {
    return false;
  }
  clear_interrupt();
  leave_kernel();
  return true;
}

/// The running thread as a task; only in the context of one.
inline Task& current_task() { return static_cast<Task&>(current_thread()); }
/// Null in a kernel thread.
Task* current_task_or_null();
inline Process& current_process() { return current_task().process(); }
/// How the running process sees the name tree, with its present identity.
const FsContext& current_fs();

}  // namespace kernel
