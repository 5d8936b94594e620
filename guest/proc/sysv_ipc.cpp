#include "guest/proc/sysv_ipc.h"

namespace kernel {

IpcPermissions IpcPermissions::make(i32 key, u32 flags, u16 sequence, const FsCredentials& who) {
  return {.key = key,
          .uid = who.uid,
          .gid = who.gid,
          .creator_uid = who.uid,
          .creator_gid = who.gid,
          .mode = flags & 0777,
          .sequence = sequence,
          .pad0 = 0,
          .pad1 = 0,
          .unused = {}};
}

KResult<void> IpcPermissions::check(u32 wanted, const FsCredentials& who) const {
  const bool owner = who.uid == uid || who.uid == creator_uid;
  const bool group = who.in_group(gid) || who.in_group(creator_gid);
  const u32 granted = mode >> (owner ? 6 : group ? 3 : 0);
  return who.privileged() || (wanted & ~granted & 7) == 0 ? KResult<void>()
                                                          : KResult<void>(Err(Errno::kEACCES));
}

KResult<void> IpcPermissions::check_owner(const FsCredentials& who) const {
  const bool owner = who.uid == uid || who.uid == creator_uid;
  return owner || who.privileged() ? KResult<void>() : KResult<void>(Err(Errno::kEPERM));
}

}  // namespace kernel
