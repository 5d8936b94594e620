// Faults that wait in a machine: what a machine does wrong from now on, because somebody asked for it.
//
// What changes state at once needs none of these: registers and RAM are written (HartView, MemoryView), and
// the functions of Machine beside arm(). Armed faults are state of the machine: snapshots hold them, and a
// fault that is over leaves no trace of itself. A machine without any pays for a null pointer where they
// would be asked.
#pragma once

#include <cstdint>

namespace quire {

/// Which of the times that something could go wrong it does.
struct FaultTimes {
  enum class Lasting : std::uint8_t { kOnce, kEver };
  std::uint64_t nth = 1;  ///< from now on; 1: the next
  Lasting lasting = Lasting::kOnce;
  double probability = 1;  ///< of each time from the nth on, below 1 with kEver only
  std::uint64_t seed = 0;  ///< of that chance
};

/// Bits that are forced or turned over.
struct FaultMask {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  std::uint64_t flip = 0;
  constexpr std::uint64_t apply(std::uint64_t value) const { return ((value ^ flip) | set) & ~clear; }
};

struct ArmedFault {
  enum class Kind : std::uint8_t {
    // Bits of `place` are held between instructions, by `mask` (set and clear).
    kStuckX,    ///< x`place`
    kStuckF,    ///< f`place`
    kStuckPc,   ///< bit 0 stays clear
    kStuckCsr,  ///< as M-mode would write it
    kStuckRam,  ///< the byte at physical address `place`
    kDevice,    ///< what the hart reads from or writes to the device register at physical address `place`
    // These do not happen.
    kLoseInterrupt,  ///< the interrupt `place` of the hart (arch::Interrupt) does not become pending
    kLoseIrq,        ///< the request of source `place` of the PLIC is not seen
    kLoseFence,      ///< sfence.vma, sinval.vma
    // Requests to drive `place`.
    kBlkError,  ///< nothing is done, and the driver is told that it failed
    kBlkShort,  ///< the first `bytes` are transferred, and the driver is told that it failed
    kBlkTorn,   ///< the first `bytes` are transferred, and the driver is told that all were
  };
  enum class Requests : std::uint8_t { kAny, kRead, kWrite, kFlush };

  Kind kind;
  std::uint64_t place = 0;
  FaultMask mask = {};
  std::uint64_t until_icount = UINT64_MAX;  ///< no longer from this count on
  FaultTimes times = {};                    ///< not of what is stuck
  std::uint64_t bytes = 0;                  ///< kBlkShort, kBlkTorn: whole ones, not sectors
  Requests requests = Requests::kAny;       ///< kBlk...
};

/// What a change of a TLB entry does to it. Bits of `entry` are those of a leaf: flags, PPN.
struct TlbChange {
  FaultMask entry = {};
  FaultMask vpn = {};     ///< of its virtual page number
  FaultMask asid = {};    ///< of 16 bits
  unsigned va_bits = 39;  ///< of a virtual address in force: 39, 48 or 57
};

}  // namespace quire
