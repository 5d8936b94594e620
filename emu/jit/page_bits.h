// PageBits: a bit for each halfword of a page, with ranges set and asked for by words.
//
// Invariant: standard layout, as part of what generated code addresses by offset.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>

#include "emu/base/types.h"
#include "quire/arch/sv39.h"

namespace quire::jit {

class PageBits {
 public:
  static constexpr usize kCount = kPageBytes / 2;

  bool test(usize halfword) const { return (words_[halfword / kWordBits] >> halfword % kWordBits & 1) != 0; }
  bool none() const { return words_ == Words{}; }
  void reset() { words_ = {}; }
  /// From `first` to `last`, which is one of them.
  void set_range(usize first, usize last) {
    for_each_word(first, last, [this](usize word, u64 mask) { words_[word] |= mask; });
  }
  bool any_in(usize first, usize last) const {
    u64 found = 0;
    for_each_word(first, last, [&](usize word, u64 mask) { found |= words_[word] & mask; });
    return found != 0;
  }
  bool any_of(const std::bitset<kCount>& others) const {
    usize at = 0;
    while (at < kCount && !(others.test(at) && test(at))) ++at;
    return at < kCount;
  }

 private:
  static constexpr usize kWordBits = 64;
  using Words = std::array<u64, kCount / kWordBits>;

  template <class Act>
  static void for_each_word(usize first, usize last, Act&& act) {
    while (first <= last) {
      const usize end = std::min(last, first | (kWordBits - 1));
      const u64 from_first = ~u64{0} << first % kWordBits;
      const u64 to_end = ~u64{0} >> (kWordBits - 1 - end % kWordBits);
      act(first / kWordBits, from_first & to_end);
      first = end + 1;
    }
  }

  Words words_{};
};

}  // namespace quire::jit
