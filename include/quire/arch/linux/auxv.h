// The auxiliary vector on a new program's stack (getauxval(3)).
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum AuxType : u64 {
  kAtNull = 0,
  kAtPhdr = 3,
  kAtPhent = 4,
  kAtPhnum = 5,
  kAtPageSize = 6,
  kAtBase = 7,
  kAtFlags = 8,
  kAtEntry = 9,
  kAtUid = 11,
  kAtEuid = 12,
  kAtGid = 13,
  kAtEgid = 14,
  kAtHwcap = 16,
  kAtClockTicks = 17,
  kAtSecure = 23,
  kAtRandom = 25,
  kAtHwcap2 = 26,
  kAtRseqFeatureSize = 27,
  kAtRseqAlign = 28,
  kAtExecFn = 31,
  kAtSysinfoEhdr = 33,
  kAtMinSigStackSize = 51,
};

struct AuxEntry {
  u64 type;
  u64 value;
};

}  // namespace quire::arch
