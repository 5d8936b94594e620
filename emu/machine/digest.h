// One number for a machine's whole state.
//
// Depends on contents alone: a page that was never touched and one full of zeros are the same.
#pragma once

#include <memory>
#include <span>

#include "emu/base/types.h"

namespace quire {

/// xxh3 over words and over every page of RAM that is not all zero, with its index.
class StateDigest {
 public:
  explicit StateDigest(std::span<const u64> words);
  ~StateDigest();
  StateDigest(const StateDigest&) = delete;
  StateDigest& operator=(const StateDigest&) = delete;

  /// In ascending order, and none of them all zero.
  void add_page(u64 index, const u8* bytes);
  u64 value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

u64 digest_state(std::span<const u64> words, std::span<const u8> ram);

}  // namespace quire
