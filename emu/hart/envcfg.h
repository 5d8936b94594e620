// menvcfg and senvcfg (Privileged ISA 20240411, 3.1.18 and 12.1.10): what lower privileges may do.
#pragma once

#include "emu/base/types.h"
#include "emu/isa/sem/context.h"
#include "quire/arch/cause.h"

namespace quire {

enum EnvcfgBit : u64 {
  kEnvcfgFiom = 1ULL << 0,
  kEnvcfgCbie = 3ULL << 4,  ///< 0 off, 1 flushes, 3 invalidates; 2 is reserved
  kEnvcfgCbcfe = 1ULL << 6,
  kEnvcfgCbze = 1ULL << 7,
  kEnvcfgAdue = 1ULL << 61,
  kEnvcfgPbmte = 1ULL << 62,
  kEnvcfgStce = 1ULL << 63,
};

/// Whether cache-block operations of this kind are legal (Unprivileged ISA 20240411, 20.5).
constexpr bool cbo_allowed(CboOp op, Privilege privilege, u64 menvcfg, u64 senvcfg) {
  const u64 enable = op == CboOp::kZero ? kEnvcfgCbze : op == CboOp::kInval ? kEnvcfgCbie : kEnvcfgCbcfe;
  if (privilege == Privilege::kMachine) return true;
  return (menvcfg & enable) != 0 && (privilege != Privilege::kUser || (senvcfg & enable) != 0);
}

}  // namespace quire
