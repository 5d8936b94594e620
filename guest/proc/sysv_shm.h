// System V shared memory (shmget(2), shmop(2)): segments known by number, each a memory file.
//
// Invariant: a segment is in the table from its making until it is removed and nobody has it attached. Who
// has it attached is asked of the file's reverse map, so fork, exec, exit and munmap need not tell. Lock: the
// table's (today: no preemption, and nothing here sleeps but the mapping itself, after the last look at the
// table).
#pragma once

#include "guest/proc/process.h"
#include "guest/proc/sysv_ipc.h"

namespace kernel {

enum SharedMemoryFlag : u32 {
  kShmReadOnly = 010000,
  kShmRound = 020000,
  kShmRemap = 040000,
  kShmExecute = 0100000,
  kShmDestroyed = 01000,  ///< in the mode that IPC_STAT tells
};

/// struct shmid64_ds.
struct SharedSegmentInfo {
  IpcPermissions permissions;
  u64 bytes;
  i64 attach_time;
  i64 detach_time;
  i64 change_time;
  i32 creator_pid;
  i32 last_pid;
  u64 attached;
  u64 unused[2];
};
static_assert(sizeof(SharedSegmentInfo) == 112);

/// The segment's number. EEXIST, ENOENT, EACCES, EINVAL, ENOSPC, ENOMEM.
KResult<i32> shm_get(i32 key, u64 bytes, u32 flags);
KResult<VirtAddr> shm_attach(i32 id, VirtAddr address, u32 flags);
KResult<void> shm_detach(VirtAddr address);
/// IPC_STAT, IPC_SET, IPC_RMID. EINVAL, EIDRM, EACCES, EPERM.
KResult<SharedSegmentInfo> shm_info(i32 id);
KResult<void> shm_set(i32 id, u32 uid, u32 gid, u32 mode);
KResult<void> shm_remove(i32 id);
/// Every segment goes: the end of a run.
void remove_shared_segments();

}  // namespace kernel
