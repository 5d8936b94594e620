// The translator's intermediate representation: what one block of guest instructions does.
//
// Values in static single assignment form, in the order of execution. Invariants, which check() tells apart:
// operands are defined before they are used and have a value; the last operation, and no other, ends the
// block; others may leave it, while an instruction follows, but none leads into it; an operation's
// instruction never decreases; in an instruction, what may call comes before what writes guest registers. The
// last makes a call cheap: it does the whole instruction again, on a state that is as before it.
#pragma once

#include <boost/container/small_vector.hpp>
#include <span>
#include <string>
#include <vector>

#include "emu/base/types.h"
#include "emu/isa/fp_op.h"
#include "emu/isa/insn.h"
#include "emu/isa/sem/context.h"
#include "emu/jit/switches.h"

namespace quire::jit {

enum class Type : u8 {
  kNone,
  kWord,  ///< 64 bits
  kBit,   ///< a word that is 0 or 1
};

enum Effect : u8 {
  kPure = 0,
  kReadsGuest = 1 << 0,  ///< registers, which the rows above it may have written
  kWritesGuest = 1 << 1,
  kMayCall = 1 << 2,  ///< or else the whole instruction is done by a call, and the next one is gone on with
  kCalls = 1 << 3,    ///< always, likewise
  kEnds = 1 << 4,
  kLeaves = 1 << 5,  ///< at times, with all registers as what stands before it has left them
};

enum class IrOp : u8 {
#define QUIRE_IR(name, type, operands, effects) k##name,
#include "emu/jit/ir.inc"
};

struct IrInfo {
  const char* name;
  Type type;
  u8 operands;
  u8 effects;
};
inline constexpr IrInfo kIrInfo[] = {
#define QUIRE_IR(name, type, operands, effects) \
  IrInfo{#name, Type::k##type, operands, static_cast<u8>(effects)},
#include "emu/jit/ir.inc"
};
constexpr const IrInfo& info(IrOp op) { return kIrInfo[static_cast<usize>(op)]; }

/// An operand: an operation's value, or a constant of the block.
class Ref {
 public:
  constexpr Ref() = default;
  static constexpr Ref to_value(usize index) { return Ref(static_cast<u16>(index)); }
  static constexpr Ref to_constant(usize index) { return Ref(static_cast<u16>(index | kConstantBit)); }
  constexpr bool is_none() const { return bits_ == kNone; }
  constexpr bool is_constant() const { return bits_ != kNone && (bits_ & kConstantBit) != 0; }
  constexpr bool is_value() const { return (bits_ & kConstantBit) == 0; }
  constexpr usize index() const { return bits_ & (kConstantBit - 1); }
  constexpr bool operator==(const Ref&) const = default;

 private:
  static constexpr u16 kConstantBit = 0x8000;
  static constexpr u16 kNone = 0xffff;
  explicit constexpr Ref(u16 bits) : bits_(bits) {}
  u16 bits_ = kNone;
};

struct Node {
  IrOp op;
  u8 guest;  ///< index in Ir::insns of the instruction that it is part of
  Ref operand[3];
  i64 imm = 0;
};

/// Node::imm of Fp: what to compute, and how the instruction rounds.
struct FpSelector {
  FpOp op;
  FpFmt format;
  u8 rm;
  i64 pack() const { return static_cast<i64>(op) | static_cast<i64>(format) << 8 | i64{rm} << 16; }
  static FpSelector unpack(i64 imm) {
    return {static_cast<FpOp>(imm & 0xff), static_cast<FpFmt>(imm >> 8 & 0xff), static_cast<u8>(imm >> 16)};
  }
};

/// Node::imm of Amo.
struct AmoSelector {
  AmoOp op;
  u8 bytes;
  i64 pack() const { return static_cast<i64>(op) | i64{bytes} << 8; }
  static AmoSelector unpack(i64 imm) { return {static_cast<AmoOp>(imm & 0xff), static_cast<u8>(imm >> 8)}; }
};

/// A guest instruction of the block, and where it is.
struct SourceInsn {
  Insn insn;
  i16 place;  ///< bytes from the start of the block; before it where a jump has led back

  i32 behind() const { return place + insn.length; }
};

/// Bytes of a page.
struct ByteRange {
  u16 first;
  u16 end;
  bool operator==(const ByteRange&) const = default;
};

/// Most blocks have one, so that they take no memory of their own.
using ByteRanges = boost::container::small_vector<ByteRange, 2>;

struct Ir {
  i16 page_offset = 0;  ///< of the block in its page; -2: its one instruction begins in the page before
  std::vector<SourceInsn> insns;
  std::vector<Node> nodes;
  std::vector<u64> constants;
  Switches switches = {};  ///< what is left out of it

  /// Of its page: where its instructions are, in the order of execution.
  ByteRanges ranges() const;
  Ref constant(u64 value);
  u64 value_of(Ref constant_ref) const { return constants[constant_ref.index()]; }
  bool is_constant(Ref ref, u64 value) const { return ref.is_constant() && value_of(ref) == value; }
  std::span<const Ref> operands(const Node& node) const { return {node.operand, info(node.op).operands}; }
};

/// How often each value is an operand; `uses` has an element, 0, for each operation.
void count_uses(const Ir& ir, std::span<u16> uses);
std::vector<u16> count_uses(const Ir& ir);

/// One line an operation, under the instruction it comes from.
std::string to_text(const Ir& ir);

/// What is wrong with it; empty: nothing.
std::string check(const Ir& ir);

}  // namespace quire::jit
