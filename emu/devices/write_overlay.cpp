#include "emu/devices/write_overlay.h"

#include <algorithm>
#include <new>
#include <vector>

namespace quire {
namespace {

/// Calls `piece(block, at, done, len)` for each block's part of a range, until one answers false.
template <class Piece>
bool for_each_block(u64 offset, u64 len_bytes, Piece&& piece) {
  for (u64 done = 0; done < len_bytes;) {
    const u64 at = (offset + done) % WriteOverlay::kBlockBytes;
    const u64 len = std::min(len_bytes - done, WriteOverlay::kBlockBytes - at);
    if (!piece((offset + done) / WriteOverlay::kBlockBytes, at, done, len)) {
      return false;
    }
    done += len;
  }
  return true;
}

}  // namespace

bool WriteOverlay::read(u64 offset, std::span<u8> out) {
  return for_each_block(offset, out.size(), [&](u64 index, u64 at, u64 done, u64 len) {
    const std::span<u8> part = out.subspan(done, len);
    const auto found = blocks_.find(index);
    if (found == blocks_.end()) {
      return read_base_(offset + done, part);
    }
    if (found->second == nullptr) {
      std::fill(part.begin(), part.end(), u8{0});
    } else {
      std::copy_n(found->second->begin() + static_cast<std::ptrdiff_t>(at), len, part.begin());
    }
    return true;
  });
}

/// The block with the bytes that it shows now; null when the base failed or there are too many.
WriteOverlay::Block* WriteOverlay::block_to_change(u64 index) {
  const auto found = blocks_.find(index);
  if (found != blocks_.end() && found->second != nullptr) {
    return found->second.get();
  }
  if (found == blocks_.end() && !has_room()) {
    return nullptr;
  }
  auto block = std::make_unique<Block>();
  if (found == blocks_.end() && !read_base_(index * kBlockBytes, *block)) {
    return nullptr;
  }
  return (blocks_[index] = std::move(block)).get();
}

bool WriteOverlay::write(u64 offset, std::span<const u8> data) {
  try {
    return for_each_block(offset, data.size(), [&](u64 index, u64 at, u64 done, u64 len) {
      Block* block = block_to_change(index);
      if (block != nullptr) {
        std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(done), len,
                    block->begin() + static_cast<std::ptrdiff_t>(at));
      }
      return block != nullptr;
    });
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool WriteOverlay::write_zeroes(u64 offset, u64 len_bytes) {
  try {
    return for_each_block(offset, len_bytes, [&](u64 index, u64 at, u64, u64 len) {
      if (len == kBlockBytes) {
        if (!has_room() && !blocks_.contains(index)) {
          return false;
        }
        blocks_[index] = nullptr;
        return true;
      }
      Block* block = block_to_change(index);
      if (block != nullptr) {
        std::fill_n(block->begin() + static_cast<std::ptrdiff_t>(at), len, u8{0});
      }
      return block != nullptr;
    });
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// In the order of the disk, so that equal disks have equal states.
void WriteOverlay::transfer(StateArchive& archive) {
  std::vector<u64> indices;
  for (const auto& [index, block] : blocks_) {
    indices.push_back(index);
  }
  std::sort(indices.begin(), indices.end());
  archive(indices);
  if (archive.loading()) {
    blocks_.clear();
  }
  for (const u64 index : indices) {
    std::unique_ptr<Block>& block = blocks_[index];
    bool zero = block == nullptr;
    archive(zero);
    if (zero) {
      continue;
    }
    if (archive.loading()) {
      block = std::make_unique<Block>();
    }
    archive(*block);
  }
}

}  // namespace quire
