// Op: the instructions by name, and what the table says of each (emu/isa/isa.inc).
//
// Compressed instructions have no Op: they decode to the one they are short for.
#pragma once

#include <array>

#include "emu/base/types.h"
#include "emu/isa/extension.h"

namespace quire {

enum class Op : u16 {
  illegal,  ///< every encoding that no row matches; Insn::raw keeps the bits
#define QUIRE_INSN(name, pattern, format, group, flags) name,
#include "emu/isa/isa.inc"
  kCount,
};
inline constexpr unsigned kOpCount = static_cast<unsigned>(Op::kCount);

/// What an instruction is part of: an extension, or a combination of some.
enum class Group : u8 {
#define QUIRE_EXTENSION(id, name, needs, presence) id,
#include "emu/isa/extensions.inc"
  Priv,  ///< of the privileged architecture with S and U mode, which every machine has
  Hint,  ///< does nothing, whether the extension that gives it a name is there or not
  // In one of two extensions, or where both are:
  ZbbZbkb,
  ZfhminD,
  ZfaD,
  ZfaZfh,
};

enum class Format : u8 { None, R, R1, R4Rm, RRm, R1Rm, I, Shift, ShiftW, S, B, U, J, Fence, Csr, CsrImm };

enum InsnFlag : u16 {
  kWritesX = 1 << 0,  ///< rd is an x register
  kWritesF = 1 << 1,  ///< rd is an f register
  kReadsF = 1 << 2,   ///< the value operands are f registers (of stores: rs2; a base address is always x)
  kLoad = 1 << 3,
  kStore = 1 << 4,
  kBranch = 1 << 5,  ///< conditional, target pc + imm; the last of its block
  kJump = 1 << 6,    ///< jal, jalr; the last of its block
  kSystem = 1 << 7,  ///< may change privilege, translation, CSRs or code; the last of its block
};

struct OpInfo {
  const char* name;     ///< as in the table
  const char* pattern;  ///< bits 31..0 of '0', '1', '-', with blanks; empty for Op::illegal
  Format format;
  Group group;
  u16 flags;  ///< InsnFlag
};

inline constexpr std::array<OpInfo, kOpCount> kOpInfo = {{
    {"illegal", "", Format::None, Group::I, kSystem},
#define QUIRE_INSN(name, pattern, format, group, flags) {#name, pattern, Format::format, Group::group, flags},
#include "emu/isa/isa.inc"
}};

constexpr const OpInfo& op_info(Op op) { return kOpInfo[static_cast<unsigned>(op)]; }
constexpr bool has_flag(Op op, u16 flags) { return (op_info(op).flags & flags) != 0; }

/// Whether a hart with `set` has the instructions of the group.
constexpr bool is_in(Group group, ExtensionSet set) {
  switch (group) {
    case Group::Priv:
    case Group::Hint:
      return true;
    case Group::ZbbZbkb:
      return set.has_any({Extension::Zbb, Extension::Zbkb});
    case Group::ZfhminD:
      return set.has_all({Extension::Zfhmin, Extension::D});
    case Group::ZfaD:
      return set.has_all({Extension::Zfa, Extension::D});
    case Group::ZfaZfh:
      return set.has_all({Extension::Zfa, Extension::Zfh});
    default:
      return set.has(static_cast<Extension>(group));
  }
}
constexpr bool is_in(Op op, ExtensionSet set) { return is_in(op_info(op).group, set); }

/// Whether nothing may follow this instruction in a block.
constexpr bool ends_block(Op op) { return has_flag(op, kBranch | kJump | kSystem); }

/// Whether the instruction has an rm field.
constexpr bool has_rm(Format format) {
  return format == Format::RRm || format == Format::R1Rm || format == Format::R4Rm;
}

}  // namespace quire
