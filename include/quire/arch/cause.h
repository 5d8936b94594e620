// Trap causes and privilege levels (Privileged ISA 20240411, 1.2 and 3.1.15).
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum class Privilege : u8 { kUser = 0, kSupervisor = 1, kMachine = 3 };

/// What a memory access is for; decides which permission and which fault cause apply.
enum class Access : u8 { kRead = 0, kWrite = 1, kExecute = 2 };

enum class Exception : u8 {
  kInsnMisaligned = 0,
  kInsnAccessFault = 1,
  kIllegalInsn = 2,
  kBreakpoint = 3,
  kLoadMisaligned = 4,
  kLoadAccessFault = 5,
  kStoreMisaligned = 6,
  kStoreAccessFault = 7,
  kEcallUser = 8,
  kEcallSupervisor = 9,
  kEcallMachine = 11,
  kInsnPageFault = 12,
  kLoadPageFault = 13,
  kStorePageFault = 15,
};

/// Bit numbers in mip/mie, and cause codes under kInterruptFlag.
enum class Interrupt : u8 {
  kSupervisorSoftware = 1,
  kMachineSoftware = 3,
  kSupervisorTimer = 5,
  kMachineTimer = 7,
  kSupervisorExternal = 9,
  kMachineExternal = 11,
};

inline constexpr u64 kInterruptFlag = u64{1} << 63;

}  // namespace quire::arch
