// Numbers of mmap(2) and its family, as Linux riscv64 (the generic table) has them.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum Prot : u32 {
  kProtNone = 0,
  kProtRead = 1,
  kProtWrite = 2,
  kProtExec = 4,
  kProtGrowsDown = 0x0100'0000,  ///< mprotect: extend down to the start of a stack mapping
  kProtGrowsUp = 0x0200'0000,
};
inline constexpr u32 kProtMask = kProtRead | kProtWrite | kProtExec;

enum MapFlag : u32 {
  kMapShared = 0x1,
  kMapPrivate = 0x2,
  kMapSharedValidate = 0x3,
  kMapTypeMask = 0xf,
  kMapFixed = 0x10,
  kMapAnonymous = 0x20,
  kMapGrowsDown = 0x100,
  kMapDenyWrite = 0x800,    ///< ignored
  kMapExecutable = 0x1000,  ///< ignored
  kMapLocked = 0x2000,
  kMapNoReserve = 0x4000,
  kMapPopulate = 0x8000,
  kMapNonBlock = 0x1'0000,
  kMapStack = 0x2'0000,  ///< ignored
  kMapHugeTlb = 0x4'0000,
  kMapSync = 0x8'0000,
  kMapFixedNoReplace = 0x10'0000,
  kMapUninitialized = 0x400'0000,  ///< ignored: memory is always zeroed
};
/// log2 of the page size asked for with kMapHugeTlb; 0 is the default size.
inline constexpr u32 kMapHugeShift = 26;
inline constexpr u32 kMapHugeMask = 0x3f;

enum MremapFlag : u32 { kMremapMayMove = 1, kMremapFixed = 2, kMremapDontUnmap = 4 };

enum MsyncFlag : u32 { kMsAsync = 1, kMsInvalidate = 2, kMsSync = 4 };

enum MlockFlag : u32 { kMlockOnFault = 1 };
enum MlockAllFlag : u32 { kMclCurrent = 1, kMclFuture = 2, kMclOnFault = 4 };

enum Advice : u32 {
  kMadvNormal = 0,
  kMadvRandom = 1,
  kMadvSequential = 2,
  kMadvWillNeed = 3,
  kMadvDontNeed = 4,
  kMadvFree = 8,
  kMadvRemove = 9,
  kMadvDontFork = 10,
  kMadvDoFork = 11,
  kMadvMergeable = 12,
  kMadvUnmergeable = 13,
  kMadvHugePage = 14,
  kMadvNoHugePage = 15,
  kMadvDontDump = 16,
  kMadvDoDump = 17,
  kMadvWipeOnFork = 18,
  kMadvKeepOnFork = 19,
  kMadvCold = 20,
  kMadvPageOut = 21,
  kMadvPopulateRead = 22,
  kMadvPopulateWrite = 23,
  kMadvDontNeedLocked = 24,
  kMadvCollapse = 25,
};

}  // namespace quire::arch
