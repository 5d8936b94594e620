// Bitmap: a fixed-size set of small numbers over memory of the caller.
#pragma once

#include <bit>
#include <optional>

#include "guest/lib/panic.h"

namespace kernel {

/// Words needed for `bits` bits.
constexpr usize bitmap_words(usize bits) { return (bits + 63) / 64; }

class BitmapView {
 public:
  /// `words` must hold at least `bits` bits.
  BitmapView(Span<u64> words, usize bits) : words_(words), bits_(bits) { ASSERT(words.size() * 64 >= bits); }

  usize size() const { return bits_; }
  bool test(usize index) const {
    ASSERT(index < bits_);
    return bit(words_[index / 64], index % 64);
  }
  void set(usize index) {
    ASSERT(index < bits_);
    words_[index / 64] |= u64{1} << (index % 64);
  }
  void clear(usize index) {
    ASSERT(index < bits_);
    words_[index / 64] &= ~(u64{1} << (index % 64));
  }
  /// The first clear bit at or after `from`.
  std::optional<usize> find_clear(usize from = 0) const { return find(from, ~u64{0}); }
  std::optional<usize> find_set(usize from = 0) const { return find(from, 0); }

 private:
  std::optional<usize> find(usize from, u64 invert) const {
    for (usize word = from / 64; word < bitmap_words(bits_); word++) {
      u64 candidates = words_[word] ^ invert;
      if (word == from / 64) {
        candidates &= ~u64{0} << (from % 64);
      }
      if (candidates != 0) {
        const usize index = word * 64 + static_cast<usize>(std::countr_zero(candidates));
        return index < bits_ ? std::optional(index) : std::nullopt;
      }
    }
    return std::nullopt;
  }

  Span<u64> words_;
  usize bits_;
};

/// A bitmap that owns its words, all clear at first.
template <usize kBits>
class Bitmap : public BitmapView {
 public:
  Bitmap() : BitmapView(storage_, kBits) {}
  Bitmap(const Bitmap&) = delete;
  Bitmap& operator=(const Bitmap&) = delete;

 private:
  u64 storage_[bitmap_words(kBits)] = {};
};

}  // namespace kernel
