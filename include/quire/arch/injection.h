// Failures that somebody outside asks the supervisor for: a table of its own that the host finds by symbol
// and writes.
//
// All zero is "nothing fails", and a failure that is to come once leaves it all zero behind it: so a
// supervisor that took no notice is in the state of one that never was asked.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

/// The table's symbol in the supervisor's image: kFailTargets rows of FailSlot.
inline constexpr const char* kFailSlotsSymbol = "quire_fail_slots";

/// What may fail, by row.
enum class FailTarget : u32 {
  kFrames = 0,   ///< allocations of blocks of frames: ENOMEM
  kObjects = 1,  ///< pieces of the kernel's heap, which take a frame now and then only: ENOMEM
  kTransfers =
      2  ///< what programs read and write by devices: requests to shares and disks, console streams: EIO
};
inline constexpr unsigned kFailTargets = 3;

struct FailSlot {
  u64 left;      ///< times until the failing one; 0: none is to fail
  u64 ever;      ///< 1: every later one may fail as well
  u64 chance;    ///< of 2^32, with `ever`: how likely each one fails; 0: certainly
  u64 random;    ///< state of that chance; not 0
  u64 failures;  ///< with `ever`: how many have
};
static_assert(sizeof(FailSlot) == 40);

}  // namespace quire::arch
