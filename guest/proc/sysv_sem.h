// System V semaphores (semget(2), semop(2), semctl(2)).
//
// Invariants: of a set every value is within 0 and kMaxSemaphoreValue; an operation is done as a whole or not
// at all. Operations that cannot be done yet wait in the set, in the order they came, and are done by whoever
// makes them possible, so nobody overtakes. What a process wants undone at its end stands in the set, so that
// removing a set forgets it. Lock: the table's (today: no preemption; nothing sleeps but the wait itself,
// which looks at its own entry alone when it comes back).
#pragma once

#include "guest/lib/vector.h"
#include "guest/proc/process.h"
#include "guest/proc/sysv_ipc.h"

namespace kernel {

inline constexpr u32 kMaxSemaphoreValue = 32767;     // SEMVMX
inline constexpr u32 kMaxSemaphoresPerSet = 32000;   // SEMMSL
inline constexpr u32 kMaxSemaphoreSets = 32000;      // SEMMNI
inline constexpr u64 kMaxSemaphores = 1024'000'000;  // SEMMNS
inline constexpr u64 kMaxSemaphoreOps = 500;         // SEMOPM

/// struct sembuf.
struct SemaphoreOp {
  u16 number;
  i16 change;  ///< 0: wait until the value is 0
  u16 flags;   ///< kIpcNoWait, kSemaphoreUndo
};
static_assert(sizeof(SemaphoreOp) == 6);
inline constexpr u16 kSemaphoreUndo = 0x1000;

/// struct semid64_ds.
struct SemaphoreSetInfo {
  IpcPermissions permissions;
  i64 operation_time;
  i64 change_time;
  u64 count;
  u64 unused[2];
};
static_assert(sizeof(SemaphoreSetInfo) == 88);

/// The set's number. EEXIST, ENOENT, EACCES, EINVAL, ENOSPC, ENOMEM.
KResult<i32> sem_get(i32 key, i32 count, u32 flags);
/// `deadline_ns`: of the monotonic clock. EFBIG, EACCES, EAGAIN, EIDRM, EINTR, ERANGE, EINVAL, ENOMEM.
KResult<void> sem_operate(i32 id, Span<const SemaphoreOp> ops, u64 deadline_ns);

/// IPC_STAT, IPC_SET, IPC_RMID.
KResult<SemaphoreSetInfo> sem_info(i32 id);
KResult<void> sem_set_owner(i32 id, u32 uid, u32 gid, u32 mode);
KResult<void> sem_remove(i32 id);
/// GETVAL, GETPID, GETNCNT, GETZCNT.
enum class SemaphoreFact : u8 { kValue, kLastPid, kWaitingForMore, kWaitingForZero };
KResult<u32> sem_fact(i32 id, i32 number, SemaphoreFact fact);
/// GETALL, SETALL, SETVAL. The number of semaphores is that of the set. ERANGE.
KResult<Vector<u16>> sem_values(i32 id);
KResult<void> sem_set_values(i32 id, Span<const u16> values);
KResult<void> sem_set_value(i32 id, i32 number, i32 value);
/// How many semaphores the set has, for who may read (4) or alter (2) it. EINVAL, EIDRM, EACCES.
KResult<usize> sem_count(i32 id, u32 wanted);
/// SEM_STAT: the set at a place of the table, and its number. EINVAL when there is none.
KResult<i32> sem_number_at(i32 index);
/// IPC_INFO and SEM_INFO: sets there are, semaphores in them, and the highest place in use.
struct SemaphoreUsage {
  u32 sets = 0;
  u32 semaphores = 0;
  i32 highest = 0;
};
SemaphoreUsage sem_usage();

/// Undoes what the process asked for with kSemaphoreUndo; at its end.
void undo_semaphores(const Process& process);

}  // namespace kernel
