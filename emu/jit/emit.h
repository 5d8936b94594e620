// Emission: pieces of code on their way into CodeMemory, one after the other.
//
// Invariant: the assembler writes behind what the memory holds, where nothing is run from.
#pragma once

#include <asmjit/x86.h>

#include "emu/jit/code_memory.h"

namespace quire::jit {

class Emission : private asmjit::ErrorHandler {
 public:
  explicit Emission(CodeMemory& memory) : memory_(memory) { begin(); }

  /// The next piece, of which there is nothing yet. It will start at memory.used_bytes().
  void begin();
  asmjit::x86::Assembler& assembler() { return assembler_; }
  /// Offset in the memory of a label that is bound.
  usize offset_of(const asmjit::Label& label) const { return base_ + code_.labelOffset(label); }

  /// Makes it part of the memory. False: it does not fit, or some of it could not be encoded; nothing has
  /// changed then.
  bool finish();

 private:
  void handleError(asmjit::Error, const char*, asmjit::BaseEmitter*) override { failed_ = true; }

  CodeMemory& memory_;
  usize base_ = 0;
  asmjit::CodeHolder code_;
  asmjit::x86::Assembler assembler_;
  bool failed_ = false;
};

}  // namespace quire::jit
