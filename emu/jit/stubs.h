// The code that all blocks share: into generated code, out of it, and to C++ and back.
#pragma once

#include "emu/jit/code_memory.h"
#include "emu/jit/runtime.h"

namespace quire::jit {

/// Writes them to the start of `memory`, which is empty.
Stubs make_stubs(CodeMemory& memory, const Callees& callees);

}  // namespace quire::jit
