// The TLB: architectural state. An entry, once in, answers until it is fenced or replaced, however
// stale it has become (Privileged ISA 20240411, 12.2.1).
//
// Invariant: only valid leaves with A set are held. Global entries match every ASID. No two valid
// entries have the same size, tag and ASID. A NAPOT entry is held as one of 64 KiB. What it holds depends on
// the accesses made and on nothing else.
#pragma once

#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

#include "emu/base/types.h"
#include "emu/mem/walk.h"
#include "quire/config.h"
#include "quire/fault.h"
#include "quire/machine.h"
#include "quire/state_archive.h"

namespace quire {

struct TlbEntry {
  u64 tag = 0;    ///< virtual address without the bits below `shift`
  u64 frame = 0;  ///< physical address of the first byte mapped
  u64 stamp = 0;  ///< last use, for LRU
  u32 epoch = 0;  ///< valid while it is the TLB's
  u16 asid = 0;
  u8 flags = 0;  ///< the PTE's low eight
  u8 level = 0;
  u8 shift = kPageShift;  ///< log2 of the bytes mapped

  bool is_for(u64 page_tag, u8 page_shift, u16 space) const {
    return tag == page_tag && shift == page_shift && asid == space;
  }
  bool same_page(const TlbEntry& other) const { return is_for(other.tag, other.shift, other.asid); }
  u64 bytes() const { return u64{1} << shift; }
  u64 first_va() const { return tag << shift; }
  PhysAddr translate(VirtAddr va) const { return PhysAddr(frame | (va.value & (bytes() - 1))); }
};

class Tlb {
 public:
  /// Precondition: the geometry is possible (quire/config.h).
  explicit Tlb(const TlbConfig& config);

  /// Counts a miss, and a hit where `all_seen` says that every access comes here.
  const TlbEntry* lookup(VirtAddr va, u16 asid, Access access, bool all_seen);
  /// The same without any effect.
  const TlbEntry* peek(VirtAddr va, u16 asid) const;
  /// Whether the entry that answers is global, and none but global ones could under another ASID.
  bool answers_alike(VirtAddr va) const;
  /// Replaces the entry of the same page and ASID, or takes a free way, or evicts one, which is returned.
  std::optional<TlbEntry> insert(VirtAddr va, u16 asid, Pte leaf, unsigned level);

  /// Changes the entry that answers for `va`, as a fault of its storage would; false when none does. Where it
  /// would no longer be an entry (V or A clear) it is dropped; of two for one page the changed one stays.
  /// Bits of the PPN that a page of its size does not have stay 0.
  bool change(VirtAddr va, u16 asid, const TlbChange& change);

  void flush_all();
  void flush_asid(u16 asid);  ///< global entries stay
  /// These two return whether nothing but a page of the lowest level was dropped.
  bool flush_page(VirtAddr va);                 ///< of every ASID, global ones too
  bool flush_page_asid(VirtAddr va, u16 asid);  ///< global entries stay

  /// Every access must come here, none may be answered by a FastTlb.
  bool sees_every_access() const { return config_.policy != TlbPolicy::kDefault; }
  const TlbConfig& config() const { return config_; }
  TlbStats& stats() { return stats_; }
  const TlbStats& stats() const { return stats_; }

  void transfer(StateArchive& archive);

  template <class F>
  void for_each(F&& visit) const {
    for (const TlbEntry& entry : entries_) {
      if (valid(entry)) visit(entry);
    }
  }

 private:
  /// The sizes an entry can have: the levels', and 64 KiB.
  static constexpr std::array<u8, kMaxLevels + 1> kShifts = {12, 16, 21, 30, 39, 48};
  static unsigned size_class(unsigned shift);
  bool valid(const TlbEntry& entry) const { return entry.epoch == epoch_; }
  template <class Matches>
  const TlbEntry* find_covering(VirtAddr va, Matches&& matches) const;
  TlbEntry* set_of(u64 tag) { return &entries_[(tag & set_mask_) * config_.ways]; }
  const TlbEntry* set_of(u64 tag) const { return &entries_[(tag & set_mask_) * config_.ways]; }
  TlbEntry& victim(TlbEntry* set);
  void drop(TlbEntry& entry);
  void put_back(TlbEntry entry);
  void note(const TlbEntry& placed);
  template <class Matches>
  bool drop_page(VirtAddr va, Matches&& matches);

  TlbConfig config_;
  u64 set_mask_;
  u32 epoch_ = 1;
  u64 clock_ = 0;                       // for LRU
  u64 random_ = 0x9e37'79b9'7f4a'7c15;  // for random replacement
  std::vector<TlbEntry> entries_;
  std::vector<u16> next_way_;                     // for FIFO, one a set
  std::array<u32, kShifts.size()> population_{};  // so that sizes without entries cost nothing
  /// By ASID: where its entries were put, so that flushing one is no walk over all; some are gone since.
  std::unordered_map<u16, std::vector<u32>> places_;
  TlbStats stats_{};
};

}  // namespace quire
