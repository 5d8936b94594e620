// BlockCache: decodes blocks on demand and drops them when their bytes are written.
//
// Invariant: every block agrees with the RAM it was decoded from. A page with blocks is marked in Ram and
// absent from the fast store entries, so that every write to it comes here; one that does not touch decoded
// bytes drops nothing. Dropped blocks stay readable until collect(), as one may be running. What all of it
// takes is bounded, whatever the guest runs: an engine looks at full() before it asks for one more block.
#pragma once

#include <array>
#include <bitset>
#include <memory>
#include <unordered_map>
#include <vector>

#include "emu/block/block.h"
#include "emu/isa/isa.h"
#include "emu/mem/fast_tlb.h"
#include "emu/mem/ram.h"

namespace quire {

/// The engine's code that cells and exits point to.
struct HandlerTable {
  std::array<OpHandler, kOpCount> op;
  OpHandler slow;          ///< does any instruction
  OpHandler fall_through;  ///< leaves a block whose last instruction does not jump
  OpHandler link;          ///< an exit to the same page that has not been taken yet
  OpHandler cross_page;    ///< an exit to another page
  OpHandler straddle;      ///< before an instruction that straddles two pages: checks its bits, Cell::imm
  OpHandler stop;  ///< before a block at whose start a stop may be wanted; Cell::imm: its instructions
  std::array<OpHandler, 4>
      log;  ///< by Logging: before a block that is to be logged as it is entered; likewise
  std::array<OpHandler, kOpCount> op_logged;  ///< instead of `op`, where accesses are logged
};

/// What is kept of all that runs: with any, blocks begin with HandlerTable::log.
enum class Logging : u8 { kOff, kInsns, kAccesses, kBoth };

struct BlockStats {
  u64 built, dropped;
};

class BlockCache final : private RamWatcher {
 public:
  /// Of host memory, for blocks and the tables that find them. Enough for some 100,000 blocks, which no
  /// workload we know runs in turn; a guest can make one of each halfword of its RAM.
  static constexpr usize kDefaultLimitBytes = usize{256} << 20;

  /// `isa` must outlive the cache.
  BlockCache(Ram& ram, FastTlb& fast, const Isa& isa, const HandlerTable& handlers,
             usize limit_bytes = kDefaultLimitBytes);
  ~BlockCache() override;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  /// Valid until collect() says otherwise.
  CodePage& page(PhysAddr frame);
  /// The block that starts at this offset, decoded if need be. Null: its first instruction straddles two
  /// pages and has not been seen yet.
  Block* find_or_build(CodePage& page, u64 offset);
  /// A block of one instruction at the end of `page`, whose second half was found elsewhere: `insn` is right
  /// only as long as that half is, so the first cell's handler must compare.
  void set_straddling(CodePage& page, const Insn& insn);
  void link(Exit& exit, const Block& target) const;

  /// Offsets in a page, by halfword: blocks end before them and, where they start there, begin with
  /// HandlerTable::stop. Of every page, as blocks know no virtual address.
  using StopOffsets = std::bitset<kPageBytes / 2>;
  /// Drops the blocks that the difference concerns; with none there is nothing to be seen of it in a block.
  void set_stops(const StopOffsets& stops);
  /// Drops all blocks when it changes.
  void set_logging(Logging logging);

  /// Whether collect() is due before another block is built.
  bool full() const { return held_bytes_ > limit_bytes_; }
  /// Frees what was dropped and, when it is still full, everything: true, and no CodePage is valid any more.
  /// Precondition: no engine is in a block.
  bool collect();
  usize held_bytes() const { return held_bytes_; }
  const BlockStats& stats() const { return stats_; }

 private:
  struct Storage;
  struct PageRecord {
    CodePage page;
    std::bitset<kPageBytes / 2> decoded;  // halfwords
    std::vector<std::unique_ptr<Storage>> blocks;
    usize block_bytes = 0;
  };
  struct Decoded;

  void ram_written(PhysAddr start, u64 count_bytes, Writer writer) override;
  void written_in_page(PhysAddr start, u64 count_bytes);
  void drop(PageRecord& record);
  Decoded decode_from(PhysAddr start) const;
  OpHandler handler_of(const Insn& insn) const;
  std::unique_ptr<Storage> lay_out(const Decoded& decoded, u64 offset) const;
  Block* keep(CodePage& page, std::unique_ptr<Storage> storage);

  Ram& ram_;
  FastTlb& fast_;
  const Isa& isa_;
  HandlerTable handlers_;
  StopOffsets stops_;
  Logging logging_ = Logging::kOff;
  std::unordered_map<u64, std::unique_ptr<PageRecord>> pages_;  // by frame
  std::vector<std::unique_ptr<Storage>> dropped_;
  usize dropped_bytes_ = 0;
  usize held_bytes_ = 0;  // of pages_ and dropped_, with what the host's allocator adds
  usize limit_bytes_;
  BlockStats stats_{};
};

}  // namespace quire
