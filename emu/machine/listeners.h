// Listeners: those whom something is told of, in the order in which they came.
//
// Whoever is told may add and remove any of them, itself included. Invariant: while anything is told, entries
// keep their places (a removed one is an empty place), and they close up when the outermost tell is over.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "emu/base/types.h"

namespace quire {

/// `Entry` is small and has a pointer `who`, which is not owned.
template <class Entry>
class Listeners {
 public:
  using Who = decltype(Entry::who);

  /// Told from the next event on.
  void add(Entry entry) { entries_.push_back(entry); }

  /// Told nothing more from now on, however often it has been added.
  void remove(Who who) {
    for (Entry& entry : entries_) {
      if (entry.who == who) {
        entry.who = nullptr;
      }
    }
    close_up();
  }

  template <class Predicate>
  bool any(Predicate&& holds) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&holds](const Entry& entry) { return entry.who != nullptr && holds(entry); });
  }

  /// Calls `call(entry)` for each. What it throws ends the telling.
  template <class Call>
  void tell(Call&& call) {
    const Telling telling(*this);
    const usize count = entries_.size();
    for (usize i = 0; i < count; ++i) {
      if (const Entry entry = entries_[i]; entry.who != nullptr) {  // a copy: `call` may add
        call(entry);
      }
    }
  }

 private:
  class Telling {
   public:
    explicit Telling(Listeners& listeners) : listeners_(listeners) { ++listeners_.depth_; }
    ~Telling() {
      --listeners_.depth_;
      listeners_.close_up();
    }
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;

   private:
    Listeners& listeners_;
  };

  void close_up() {
    if (depth_ == 0) {
      std::erase_if(entries_, [](const Entry& entry) { return entry.who == nullptr; });
    }
  }

  std::vector<Entry> entries_;
  unsigned depth_ = 0;  ///< tells under way
};

}  // namespace quire
