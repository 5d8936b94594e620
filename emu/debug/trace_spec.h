// What --trace asks for: "CATEGORIES[:FILE]".
#pragma once

#include <string>
#include <string_view>

#include "quire/observer.h"

namespace quire::debug {

struct TraceSpec {
  bool insn = false;     ///< retired instructions with their effects, as Spike's commit log
  bool listing = false;  ///< retired instructions as assembly, as Spike's -l ("asm")
  bool mmu = false, trap = false, irq = false, device = false, sbi = false;
  bool jit = false;       ///< blocks that the translator makes and drops, and how they are linked
  bool jit_code = false;  ///< and what is in them
  std::string file;       ///< empty: stderr

  /// Throws Error(kUsage) that names what is no category and lists those that are.
  static TraceSpec parse(std::string_view text);
  ObservedSet observed() const;
};

}  // namespace quire::debug
