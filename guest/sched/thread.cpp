#include "guest/sched/thread.h"

#include <algorithm>

#include "guest/hal/hart.h"
#include "guest/hal/time.h"
#include "guest/sched/scheduler.h"

extern "C" char boot_stack_base[];

namespace kernel {

Thread::~Thread() {
  ASSERT(state_ == ThreadState::kNew || state_ == ThreadState::kDead);
  free_kernel_stack(stack_);
}

KResult<void> Thread::init(StringView name, void (*entry)(void*), void* argument) {
  ASSERT(stack_.base == 0);
  set_name(name);
  stack_ = TRY(alloc_kernel_stack());
  entry_ = entry;
  argument_ = argument;
  // Below the place of the user frame, which a thread may fill in before it first runs.
  context_ = make_context(&Thread::trampoline, this, reinterpret_cast<u64>(&user_frame()));
  return {};
}

void Thread::trampoline(void* thread) {
  Scheduler::finish_switch();
  Thread& self = *static_cast<Thread*>(thread);
  self.entry_(self.argument_);
  exit_thread();
}

void Thread::start() {
  ASSERT(state_ == ThreadState::kNew);
  ref();
  Scheduler::enqueue(*this);
}

KResult<RefPtr<Thread>> Thread::spawn(StringView name, void (*entry)(void*), void* argument) {
  auto thread = TRY(try_make_ref<Thread>());
  TRY(thread->init(name, entry, argument));
  thread->start();
  return thread;
}

void Thread::set_name(StringView name) {
  name_length_ = static_cast<u8>(std::min(name.size(), sizeof(name_)));
  std::copy_n(name.data(), name_length_, name_);
}

void Thread::request_interrupt() {
  interrupt_requested_ = true;
  if (state_ == ThreadState::kBlocked && interruptible_) {
    wake_thread(*this);
  }
}

void init_scheduler() {
  // The boot code becomes a thread. It may end, too, but is not from the heap: one reference stays for ever.
  alignas(Thread) static u8 storage[sizeof(Thread)];
  Thread* const boot = new (storage) Thread;
  boot->ref();
  boot->adopt_running_stack("boot", KernelStack{reinterpret_cast<u64>(boot_stack_base)});
  this_hart().current = boot;
  this_hart().user_frame = reinterpret_cast<u64>(&boot->user_frame());
  Scheduler::init();
}

void Thread::adopt_running_stack(StringView name, KernelStack stack) {
  set_name(name);
  stack_ = stack;
  state_ = ThreadState::kRunning;
}

}  // namespace kernel
