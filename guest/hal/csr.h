// Supervisor CSRs (Privileged ISA 20240411, chapter 10). The one place that executes CSR instructions from
// C++.
#pragma once

#include "guest/lib/types.h"

namespace kernel {

enum class Csr : u16 {
  kSstatus = 0x100,
  kSie = 0x104,
  kStvec = 0x105,
  kScounteren = 0x106,
  kSenvcfg = 0x10a,
  kSscratch = 0x140,
  kSepc = 0x141,
  kScause = 0x142,
  kStval = 0x143,
  kSip = 0x144,
  kSatp = 0x180,
  kTime = 0xc01,
};

inline constexpr u64 kSstatusSie = u64{1} << 1;
inline constexpr u64 kSstatusSpie = u64{1} << 5;
inline constexpr u64 kSstatusSpp = u64{1} << 8;
inline constexpr u64 kSstatusFs = u64{3} << 13;  ///< state of the FP registers, see FsState
inline constexpr u64 kSstatusSum = u64{1} << 18;
inline constexpr u64 kSstatusMxr = u64{1} << 19;
inline constexpr u64 kSstatusUxl = u64{3} << 32;  ///< width of user mode; 0 is reserved

inline constexpr u64 kSenvcfgCbze = u64{1} << 7;  ///< cbo.zero in user mode

enum class FsState : u8 { kOff = 0, kInitial = 1, kClean = 2, kDirty = 3 };
constexpr FsState fs_state(u64 sstatus) { return static_cast<FsState>(bits(sstatus, 14, 13)); }
constexpr u64 with_fs_state(u64 sstatus, FsState state) {
  return (sstatus & ~kSstatusFs) | (u64{static_cast<u8>(state)} << 13);
}

template <Csr kCsr>
u64 read_csr() {
  u64 value;
  asm volatile("csrr %0, %1" : "=r"(value) : "i"(static_cast<u16>(kCsr)) : "memory");
  return value;
}
template <Csr kCsr>
void write_csr(u64 value) {
  asm volatile("csrw %0, %1" : : "i"(static_cast<u16>(kCsr)), "rK"(value) : "memory");
}
template <Csr kCsr>
void set_csr_bits(u64 mask) {
  asm volatile("csrs %0, %1" : : "i"(static_cast<u16>(kCsr)), "rK"(mask) : "memory");
}
template <Csr kCsr>
void clear_csr_bits(u64 mask) {
  asm volatile("csrc %0, %1" : : "i"(static_cast<u16>(kCsr)), "rK"(mask) : "memory");
}

}  // namespace kernel
