// The scheduler's state; for this layer only.
#pragma once

#include "guest/sched/thread.h"

namespace kernel {

class Scheduler {
 public:
  static void init();
  /// Queues `thread`, which is not in any queue.
  static void enqueue(Thread& thread);
  /// Runs another thread until this one is chosen again; its state and queue are set already.
  static void switch_away();
  static void wake(Thread& thread);
  static void block();
  static void yield();
  static void preempt();
  [[noreturn]] static void exit();
  /// Sets the hart's timer to what is due first: a timer or the end of the slice.
  static void program_timer();

  static bool others_runnable() { return !woken_queue_.empty() || !run_queue_.empty(); }
  static SchedulerStats& stats() { return stats_; }

 private:
  friend class Thread;
  static void on_timer();
  static Thread& wait_for_runnable();
  static void finish_switch();

  using Queue = AutoList<Thread, &Thread::queue_node_>;
  static Queue woken_queue_;  // woken by an interrupt: run before the others, in order
  static Queue run_queue_;
  static SchedulerStats stats_;
  static Thread* dead_;        // switched away from for ever; the next thread drops it
  static u64 switched_in_at_;  // ticks
  static u64 slice_end_;       // ticks
};

}  // namespace kernel
