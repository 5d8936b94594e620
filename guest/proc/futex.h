// Futexes (futex(2)): sleeping on a 32-bit word of user memory.
//
// A word is known by what backs it: (object, offset) when it is shared between processes, else (address
// space, address). Invariant: a waiter is in the table from before it looks at the word until it is woken,
// times out or is interrupted, so no wake-up is lost. Lock: the futex table's (today: no preemption).
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"
#include "guest/sched/wait.h"

namespace kernel {

class Task;

inline constexpr u32 kFutexAnyBits = ~u32{0};

enum class FutexScope : u8 { kPrivate, kShared };

/// EAGAIN when the word is not `expected`, ETIMEDOUT, EINTR, EFAULT, EINVAL for a misaligned word.
KResult<void> futex_wait(VirtAddr word, u32 expected, u32 bits, FutexScope scope, u64 deadline_ns);
/// futex_waitv(2): sleeps until one of the words is woken, and returns which. Errors as of futex_wait.
struct FutexWord {
  VirtAddr word;
  u32 expected;
  FutexScope scope;
};
KResult<usize> futex_wait_multiple(Span<const FutexWord> words, u64 deadline_ns);
/// Returns how many were woken.
KResult<u32> futex_wake(VirtAddr word, u32 count, u32 bits, FutexScope scope);
/// Wakes `wake` waiters of `from` and moves `move` of the others to `to`; with `expected`, EAGAIN unless the
/// word holds it. Returns how many were woken, with `count_moved` also the moved ones.
struct RequeueRequest {
  VirtAddr from;
  VirtAddr to;
  u32 wake = 0;
  u32 move = 0;
  const u32* expected = nullptr;
  FutexScope scope = FutexScope::kPrivate;
};
KResult<u32> futex_requeue(const RequeueRequest& request);
/// FUTEX_WAKE_OP.
KResult<u32> futex_wake_op(VirtAddr word, u32 wake, VirtAddr word2, u32 wake2, u32 operation,
                           FutexScope scope);

/// Marks the mutexes on the task's robust list as left by a dead owner, and wakes a waiter of each
/// (get_robust_list(2)). Called by the task itself at its end.
void release_robust_list(Task& task);

}  // namespace kernel
