// TranslationCache: makes blocks of host code on demand and drops them when their bytes are written.
//
// Invariant: all code that can be entered agrees with the RAM it was made from; a page with code is marked in
// Ram and absent from the fast store entries. Code knows neither virtual addresses nor modes, so one piece
// serves every mapping. A page's blocks jump to each other directly, and each knows who jumps to it; other
// pages' code is found through the fetch entries alone. What all of it takes is bounded: when full() says so,
// flush() gives up everything.
#pragma once

#include <bitset>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "emu/hart/engine.h"
#include "emu/hart/engine_observer.h"
#include "emu/isa/isa.h"
#include "emu/jit/block_path.h"
#include "emu/jit/code_memory.h"
#include "emu/jit/emit.h"
#include "emu/jit/ir.h"
#include "emu/jit/perf_map.h"
#include "emu/jit/runtime.h"
#include "emu/mem/fast_tlb.h"
#include "emu/mem/ram.h"

namespace quire::jit {

struct LowerTarget;

class TranslationCache final : private RamWatcher {
 public:
  /// Of guest code; each takes some 19 KiB for the table of its entries. Fewer where there is little code
  /// memory.
  static constexpr usize kMaxPages = 8192;

  /// `isa` and `callees` must outlive the cache. Throws where there is no memory for code.
  TranslationCache(Ram& ram, FastTlb& fast, const Isa& isa, const Callees& callees, usize code_bytes,
                   bool with_perf_map, unsigned hot_samples, const Switches& switches = {});
  /// Whom what is made and dropped is told, looked up each time.
  void set_observer(EngineObserver* const& observer) { observer_ = &observer; }
  ~TranslationCache() override;
  TranslationCache(const TranslationCache&) = delete;
  TranslationCache& operator=(const TranslationCache&) = delete;

  const Stubs& stubs() const { return stubs_; }
  /// Valid until flush().
  TranslatedPage& page(PhysAddr frame);
  /// The code of the block at this offset, made now. Null: the first instruction straddles two pages, or
  /// there may be a stop before it. Precondition: there is none yet, and !full().
  const void* translate(TranslatedPage& page, u16 offset);
  /// The block of the one instruction that begins in the last halfword of `page` and ends in `next`, which is
  /// fetched from behind it. Null: there is none, or it is one that is better done apart. Precondition: as
  /// for translate(), which has said null.
  const void* translate_across(TranslatedPage& page, TranslatedPage& next);
  /// The block that translate() would make, before any pass; no instructions: none.
  Ir record_block(const TranslatedPage& page, u16 offset) const;
  enum class Warmth : u8 { kAsBefore, kHot };
  /// The block at this offset was found running. One that often is will be made anew when execution comes by
  /// next: with windows, and as long as it may be. `kHot`: so it is, and where its branches lead is worth
  /// being watched.
  Warmth sample(TranslatedPage& page, u16 offset);
  /// What branches of this page did, for blocks that are made anew.
  void add_profile(PhysAddr frame, const BranchProfile& profile);
  /// Makes the block anew where accesses of it are better without windows.
  void judge_windows(TranslatedPage& page, WindowTable& table);
  void make_link(const Link& link, const void* code);

  bool full() const;
  /// Gives up all code and all pages. Precondition: no block is being run that will be returned to.
  void flush();

  /// flush(), and on with code memory that no other process has: see CodeMemory::renew().
  void renew();

  /// Offsets in a page, by halfword, before which there may be a stop: blocks end there and none starts.
  using StopOffsets = std::bitset<kPageBytes / 2>;
  void set_stops(const StopOffsets& stops);
  bool may_stop_at(u64 pc) const { return stops_.test((pc & (kPageBytes - 1)) / 2); }

  EngineStats& stats() { return stats_; }
  EngineStats stats() const;

 private:
  /// A block there is.
  struct Block {
    ByteRanges ranges;  ///< of its instructions
    unsigned samples;   ///< times that it was found running
    WindowTable* windows;
    std::vector<const Link*> links;  ///< that lead to it

    /// Whether it has a halfword of these.
    bool has_any_of(u64 first_halfword, u64 last_halfword) const;
  };
  struct PageRecord : TranslatedPage {
    std::map<u16, Block> blocks;  ///< by offset
    std::unique_ptr<BranchProfile> profile;
    std::vector<PageRecord*> begun;  ///< pages whose last instruction ends in this one

    bool has_code() const { return !blocks.empty() || !begun.empty(); }
  };

  PageRecord& take_record();
  LowerTarget target_for(TranslatedPage& page, const Ir& ir, u16 offset);
  bool write(const Ir& ir, const LowerTarget& target);
  void ram_written(PhysAddr start, u64 count_bytes, Writer writer) override;
  void written_in_page(PhysAddr start, u64 count_bytes);
  void drop(PageRecord& page, u64 first_halfword, u64 last_halfword, DropReason reason);
  void drop_block(PageRecord& page, u16 offset, const Block& block, DropReason reason);
  void watch(const PageRecord& page);
  const void* keep(TranslatedPage& page, const Ir& ir, u16 offset, usize start, usize first_link);
  void drop_begun(PageRecord& page, u64 first_halfword, DropReason reason);
  bool mark_plain(PageRecord& page, WindowTable& table);
  void make_anew(PageRecord& page, u16 offset);
  EngineObserver* observer() const { return observer_ == nullptr ? nullptr : *observer_; }
  void tell_made(const TranslatedPage& page, const Ir& ir, usize code_offset) const;
  bool is_hot(const TranslatedPage& page, u16 offset) const {
    return hot_samples_ == 0 || page.hot.test(offset / 2);
  }
  void link_known(usize first_link);
  static void mark_decoded(PageRecord& page, const Block& block);

  Ram& ram_;
  FastTlb& fast_;
  const Isa& isa_;
  const Callees& callees_;
  const Switches switches_;
  const usize max_pages_;
  const unsigned hot_samples_;
  CodeMemory memory_;
  Emission emission_;
  Stubs stubs_;
  StopOffsets stops_;
  std::unordered_map<u64, PageRecord*> pages_;    // by frame
  std::vector<std::vector<PageRecord>> records_;  // these, some at a time, where they stay
  PageRecord* last_written_ = nullptr;            // one of them: stores beside code come in rows
  std::deque<CallSite> sites_;
  std::deque<Link> links_;
  EngineStats stats_;
  std::unique_ptr<PerfMap> perf_map_;
  EngineObserver* const* observer_ = nullptr;
};

}  // namespace quire::jit
