// Block: decoded instructions that run one after another, from one physical page.
//
// Invariant: all of a block lies in one page of RAM, but for an instruction that straddles two, which is a
// block of its own (BlockCache::set_straddling). Only the last instruction may leave it other than forwards,
// or change privilege, translation or code. Blocks depend on nothing but the bytes they were decoded from, so
// one serves every mapping and mode. Everything is immutable but Exit's link, which leads to a block of the
// same page and so never outlives it.
#pragma once

#include <type_traits>

#include "emu/base/types.h"
#include "emu/isa/insn.h"
#include "quire/arch/sv39.h"

namespace quire {

/// An engine's code for one instruction; the engine knows the signature.
using OpHandler = void (*)();

/// What an interpreter reads of an instruction while all goes well: 16 bytes.
struct Cell {
  OpHandler handler;
  u8 rd;
  u8 rs1;
  u8 rs2;
  u8 place;  ///< bytes from the start of the block, which is even; bit 0: compressed
  i32 imm;   ///< of instructions with a rounding mode: rs3 | rm << 8
};
static_assert(sizeof(Cell) == 16 && std::is_standard_layout_v<Cell>);

/// A direct way out of a block. As long as it is not linked, `target` is `handler` (the exit's own, seen as a
/// cell) and `count` 0.
struct Exit {
  const Cell* target;
  i32 pc_delta;  ///< from the start of the block
  u32 count;     ///< instructions of the target block
  OpHandler handler;

  const Cell* as_cell() const { return reinterpret_cast<const Cell*>(&handler); }
  static Exit* of_cell(const Cell* cell) {
    return reinterpret_cast<Exit*>(reinterpret_cast<u64>(cell) - offsetof(Exit, handler));
  }
};
static_assert(sizeof(Exit) == 24 && std::is_standard_layout_v<Exit>);

struct Block {
  /// Where to come in: `cells`, or a mark before them where a stop may be wanted (BlockCache::set_stops).
  const Cell* entry;
  /// One for each instruction; where the last does not jump, one more that leaves; then the exits. In a
  /// block of an instruction that straddles, one that checks comes first.
  const Cell* cells;
  const Insn* insns;  ///< the same instructions, complete
  u16 count;
  u16 page_offset;
  u16 length_bytes;
};

/// Bytes of code in a block: Cell::place holds any offset in it.
inline constexpr unsigned kMaxBlockBytes = 256;
inline constexpr unsigned kMaxBlockInsns = 64;

/// The blocks that start in one page of RAM, by offset / 2. Lives as long as the cache; its blocks do not.
struct CodePage {
  PhysAddr frame;
  Block* entry[kPageBytes / 2] = {};

  Block* find(u64 pc) const { return entry[(pc & (kPageBytes - 1)) >> 1]; }
};

}  // namespace quire
