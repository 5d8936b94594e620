// Mutex: a lock whose waiters sleep; the holder may sleep too. Not recursive, not for interrupt callbacks.
//
// Who unlocks hands it to the first who waits: else a thread that takes it again at once, and sleeps with it,
// could keep all others out for ever. Order: mmap lock > inode lock > page cache > frames.
#pragma once

#include "guest/sched/wait.h"

namespace kernel {

class Mutex : NonCopyable {
 public:
  void lock() {
    ASSERT(owner_ != &current_thread());
    wait_event(waiters_, [this] { return try_lock() || held_by_me(); });
  }
  bool try_lock() {
    if (owner_ != nullptr) {
      return false;
    }
    owner_ = &current_thread();
    return true;
  }
  void unlock() {
    ASSERT(owner_ == &current_thread());
    owner_ = waiters_.wake_one();
  }
  bool held_by_me() const { return owner_ == &current_thread(); }

 private:
  friend struct Description;
  Thread* owner_ = nullptr;
  WaitQueue waiters_;
};

class [[nodiscard]] MutexGuard : NonCopyable {
 public:
  explicit MutexGuard(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexGuard() { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

}  // namespace kernel
