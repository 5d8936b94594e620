#include "guest/sched/scheduler.h"

#include <algorithm>
#include <utility>

#include "guest/hal/hart.h"
#include "guest/hal/time.h"
#include "guest/sched/timer.h"

namespace kernel {

Scheduler::Queue Scheduler::woken_queue_;
Scheduler::Queue Scheduler::run_queue_;
SchedulerStats Scheduler::stats_;
Thread* Scheduler::dead_ = nullptr;
u64 Scheduler::switched_in_at_ = 0;
u64 Scheduler::slice_end_ = 0;

void Scheduler::init() {
  switched_in_at_ = now_ticks();
  slice_end_ = switched_in_at_ + ns_to_ticks(kSliceNs);
  set_trap_handlers({.timer = on_timer, .preempt = preempt});
}

void Scheduler::program_timer() {
  const u64 timer_ns = next_timer_deadline();
  const u64 timer = timer_ns == ~u64{0} ? timer_ns : ns_to_ticks(timer_ns);
  set_timer_interrupt(others_runnable() ? std::min(timer, slice_end_) : timer);
}

void Scheduler::on_timer() {
  run_due_timers();
  if (others_runnable() && now_ticks() >= slice_end_) {
    this_hart().need_resched = true;
  }
  if (this_hart().need_resched) {
    // The slice is over: no more interrupts for it before the switch sets the next one.
    slice_end_ = ~u64{0};
  }
  program_timer();
}

void Scheduler::preempt() {
  if (this_hart().need_resched) {
    this_hart().need_resched = false;
    if (others_runnable()) {
      stats_.preemptions++;
      yield();
    } else {
      slice_end_ = now_ticks() + ns_to_ticks(kSliceNs);
    }
  }
}

void Scheduler::enqueue(Thread& thread) {
  const bool was_alone = !others_runnable();
  thread.state_ = ThreadState::kRunnable;
  // Who slept until an event goes before who wants the hart anyway: short bursts should not wait for slices.
  const bool by_interrupt = this_hart().in_interrupt;
  (by_interrupt ? woken_queue_ : run_queue_).push_back(thread);
  stats_.runnable++;
  if (by_interrupt) {
    this_hart().need_resched = true;
  } else if (!was_alone || this_hart().current == &thread) {
    return;
  } else if (now_ticks() >= slice_end_) {
    // The timer had no slice to watch while the running thread was alone.
    this_hart().need_resched = true;
  } else {
    program_timer();
  }
}

void Scheduler::wake(Thread& thread) {
  if (thread.state_ != ThreadState::kBlocked) {
    return;
  }
  thread.queue_node_.unlink();
  enqueue(thread);
}

Thread& Scheduler::wait_for_runnable() {
  if (!others_runnable()) {
    // Idle, on the stack of the thread that has nothing to do.
    const u64 idle_since = now_ticks();
    program_timer();
    do {
      wait_for_interrupt();
    } while (!others_runnable());
    stats_.idle_ticks += now_ticks() - idle_since;
    switched_in_at_ = now_ticks();
  }
  Queue& queue = woken_queue_.empty() ? run_queue_ : woken_queue_;
  Thread& next = queue.front();
  queue.pop_front();
  stats_.runnable--;
  return next;
}

void Scheduler::switch_away() {
  Thread& previous = current_thread();
  const u64 now = now_ticks();
  previous.run_ticks_ += now - switched_in_at_;
  switched_in_at_ = now;
  Thread& next = wait_for_runnable();
  next.state_ = ThreadState::kRunning;
  this_hart().need_resched = false;
  slice_end_ = now_ticks() + ns_to_ticks(kSliceNs);
  if (others_runnable()) {
    program_timer();
  }
  if (&next == &previous) {
    return;
  }
  stats_.switches++;
  previous.on_switch_out();
  if (previous.state_ == ThreadState::kDead) {
    dead_ = &previous;
  }
  this_hart().current = &next;
  this_hart().user_frame = reinterpret_cast<u64>(&next.user_frame());
  next.on_switch_in();
  switch_context(&previous.context_, &next.context_);
  finish_switch();
}

void Scheduler::finish_switch() {
  if (Thread* const dead = std::exchange(dead_, nullptr)) {
    dead->unref();
  }
}

void Scheduler::block() {
  current_thread().state_ = ThreadState::kBlocked;
  switch_away();
}

void Scheduler::yield() {
  if (others_runnable()) {
    enqueue(current_thread());
    switch_away();
  }
}

void Scheduler::exit() {
  current_thread().state_ = ThreadState::kDead;
  switch_away();
  panic("a dead thread runs");
}

void yield() { Scheduler::yield(); }
KResult<void> give_way() {
  take_pending_interrupts();
  Scheduler::preempt();
  return current_thread().must_end() ? KResult<void>(Err(Errno::kEINTR)) : KResult<void>();
}
void exit_thread() { Scheduler::exit(); }
void block_thread() { Scheduler::block(); }
void wake_thread(Thread& thread) { Scheduler::wake(thread); }
bool others_runnable() { return Scheduler::others_runnable(); }
const SchedulerStats& scheduler_stats() { return Scheduler::stats(); }

}  // namespace kernel
