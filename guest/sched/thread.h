// Threads of the kernel's scheduler: a kernel stack each, run round robin on one hart.
//
// Kernel code is not preempted: a thread gives the hart up only where it sleeps (WaitQueue, Mutex,
// sleep_until), yields or gives way; in user mode the timer preempts it after kSliceNs, on its way back to
// user mode. Invariant: a thread is running, or in the run queue, or blocked (then on at most one wait
// queue), or dead. The scheduler holds a reference from start() until the thread is dead and switched away
// from. Lock: the run-queue lock, inside every wait queue's (today: no preemption, interrupts only in user
// mode and idle).
#pragma once

#include "guest/hal/context.h"
#include "guest/hal/hart.h"
#include "guest/hal/trap.h"
#include "guest/lib/intrusive.h"
#include "guest/lib/ref_ptr.h"
#include "guest/lib/result.h"
#include "guest/mem/kernel_space.h"

namespace kernel {

inline constexpr u64 kSliceNs = 10'000'000;

enum class ThreadState : u8 { kNew, kRunnable, kRunning, kBlocked, kDead };

class Thread : public RefCounted<Thread> {
 public:
  /// Heirs call init() before anything else.
  Thread() = default;
  virtual ~Thread();

  /// Gives the thread its stack; it will run `entry(argument)` and end when that returns. ENOMEM.
  KResult<void> init(StringView name, void (*entry)(void*), void* argument);
  /// Puts a new thread into the run queue.
  void start();

  /// A kernel thread that is already started.
  static KResult<RefPtr<Thread>> spawn(StringView name, void (*entry)(void*), void* argument);

  /// The frame at the top of the kernel stack: the user registers of a thread that has a user half.
  TrapFrame& user_frame() { return *reinterpret_cast<TrapFrame*>(stack_.top() - sizeof(TrapFrame)); }

  StringView name() const { return {name_, name_length_}; }
  void set_name(StringView name);
  ThreadState state() const { return state_; }

  /// Makes an interruptible sleep end with EINTR, now and until it is cleared: a signal is pending.
  void request_interrupt();
  void clear_interrupt() { interrupt_requested_ = false; }
  bool interrupt_requested() const { return interrupt_requested_; }
  /// It is to end as soon as it can: work that takes long is not worth finishing.
  virtual bool must_end() const { return false; }

  /// Time on the hart, in ticks, up to the last switch.
  u64 run_ticks() const { return run_ticks_; }

 protected:
  /// Called around a switch, for the outgoing and then for the incoming thread: user FP registers and satp.
  virtual void on_switch_out() {}
  virtual void on_switch_in() {}

 private:
  friend class Scheduler;
  friend class WaitQueue;
  friend void init_scheduler();
  void adopt_running_stack(StringView name, KernelStack stack);
  static void trampoline(void* thread);

  KernelContext context_;
  KernelStack stack_;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  AutoListNode queue_node_;  // run queue or wait queue
  u64 run_ticks_ = 0;
  ThreadState state_ = ThreadState::kNew;
  bool interrupt_requested_ = false;
  bool interruptible_ = false;  // while blocked
  u8 name_length_ = 0;
  char name_[16] = {};
};

/// The thread that runs now.
#if __STDC_HOSTED__
Thread& current_thread();
#else
inline Thread& current_thread() { return *this_hart().current; }
#endif

/// Turns the boot code into the first thread and sets up timer and preemption hooks.
void init_scheduler();
/// Lets every other runnable thread run first.
void yield();
/// A point in work that may take long: takes interrupts that are pending and, at the end of the slice, lets
/// other threads run; mutexes may be held. EINTR when the thread must end.
KResult<void> give_way();
/// Ends the running thread; its stack is freed by the next one.
[[noreturn]] void exit_thread();
/// Blocks the running thread until wake_thread(). For wait queues and the like; the caller arranges the
/// wake-up.
void block_thread();
/// Makes a blocked thread runnable; nothing happens to any other.
void wake_thread(Thread& thread);
/// Whether another thread waits for the hart.
bool others_runnable();

struct SchedulerStats {
  u64 switches = 0;
  u64 preemptions = 0;
  u64 idle_ticks = 0;
  u64 runnable = 0;  ///< waiting for the hart now
};
const SchedulerStats& scheduler_stats();

}  // namespace kernel
