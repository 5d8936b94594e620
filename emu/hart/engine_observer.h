// Who is told what an engine makes of guest code; for tracing. It is the engine's own doing: another, or
// another version of it, tells something else.
#pragma once

#include <span>
#include <string>

#include "emu/base/types.h"
#include "quire/engine_stats.h"

namespace quire {

struct PlacedInsn {
  u64 address;  ///< physical
  u32 bits;     ///< 16 of them, or 32
};

class EngineObserver {
 public:
  virtual ~EngineObserver() = default;
  /// The block at the first of `insns` is host code now.
  virtual void on_block_made(std::span<const PlacedInsn> insns, std::span<const u8> code,
                             const std::string& ir) = 0;
  virtual void on_block_dropped(u64 address, DropReason reason) = 0;
  /// The way out of the block at `from` to the one at `to` leads there directly.
  virtual void on_link_made(u64 from, u64 to) = 0;
  /// So many blocks were given up at once, and all there is with them.
  virtual void on_code_given_up(u64 blocks) = 0;
};

}  // namespace quire
