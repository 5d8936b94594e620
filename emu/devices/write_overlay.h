// What a guest wrote to a disk whose file must stay as it is: blocks in memory over a base.
//
// Invariant: a block that is here hides the base's whole block. A block of zeroes takes its place in the
// table only, about 1% of its size; so what it takes is bounded by the bytes written, and the count of blocks
// by kMaxBlocks, whatever the disk's size.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>

#include "emu/base/types.h"
#include "quire/state_archive.h"

namespace quire {

class WriteOverlay {
 public:
  /// Reads the base; false when it failed.
  using ReadBase = std::function<bool(u64 offset, std::span<u8> out)>;

  static constexpr u64 kBlockBytes = 4096;
  static constexpr u64 kMaxBlocks = u64{1} << 24;  ///< 64 GiB of the disk; a table of about 800 MB

  explicit WriteOverlay(ReadBase read_base, u64 max_blocks = kMaxBlocks)
      : read_base_(std::move(read_base)), max_blocks_(max_blocks) {}

  /// False when the base failed, the host has no memory left, or there are too many blocks.
  bool read(u64 offset, std::span<u8> out);
  bool write(u64 offset, std::span<const u8> data);
  bool write_zeroes(u64 offset, u64 len_bytes);
  void transfer(StateArchive& archive);

 private:
  using Block = std::array<u8, kBlockBytes>;

  Block* block_to_change(u64 index);
  bool has_room() const { return blocks_.size() < max_blocks_; }

  ReadBase read_base_;
  const u64 max_blocks_;
  std::unordered_map<u64, std::unique_ptr<Block>> blocks_;  ///< null: all zero
};

}  // namespace quire
