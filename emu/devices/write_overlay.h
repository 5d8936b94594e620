// What a guest wrote to a disk whose file must stay as it is: blocks in memory over a base.
//
// Invariant: a block that is here hides the base's whole block. Blocks of zeroes take no memory, so what it
// takes is bounded by the bytes written, and by the disk's size.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>

#include "emu/base/types.h"

namespace quire {

class WriteOverlay {
 public:
  /// Reads the base; false when it failed.
  using ReadBase = std::function<bool(u64 offset, std::span<u8> out)>;

  explicit WriteOverlay(ReadBase read_base) : read_base_(std::move(read_base)) {}

  static constexpr u64 kBlockBytes = 4096;

  /// False when the base failed, or the host has no memory left.
  bool read(u64 offset, std::span<u8> out);
  bool write(u64 offset, std::span<const u8> data);
  bool write_zeroes(u64 offset, u64 len_bytes);

 private:
  using Block = std::array<u8, kBlockBytes>;

  Block* block_to_change(u64 index);

  ReadBase read_base_;
  std::unordered_map<u64, std::unique_ptr<Block>> blocks_;  ///< null: all zero
};

}  // namespace quire
