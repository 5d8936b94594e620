// futex(2), robust lists, and what else C libraries set up for threads.
#include "guest/drivers/rtc.h"
#include "guest/hal/time.h"
#include "guest/proc/futex.h"
#include "guest/proc/process_table.h"
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

enum class FutexOp : u32 {
  kWait = 0,
  kWake = 1,
  kFd = 2,
  kRequeue = 3,
  kCmpRequeue = 4,
  kWakeOp = 5,
  kWaitBitset = 9,
  kWakeBitset = 10,
};
constexpr u32 kFutexPrivate = 128;
constexpr u32 kFutexRealtime = 256;
constexpr u64 kRobustListBytes = 24;

/// The absolute deadline of a wait: FUTEX_WAIT counts from now, FUTEX_WAIT_BITSET names a moment.
KResult<u64> wait_deadline(VirtAddr time, bool relative, bool realtime) {
  Task& task = current_task();
  if (task.resume_deadline_ns != 0) {
    return task.resume_deadline_ns;
  }
  if (time.value == 0) {
    return kNoDeadline;
  }
  const u64 ns = TRY(user_timespec_ns(time));
  if (relative) {
    return deadline_after(ns);
  }
  if (!realtime) {
    return ns;
  }
  const u64 now = realtime_ns();
  return deadline_after(ns > now ? ns - now : 0);
}

SyscallResult wait(const SyscallArgs& args, FutexScope scope, bool bitset, bool realtime) {
  Task& task = current_task();
  const u64 deadline = TRY(wait_deadline(args.as_address(3), !bitset, realtime));
  if (deadline != kNoDeadline) {
    task.restart = Restart::kNoHandler;
    task.resume_deadline_ns = deadline;
  }
  TRY(futex_wait(args.as_address(0), args.as_uint(2), bitset ? args.as_uint(5) : kFutexAnyBits, scope,
                 deadline));
  return 0;
}

}  // namespace

SyscallResult sys_futex(const SyscallArgs& args) {
  const u32 op = args.as_uint(1);
  const FutexScope scope = (op & kFutexPrivate) != 0 ? FutexScope::kPrivate : FutexScope::kShared;
  const bool realtime = (op & kFutexRealtime) != 0;
  const auto command = static_cast<FutexOp>(op & ~(kFutexPrivate | kFutexRealtime));
  if (realtime && command != FutexOp::kWaitBitset && command != FutexOp::kWait) {
    return Err(Errno::kENOSYS);
  }
  const u32 expected = args.as_uint(5);
  switch (command) {
    case FutexOp::kWait:
      return wait(args, scope, false, realtime);
    case FutexOp::kWaitBitset:
      return wait(args, scope, true, realtime);
    case FutexOp::kWake:
      return i64{TRY(futex_wake(args.as_address(0), std::max(args.as_uint(2), 1U), kFutexAnyBits, scope))};
    case FutexOp::kWakeBitset:
      return i64{TRY(futex_wake(args.as_address(0), std::max(args.as_uint(2), 1U), args.as_uint(5), scope))};
    case FutexOp::kRequeue:
    case FutexOp::kCmpRequeue: {
      if (args.as_int(2) < 0 || args.as_int(3) < 0) {
        return Err(Errno::kEINVAL);
      }
      const RequeueRequest request{.from = args.as_address(0),
                                   .to = args.as_address(4),
                                   .wake = args.as_uint(2),
                                   .move = args.as_uint(3),
                                   .expected = command == FutexOp::kCmpRequeue ? &expected : nullptr,
                                   .scope = scope};
      return i64{TRY(futex_requeue(request))};
    }
    case FutexOp::kWakeOp:
      return i64{TRY(futex_wake_op(args.as_address(0), args.as_uint(2), args.as_address(4), args.as_uint(3),
                                   args.as_uint(5), scope))};
    default:
      return Err(Errno::kENOSYS);
  }
}

SyscallResult sys_futex_waitv(const SyscallArgs& args) {
  struct Entry {
    u64 expected;
    u64 address;
    u32 flags;
    u32 reserved;
  };
  enum : u32 { kSizeMask = 3, kSize32 = 2, kPrivate = 128 };
  constexpr u32 kMaxWords = 128;
  const u32 count = args.as_uint(1);
  TRY(check_flags(args.as_uint(2), 0));
  if (count == 0 || count > kMaxWords || args[0] == 0) {
    return Err(Errno::kEINVAL);
  }
  const i32 clock = args.as_int(4);
  if (args[3] != 0 && clock != 0 && clock != 1) {
    return Err(Errno::kEINVAL);
  }
  Vector<Entry> entries;
  TRY(entries.resize(count));
  TRY(copy_from_user(entries.data(), args.as_address(0), count * sizeof(Entry)));
  Vector<FutexWord> words;
  for (const Entry& entry : entries) {
    if ((entry.flags & ~u32{kSizeMask | kPrivate}) != 0 || (entry.flags & kSizeMask) != kSize32 ||
        entry.reserved != 0) {
      return Err(Errno::kEINVAL);
    }
    const FutexScope scope = (entry.flags & kPrivate) != 0 ? FutexScope::kPrivate : FutexScope::kShared;
    TRY(words.push({VirtAddr(entry.address), static_cast<u32>(entry.expected), scope}));
  }
  const u64 deadline = TRY(wait_deadline(args.as_address(3), false, clock == 0));
  return static_cast<i64>(TRY(futex_wait_multiple(words.span(), deadline)));
}

SyscallResult sys_set_robust_list(const SyscallArgs& args) {
  if (args[1] != kRobustListBytes) {
    return Err(Errno::kEINVAL);
  }
  current_task().robust_list = args.as_address(0);
  return 0;
}

SyscallResult sys_get_robust_list(const SyscallArgs& args) {
  const Task* const task = args.as_int(0) == 0 ? &current_task() : process_table().find_task(args.as_uint(0));
  if (task == nullptr) {
    return Err(Errno::kESRCH);
  }
  if (&task->process() != &current_process() && !current_process().identity.privileged()) {
    return Err(Errno::kEPERM);
  }
  TRY(put_user(args.as_address(2), kRobustListBytes));
  TRY(put_user(args.as_address(1), task->robust_list.value));
  return 0;
}

SyscallResult sys_rseq(const SyscallArgs& args) {
  TRY(change_rseq(args.as_address(0), args.as_uint(1), args.as_uint(2), args.as_uint(3)));
  return 0;
}

SyscallResult sys_membarrier(const SyscallArgs& args) {
  // One hart: every switch between tasks is a full barrier, so each command is done when it is asked for.
  enum : u32 {
    kQuery = 0,
    kGlobal = 1,
    kGlobalExpedited = 2,
    kRegisterGlobalExpedited = 4,
    kPrivateExpedited = 8,
    kRegisterPrivateExpedited = 16,
    kPrivateExpeditedSyncCore = 32,
    kRegisterPrivateExpeditedSyncCore = 64,
  };
  constexpr u32 kAll = 0x7f;
  const u32 command = args.as_uint(0);
  if (args.as_uint(1) != 0) {
    return Err(Errno::kEINVAL);
  }
  if (command == kQuery) {
    return i64{kAll};
  }
  if ((command & (command - 1)) != 0 || (command & ~kAll) != 0) {
    return Err(Errno::kEINVAL);
  }
  if (command == kPrivateExpeditedSyncCore) {
    asm volatile("fence.i" ::: "memory");
  }
  return 0;
}

}  // namespace kernel
