// Contents of RAM at one moment, sharing with other images every page that is the same.
//
// Invariants: an image never changes once made. A page of zeroes is null, and so is a chunk of such pages.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "emu/base/types.h"
#include "emu/mem/ram.h"

namespace quire {

class RamImage {
 public:
  /// All zero.
  explicit RamImage(u64 page_count) : page_count_(page_count), chunks_((page_count + kChunk - 1) / kChunk) {}

  u64 page_count() const { return page_count_; }
  /// kPageBytes bytes; null: zeroes.
  const u8* page(u64 index) const {
    const Page* const found = shared(index);
    return found == nullptr ? nullptr : found->data();
  }
  /// While the image is made.
  void set_page(u64 index, const u8* bytes);

  /// Calls visit(index, bytes) for each page that is not zero, in order.
  template <class Visit>
  void for_each_page(Visit&& visit) const {
    for (u64 c = 0; c < chunks_.size(); ++c) {
      if (chunks_[c] == nullptr) continue;
      for (u64 i = c * kChunk; i < (c + 1) * kChunk && i < page_count_; ++i) {
        if (const u8* const bytes = page(i)) visit(i, bytes);
      }
    }
  }
  /// Calls visit(index) for each page in which they may differ.
  template <class Visit>
  void for_each_difference(const RamImage& other, Visit&& visit) const {
    for (u64 c = 0; c < chunks_.size(); ++c) {
      if (chunks_[c] == other.chunks_[c]) continue;
      for (u64 i = c * kChunk; i < (c + 1) * kChunk && i < page_count_; ++i) {
        if (shared(i) != other.shared(i)) visit(i);
      }
    }
  }

 private:
  friend class RamImager;
  static constexpr u64 kChunk = 512;  // pages; 2 MiB
  using Page = std::array<u8, kPageBytes>;
  using Chunk = std::array<std::shared_ptr<const Page>, kChunk>;

  const Page* shared(u64 index) const {
    const auto& chunk = chunks_[index / kChunk];
    return chunk == nullptr ? nullptr : (*chunk)[index % kChunk].get();
  }
  Chunk& own_chunk(u64 chunk);

  u64 page_count_;
  std::vector<std::shared_ptr<const Chunk>> chunks_;
};

/// Takes images of one RAM and puts them back, at a cost that follows what has changed since the last time.
class RamImager {
 public:
  /// Images are taken from the RAM's first moment on: whatever differs from zero is noted as changed.
  explicit RamImager(Ram& ram) : ram_(ram), last_(ram.page_count()) {}

  /// Afterwards the RAM's pages count as unchanged.
  RamImage take();
  /// Precondition: the same number of pages. Watchers are told of what changed.
  void put(const RamImage& image);

 private:
  void restore_page(const RamImage& image, u64 index);

  Ram& ram_;
  RamImage last_;  ///< what the pages held that have not changed since
};

}  // namespace quire
