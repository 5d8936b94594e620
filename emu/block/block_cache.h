// BlockCache: decodes blocks on demand and drops them when their bytes are written.
//
// Invariant: every block agrees with the RAM it was decoded from. A page with blocks is marked in Ram and
// absent from the fast store entries, so that every write to it comes here; one that does not touch decoded
// bytes drops nothing. Dropped blocks stay readable until release_dropped(), as one may be running.
#pragma once

#include <array>
#include <bitset>
#include <memory>
#include <unordered_map>
#include <vector>

#include "emu/block/block.h"
#include "emu/isa/op.h"
#include "emu/mem/fast_tlb.h"
#include "emu/mem/ram.h"

namespace quire {

/// The engine's code that cells and exits point to.
struct HandlerTable {
  std::array<OpHandler, kOpCount> op;
  OpHandler fall_through;  ///< leaves a block whose last instruction does not jump
  OpHandler link;          ///< an exit to the same page that has not been taken yet
  OpHandler cross_page;    ///< an exit to another page
};

struct BlockStats {
  u64 built, dropped;
};

class BlockCache final : private RamWatcher {
 public:
  BlockCache(Ram& ram, FastTlb& fast, const HandlerTable& handlers);
  ~BlockCache() override;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  /// Valid as long as the cache.
  CodePage& page(PhysAddr frame);
  /// The block that starts at this offset, decoded if need be. Null: its first instruction straddles two
  /// pages.
  Block* find_or_build(CodePage& page, u64 offset);
  void link(Exit& exit, const Block& target) const;

  /// Frees what was dropped. Precondition: no engine is in a block.
  void release_dropped();
  const BlockStats& stats() const { return stats_; }

 private:
  struct Storage;
  struct PageRecord {
    CodePage page;
    std::bitset<kPageBytes / 2> decoded;  // halfwords
    std::vector<std::unique_ptr<Storage>> blocks;
  };
  struct Decoded;

  void ram_written(PhysAddr start, u64 count_bytes, Writer writer) override;
  void written_in_page(PhysAddr start, u64 count_bytes);
  void drop(PageRecord& record);
  Decoded decode_from(PhysAddr start) const;
  std::unique_ptr<Storage> lay_out(const Decoded& decoded, u64 offset) const;

  Ram& ram_;
  FastTlb& fast_;
  HandlerTable handlers_;
  std::unordered_map<u64, std::unique_ptr<PageRecord>> pages_;  // by frame
  std::vector<std::unique_ptr<Storage>> dropped_;
  BlockStats stats_{};
};

}  // namespace quire
