// Isa: the instruction set of one hart, that is the table's rows cut down to the extensions that are there.
#pragma once

#include <array>

#include "emu/isa/decode.h"
#include "emu/isa/extension.h"
#include "emu/isa/op.h"

namespace quire {

class Isa {
 public:
  explicit constexpr Isa(ExtensionSet extensions = kDefaultExtensions)
      : extensions_(extensions), alignment_bytes_(extensions.has(Extension::C) ? 2 : 4) {
    for (unsigned op = 0; op < kOpCount; ++op) present_[op] = is_in(static_cast<Op>(op), extensions);
  }

  constexpr ExtensionSet extensions() const { return extensions_; }
  constexpr bool has(Extension e) const { return extensions_.has(e); }
  constexpr bool has(Op op) const { return present_[static_cast<unsigned>(op)]; }

  /// As quire::decode(); an instruction of an extension that is off is Op::illegal.
  Insn decode(u32 bits) const {
    const Insn insn = quire::decode(bits);
    const bool known = has(insn.op) && (insn.length == 4 || has(Extension::C));
    return known ? insn : Insn{.length = insn.length, .raw = insn.raw};
  }

  /// What the address of an instruction is a multiple of (IALIGN, Unprivileged ISA 1.5): 2 or 4 bytes.
  constexpr u64 alignment_bytes() const { return alignment_bytes_; }

 private:
  ExtensionSet extensions_;
  u64 alignment_bytes_;
  std::array<bool, kOpCount> present_{};
};

}  // namespace quire
