// AccessLog: which accesses instructions made, kept while an engine runs and told in batches.
//
// Invariant: entries are in the order in which the accesses were made, each of them complete, so that what is
// there can be told at any time. Engines' fast paths and the complete execution (emu/hart/context.h) log
// alike.
#pragma once

#include <span>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/cause.h"
#include "quire/observer.h"

namespace quire {

class AccessLog {
 public:
  /// What is worth an entry: accesses of these kinds to some byte from first to last.
  struct Wanted {
    u64 first = 0, last = ~u64{0};
    bool reads = false, writes = false;
  };
  /// `sink` is not owned; it is told when the log is full, and has then forgotten it.
  explicit AccessLog(AccessSink& sink) : sink_(sink) { entries_.reserve(kEntries); }

  void set_wanted(const Wanted& wanted) { wanted_ = wanted; }

  void add(u64 icount, u64 pc, Access access, u64 va, unsigned size, u64 value) {
    const bool is_store = access == Access::kWrite;
    if (!(is_store ? wanted_.writes : wanted_.reads)) return;
    if (va > wanted_.last || va + (size - 1) < wanted_.first) return;
    const u64 kept = size == 8 ? value : value & ((u64{1} << size * 8) - 1);
    entries_.push_back({icount, pc, va, kept, static_cast<u8>(size), is_store});
    if (entries_.size() == kEntries) [[unlikely]]
      sink_.on_accesses(entries_);
  }
  std::span<const AccessPlace> entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  /// They have been told, or belong to a state that is gone.
  void forget() { entries_.clear(); }

 private:
  static constexpr usize kEntries = 512;  // about what the nearest cache holds beside the guest's own

  AccessSink& sink_;
  Wanted wanted_;
  std::vector<AccessPlace> entries_;
};

}  // namespace quire
