// Several threads of a supervisor that has no hart: host threads that run one at a time and hand over where
// the supervisor sleeps, in an order that is mixed and always the same.
//
//   Turns turns;
//   turns.run({[&] { ... }, [&] { ... }});
//
// Invariant: only the thread whose turn it is runs, so that nothing it touches needs a lock of the host's.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/guest/support/kernel/host_kernel.h"

namespace kernel::host {

class Turns {
 public:
  /// Runs them until all are done; sleeping threads look again when it is their turn.
  void run(const std::vector<std::function<void()>>& jobs) {
    live_.assign(jobs.size(), true);
    turn_ = 0;
    g_on_sleep = [this]() -> KResult<void> {
      next();
      return {};
    };
    std::vector<std::thread> threads;
    for (size_t i = 0; i < jobs.size(); ++i) {
      threads.emplace_back([this, i, &jobs] {
        me_ = i;
        await();
        jobs[i]();
        live_[i] = false;
        next();
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    g_on_sleep = nullptr;
  }
  /// Gives the others their turns; nothing outside run().
  static void pass() {
    if (g_on_sleep) {
      (void)g_on_sleep();
    }
  }

 private:
  void next() {
    {
      const std::lock_guard guard(mutex_);
      const size_t first = order_() % live_.size();
      for (size_t step = 0; step < live_.size(); ++step) {
        turn_ = (first + step) % live_.size();
        if (live_[turn_]) {
          break;
        }
      }
    }
    handed_over_.notify_all();
    if (live_[me_]) {
      await();
    }
  }
  void await() {
    std::unique_lock lock(mutex_);
    handed_over_.wait(lock, [this] { return turn_ == me_; });
  }

  static inline thread_local size_t me_ = 0;
  std::mutex mutex_;
  std::condition_variable handed_over_;
  size_t turn_ = 0;
  std::minstd_rand order_{1};
  std::vector<char> live_;
};

}  // namespace kernel::host
