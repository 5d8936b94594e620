// Which instructions make a block: those that are likely to run one after the other.
//
// A path goes on past branches, the way that execution mostly went, and along direct jumps that are no calls.
// It stays in its page and comes by no instruction twice.
#pragma once

#include <array>
#include <vector>

#include "emu/isa/isa.h"
#include "emu/jit/ir.h"
#include "emu/jit/runtime.h"
#include "emu/jit/switches.h"
#include "emu/mem/ram.h"

namespace quire::jit {

struct PathRules {
  const Ram& ram;
  const Isa& isa;
  const HalfwordSet& stops;  ///< places before which there may be a stop
  const void* cold;          ///< Stubs::cold: what TranslatedPage::code has where nothing is translated
  const Switches& switches;
};

/// Which way the branches of one page went while hot code was watched.
class BranchProfile {
 public:
  void note(u16 offset, bool taken) { bias_[offset / 2] += taken ? 1 : -1; }
  /// Positive: mostly taken; 0: not known.
  int bias(u16 offset) const { return bias_[offset / 2]; }
  void add(const BranchProfile& other) {
    for (usize i = 0; i < bias_.size(); ++i) bias_[i] += other.bias_[i];
  }

 private:
  std::array<i32, kPageBytes / 2> bias_{};
};

/// The instructions of a block that starts at this offset. None: the first one straddles two pages, or there
/// may be a stop before it. Without a profile it ends where branches and jumps lead to what has code, or has
/// run less often than its start, so that little is translated twice; with one, a block that is hot, it goes
/// on.
std::vector<SourceInsn> choose_path(const PathRules& rules, const TranslatedPage& page, u16 offset,
                                    const BranchProfile* profile);

}  // namespace quire::jit
