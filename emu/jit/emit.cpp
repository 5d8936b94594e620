#include "emu/jit/emit.h"

#include "emu/base/assert.h"

namespace quire::jit {

void Emission::begin() {
  failed_ = false;
  base_ = memory_.used_bytes();
  code_.reset();  // and keeps what it has of the heap
  code_.init(asmjit::Environment::host(), reinterpret_cast<u64>(memory_.run_address(base_)));
  code_.setErrorHandler(this);
  asmjit::CodeBuffer& text = code_.textSection()->buffer();
  text._data = memory_.write_address(base_);
  text._capacity = memory_.free_bytes();
  text._flags = asmjit::CodeBufferFlags::kIsExternal | asmjit::CodeBufferFlags::kIsFixed;
  code_.attach(&assembler_);
}

bool Emission::finish() {
  // An instruction that cannot be encoded is left out, and all of it would mean something else.
  if (failed_ || code_.resolveUnresolvedLinks() != asmjit::kErrorOk) return false;
  const usize size = code_.codeSize();
  if (code_.unresolvedLinkCount() != 0) return false;
  if (code_.relocateToBase(reinterpret_cast<u64>(memory_.run_address(base_))) != asmjit::kErrorOk)
    return false;
  memory_.commit(size);
  return true;
}

}  // namespace quire::jit

// AsmJit's three functions for its own debugging, in place of the library's: Debian has AsmJit as a static
// library for programs, and nothing but a reference to `stderr` in these forbids it in a shared one, such as
// Python's module. They are in this file so that a linker finds them before the library's.
ASMJIT_BEGIN_NAMESPACE

namespace DebugUtils {

const char* errorAsString(Error error) noexcept {
  switch (error) {
    case kErrorOk:
      return "no error";
    case kErrorOutOfMemory:
      return "out of memory";
    case kErrorFailedToOpenAnonymousMemory:
      return "no anonymous memory that can be mapped twice";
    default:
      return "an error inside AsmJit";
  }
}

void debugOutput(const char*) noexcept {}

void assertionFailed(const char* file, int line, const char* message) noexcept {
  quire::assertion_failed(message, file, line);
}

}  // namespace DebugUtils

ASMJIT_END_NAMESPACE
