// What a disk's volatile cache holds: writes that are done but not flushed, and what a power cut makes of
// them.
//
// Invariant: undoing them in reverse order gives what the medium holds for certain. No more than kCacheBytes:
// the oldest are on the medium by then.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "emu/base/types.h"
#include "quire/state_archive.h"

namespace quire {

class UnflushedWrites {
 public:
  using WriteMedium = std::function<bool(u64 offset, std::span<const u8> data)>;
  static constexpr u64 kCacheBytes = u64{64} << 20;
  /// Written as a whole or not at all.
  static constexpr u64 kSectorBytes = 512;

  void add(u64 offset, std::vector<u8> before, std::span<const u8> after);
  void flushed();
  usize count() const { return writes_.size(); }
  /// Each write reaches the medium, does not, or does in some of its sectors, as `seed` decides; later ones
  /// may and earlier ones not. None is left. False when the medium failed.
  bool cut_power(u64 seed, const WriteMedium& write);
  void transfer(StateArchive& archive);

 private:
  struct Write {
    u64 offset;
    std::vector<u8> before;
    std::vector<u8> after;
  };

  std::deque<Write> writes_;  ///< oldest first
  u64 bytes_ = 0;
};

}  // namespace quire
