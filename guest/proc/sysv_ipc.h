// What System V shared memory and semaphores have in common (sysvipc(7)): keys, numbers, permissions.
#pragma once

#include "guest/fs/credentials.h"
#include "guest/lib/result.h"

namespace kernel {

enum IpcFlag : u32 {
  kIpcCreate = 01000,
  kIpcExclusive = 02000,
  kIpcNoWait = 04000,
};
inline constexpr i32 kIpcPrivate = 0;

/// Of a number: the object's sequence above, its place in the table below.
inline constexpr u32 kIpcSequenceShift = 15;

/// struct ipc64_perm.
struct IpcPermissions {
  i32 key;
  u32 uid;
  u32 gid;
  u32 creator_uid;
  u32 creator_gid;
  u32 mode;
  u16 sequence;
  u16 pad0;
  u32 pad1;
  u64 unused[2];

  /// Of an object that `who` makes.
  static IpcPermissions make(i32 key, u32 flags, u16 sequence, const FsCredentials& who);
  i32 number(usize index) const { return static_cast<i32>((u32{sequence} << kIpcSequenceShift) | index); }
  /// `wanted`: three bits of a mode. EACCES.
  KResult<void> check(u32 wanted, const FsCredentials& who) const;
  /// EPERM.
  KResult<void> check_owner(const FsCredentials& who) const;
};
static_assert(sizeof(IpcPermissions) == 48);

}  // namespace kernel
