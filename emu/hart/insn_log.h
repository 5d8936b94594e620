// InsnLog: which instructions were executed, kept block by block while an engine runs and told in batches.
//
// An engine logs a block as it enters it, without knowing how far it will come. Invariant: entries are in the
// order executed, and of each as many instructions were executed as the count went on until the next entry,
// at most all of it: an entry that has come no further than where the next begins is none. The instructions
// of entries stay readable until settle().
#pragma once

#include <span>
#include <vector>

#include "emu/base/types.h"
#include "emu/isa/insn.h"
#include "quire/observer.h"

namespace quire {

class InsnLog {
 public:
  /// `sink` is not owned.
  explicit InsnLog(InsnSink& sink) : sink_(sink) { entries_.reserve(kEntries); }

  /// Before the first of `count` instructions at `insns`.
  void block(u64 icount, u64 pc, const Insn* insns, u32 count) {
    if (entries_.size() == kEntries) [[unlikely]]
      settle(icount);
    entries_.push_back({icount, pc, insns, count});
  }
  /// Before one instruction.
  void one(u64 icount, u64 pc) { block(icount, pc, nullptr, 1); }
  /// All before `icount` has been executed: tells of it. The engine has stopped.
  void settle(u64 icount);
  /// The same while it goes on within the block that it logged last.
  void settle_so_far(u64 icount);
  /// What is not told yet belongs to a state that is gone.
  void forget() { entries_.clear(); }

 private:
  struct Entry {  // of the last, what settle_so_far() has told is taken off
    u64 icount, pc;
    const Insn* insns;  ///< null: one, whose length does not matter
    u32 count;
  };
  static constexpr usize kEntries = 4096;

  void expand(const Entry& entry, u64 executed);
  void tell();

  InsnSink& sink_;
  std::vector<Entry> entries_;
  std::vector<InsnPlace> places_;
};

}  // namespace quire
