// System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2).
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

}  // namespace kernel
