// Emission: one piece of code on its way into CodeMemory.
#pragma once

#include <asmjit/x86.h>

#include "emu/jit/code_memory.h"

namespace quire::jit {

class Emission {
 public:
  /// The code will start at memory.used_bytes().
  explicit Emission(CodeMemory& memory);

  asmjit::x86::Assembler& assembler() { return assembler_; }
  /// Offset in the memory of a label that is bound.
  usize offset_of(const asmjit::Label& label) const { return base_ + code_.labelOffset(label); }

  /// Copies it there. False: it does not fit, or cannot be encoded; nothing has changed then.
  bool finish();

 private:
  CodeMemory& memory_;
  const usize base_;
  asmjit::CodeHolder code_;
  asmjit::x86::Assembler assembler_;
};

}  // namespace quire::jit
