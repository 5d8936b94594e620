// Emission: one piece of code on its way into CodeMemory.
#pragma once

#include <asmjit/x86.h>

#include "emu/jit/code_memory.h"

namespace quire::jit {

class Emission : private asmjit::ErrorHandler {
 public:
  /// The code will start at memory.used_bytes().
  explicit Emission(CodeMemory& memory);

  asmjit::x86::Assembler& assembler() { return assembler_; }
  /// Offset in the memory of a label that is bound.
  usize offset_of(const asmjit::Label& label) const { return base_ + code_.labelOffset(label); }

  /// Copies it there. False: it does not fit, or some of it could not be encoded; nothing has changed then.
  bool finish();

 private:
  void handleError(asmjit::Error, const char*, asmjit::BaseEmitter*) override { failed_ = true; }

  CodeMemory& memory_;
  const usize base_;
  asmjit::CodeHolder code_;
  asmjit::x86::Assembler assembler_;
  bool failed_ = false;
};

}  // namespace quire::jit
