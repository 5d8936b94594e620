// Numbers of open(2), fcntl(2), lseek(2), the *at family, renameat2(2), memfd_create(2) and access(2).
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum OpenFlag : u32 {
  kOpenReadOnly = 0,
  kOpenWriteOnly = 1,
  kOpenReadWrite = 2,
  kOpenAccessMask = 3,
  kOpenCreate = 0100,
  kOpenExclusive = 0200,
  kOpenNoCtty = 0400,
  kOpenTruncate = 01000,
  kOpenAppend = 02000,
  kOpenNonBlock = 04000,
  kOpenDsync = 010000,
  kOpenAsync = 020000,
  kOpenDirect = 040000,
  kOpenLargeFile = 0100000,
  kOpenDirectory = 0200000,
  kOpenNoFollow = 0400000,
  kOpenNoAtime = 01000000,
  kOpenCloseOnExec = 02000000,
  kOpenSync = 04010000,
  kOpenPath = 010000000,
  kOpenTmpFile = 020200000,  ///< includes kOpenDirectory
};

inline constexpr i32 kAtFdCwd = -100;
enum AtFlag : u32 {
  kAtSymlinkNoFollow = 0x100,
  kAtEaccess = 0x200,    ///< faccessat2
  kAtRemoveDir = 0x200,  ///< unlinkat
  kAtSymlinkFollow = 0x400,
  kAtNoAutomount = 0x800,
  kAtEmptyPath = 0x1000,
  kAtStatxForceSync = 0x2000,
  kAtStatxDontSync = 0x4000,
};

enum AccessMode : u32 { kAccessExists = 0, kAccessExecute = 1, kAccessWrite = 2, kAccessRead = 4 };

enum Whence : u32 { kSeekSet = 0, kSeekCur = 1, kSeekEnd = 2, kSeekData = 3, kSeekHole = 4 };

enum FcntlCommand : u32 {
  kFcntlDupFd = 0,
  kFcntlGetFd = 1,
  kFcntlSetFd = 2,
  kFcntlGetFl = 3,
  kFcntlSetFl = 4,
  kFcntlGetLock = 5,
  kFcntlSetLock = 6,
  kFcntlSetLockWait = 7,
  kFcntlSetOwner = 8,
  kFcntlGetOwner = 9,
  kFcntlSetSignal = 10,
  kFcntlGetSignal = 11,
  kFcntlOfdGetLock = 36,
  kFcntlOfdSetLock = 37,
  kFcntlOfdSetLockWait = 38,
  kFcntlDupFdCloseOnExec = 1030,
  kFcntlSetPipeSize = 1031,
  kFcntlGetPipeSize = 1032,
  kFcntlAddSeals = 1033,
  kFcntlGetSeals = 1034,
};
inline constexpr u32 kFdCloseOnExec = 1;

/// struct flock.
struct FileLock {
  i16 type;
  i16 whence;
  u32 pad0;
  i64 start;
  i64 length;
  i32 pid;
  u32 pad1;
};
static_assert(sizeof(FileLock) == 32);
enum LockType : i16 { kLockRead = 0, kLockWrite = 1, kLockUnlock = 2 };

enum Seal : u32 {
  kSealSeal = 0x1,
  kSealShrink = 0x2,
  kSealGrow = 0x4,
  kSealWrite = 0x8,
  kSealFutureWrite = 0x10,
  kSealExec = 0x20,
};
enum MemfdFlag : u32 {
  kMemfdCloseOnExec = 1,
  kMemfdAllowSealing = 2,
  kMemfdHugeTlb = 4,
  kMemfdNoExecSeal = 8,
  kMemfdExec = 0x10,
};

enum RenameFlag : u32 { kRenameNoReplace = 1, kRenameExchange = 2, kRenameWhiteout = 4 };

enum FallocateFlag : u32 {
  kFallocKeepSize = 1,
  kFallocPunchHole = 2,
  kFallocCollapseRange = 8,
  kFallocZeroRange = 0x10,
  kFallocInsertRange = 0x20,
};

/// posix_fadvise(2).
enum FileAdvice : u32 {
  kFadvNormal,
  kFadvRandom,
  kFadvSequential,
  kFadvWillNeed,
  kFadvDontNeed,
  kFadvNoReuse
};

enum CloseRangeFlag : u32 { kCloseRangeUnshare = 2, kCloseRangeCloseOnExec = 4 };

inline constexpr usize kPathMax = 4096;  ///< with the NUL
inline constexpr usize kNameMax = 255;
inline constexpr usize kPipeBuf = 4096;  ///< pipe(7): writes up to this size are atomic

}  // namespace quire::arch
