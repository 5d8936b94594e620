// Locks of files: fcntl(2) record locks of a process or of an opening, and flock(2).
//
// Both kinds belong to the inode and do not see each other, as on Linux. Invariants: the locks of one owner
// on a file do not overlap and are in order; neighbours of one type are merged. Everything that ends an
// owner ends its locks: the close of any descriptor of the file for a process', of the last one for an
// opening's. Lock: nothing here sleeps but a wait, before which nothing has been changed.
#pragma once

#include "guest/fs/file.h"

namespace kernel {

inline constexpr u64 kLockToEnd = 0x7fff'ffff'ffff'ffff;

/// Who holds a record lock: a table of descriptors (a process), or an opening. Only compared.
struct LockOwner {
  const void* object = nullptr;
  i32 pid = 0;  ///< as F_GETLK shows it; -1 for an opening
};
struct RecordLock {
  LockType type = kLockUnlock;
  u64 first = 0;  ///< byte
  u64 last = kLockToEnd;
};
enum class LockWait : u8 { kNo, kYes };

/// Sets or lifts `lock`. EAGAIN when another owner's conflicts; with kYes it waits: EINTR, and EDEADLK when
/// that owner waits for this one. ENOLCK.
KResult<void> set_record_lock(File& file, const LockOwner& owner, const RecordLock& lock, LockWait wait);
/// The first lock of another owner that `lock` conflicts with; type kLockUnlock when there is none.
struct FoundLock {
  RecordLock lock;
  i32 pid = 0;
};
FoundLock find_conflict(File& file, const LockOwner& owner, const RecordLock& lock);

/// flock(2) for `file`'s opening; kLockUnlock lifts it. EAGAIN (EWOULDBLOCK), EINTR, ENOLCK.
KResult<void> set_file_lock(File& file, LockType type, LockWait wait);

/// A process closes a descriptor of `file`.
void release_process_locks(File& file, const void* table);
/// The opening ends.
void release_file_locks(File& file);

/// Lines of /proc/locks.
KResult<void> format_locks(FormatSink& out);

}  // namespace kernel
