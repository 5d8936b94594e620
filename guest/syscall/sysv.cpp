// System V shared memory and semaphores: shmget(2), shmat(2), shmdt(2), shmctl(2); semget(2), semop(2),
// semctl(2).
#include "guest/proc/sysv_sem.h"
#include "guest/proc/sysv_shm.h"
#include "guest/syscall/arguments.h"

namespace kernel {

SyscallResult sys_shmget(const SyscallArgs& args) {
  return i64{TRY(shm_get(args.as_int(0), args[1], args.as_uint(2)))};
}

SyscallResult sys_shmat(const SyscallArgs& args) {
  const VirtAddr at = TRY(shm_attach(args.as_int(0), args.as_address(1), args.as_uint(2)));
  return static_cast<i64>(at.value);
}

SyscallResult sys_shmdt(const SyscallArgs& args) {
  TRY(shm_detach(args.as_address(0)));
  return 0;
}

SyscallResult sys_shmctl(const SyscallArgs& args) {
  enum : i32 { kRemove = 0, kSet = 1, kStat = 2, kLock = 11, kUnlock = 12 };
  const i32 id = args.as_int(0);
  switch (args.as_int(1)) {
    case kRemove:
      TRY(shm_remove(id));
      return 0;
    case kSet: {
      const auto given = TRY(get_user<SharedSegmentInfo>(args.as_address(2)));
      TRY(shm_set(id, given.permissions.uid, given.permissions.gid, given.permissions.mode));
      return 0;
    }
    case kStat: {
      const SharedSegmentInfo info = TRY(shm_info(id));
      TRY(put_user(args.as_address(2), info));
      return 0;
    }
    case kLock:
    case kUnlock:
      // Memory files are never written out: their pages stay.
      TRY(shm_info(id));
      return 0;
    default:
      return Err(Errno::kEINVAL);
  }
}

SyscallResult sys_semget(const SyscallArgs& args) {
  return i64{TRY(sem_get(args.as_int(0), args.as_int(1), args.as_uint(2)))};
}

SyscallResult sys_semtimedop(const SyscallArgs& args) {
  u64 deadline_ns = kNoDeadline;
  if (args[3] != 0) {
    deadline_ns = deadline_after(TRY(user_timespec_ns(args.as_address(3))));
  }
  if (args[2] == 0 || args.as_int(0) < 0) {
    return Err(Errno::kEINVAL);
  }
  if (args[2] > kMaxSemaphoreOps) {
    return Err(Errno::kE2BIG);
  }
  Vector<SemaphoreOp> ops;
  TRY(ops.resize(args[2]));
  TRY(copy_from_user(ops.data(), args.as_address(1), ops.size() * sizeof(SemaphoreOp)));
  current_task().restart = Restart::kNever;  // signal(7)
  TRY(sem_operate(args.as_int(0), ops.span(), deadline_ns));
  return 0;
}

SyscallResult sys_semop(const SyscallArgs& args) {
  SyscallArgs endless = args;
  endless.values[3] = 0;
  return sys_semtimedop(endless);
}

namespace {

/// struct seminfo, for IPC_INFO and SEM_INFO.
struct SemaphoreLimits {
  i32 map, sets, semaphores, undos, per_set, per_call, undos_per_process, undo_bytes, highest_value,
      highest_adjustment;
};
static_assert(sizeof(SemaphoreLimits) == 40);

SyscallResult show_limits(VirtAddr to, bool usage_too) {
  const SemaphoreUsage usage = sem_usage();
  SemaphoreLimits limits{.map = kMaxSemaphores,
                         .sets = kMaxSemaphoreSets,
                         .semaphores = kMaxSemaphores,
                         .undos = kMaxSemaphores,
                         .per_set = kMaxSemaphoresPerSet,
                         .per_call = kMaxSemaphoreOps,
                         .undos_per_process = kMaxSemaphoreOps,
                         .undo_bytes = 20,
                         .highest_value = kMaxSemaphoreValue,
                         .highest_adjustment = kMaxSemaphoreValue};
  if (usage_too) {
    limits.undo_bytes = static_cast<i32>(usage.sets);
    limits.highest_adjustment = static_cast<i32>(usage.semaphores);
  }
  TRY(put_user(to, limits));
  return i64{usage.highest};
}

SyscallResult get_all(i32 id, VirtAddr to) {
  const Vector<u16> values = TRY(sem_values(id));
  TRY(copy_to_user(to, values.data(), values.size() * sizeof(u16)));
  return 0;
}

SyscallResult set_all(i32 id, VirtAddr from) {
  Vector<u16> values;
  const usize count = TRY(sem_count(id, 2));
  TRY(values.resize(count));
  TRY(copy_from_user(values.data(), from, values.size() * sizeof(u16)));
  TRY(sem_set_values(id, values.span()));
  return 0;
}

}  // namespace

SyscallResult sys_semctl(const SyscallArgs& args) {
  enum : i32 {
    kRemove = 0,
    kSet = 1,
    kStat = 2,
    kIpcInfo = 3,
    kGetPid = 11,
    kGetValue = 12,
    kGetAll = 13,
    kGetWaitingForMore = 14,
    kGetWaitingForZero = 15,
    kSetValue = 16,
    kSetAll = 17,
    kSemStat = 18,
    kSemInfo = 19,
    kSemStatAny = 20,
  };
  const i32 id = args.as_int(0);
  const i32 number = args.as_int(1);
  const VirtAddr argument = args.as_address(3);
  const auto fact = [&](SemaphoreFact which) -> SyscallResult {
    return i64{TRY(sem_fact(id, number, which))};
  };
  if (id < 0) {
    return Err(Errno::kEINVAL);
  }
  switch (args.as_int(2)) {
    case kRemove:
      TRY(sem_remove(id));
      return 0;
    case kSet: {
      const auto given = TRY(get_user<SemaphoreSetInfo>(argument));
      TRY(sem_set_owner(id, given.permissions.uid, given.permissions.gid, given.permissions.mode));
      return 0;
    }
    case kStat: {
      const SemaphoreSetInfo info = TRY(sem_info(id));
      TRY(put_user(argument, info));
      return 0;
    }
    case kSemStat:
    case kSemStatAny: {
      const i32 found = TRY(sem_number_at(id));
      const SemaphoreSetInfo info = TRY(sem_info(found));
      TRY(put_user(argument, info));
      return i64{found};
    }
    case kIpcInfo:
    case kSemInfo:
      return show_limits(argument, args.as_int(2) == kSemInfo);
    case kGetValue:
      return fact(SemaphoreFact::kValue);
    case kGetPid:
      return fact(SemaphoreFact::kLastPid);
    case kGetWaitingForMore:
      return fact(SemaphoreFact::kWaitingForMore);
    case kGetWaitingForZero:
      return fact(SemaphoreFact::kWaitingForZero);
    case kSetValue:
      TRY(sem_set_value(id, number, args.as_int(3)));
      return 0;
    case kGetAll:
      return get_all(id, argument);
    case kSetAll:
      return set_all(id, argument);
    default:
      return Err(Errno::kEINVAL);
  }
}

}  // namespace kernel
