#include "emu/mem/tlb.h"

#include <algorithm>
#include <bit>

#include "emu/base/assert.h"

namespace quire {

Tlb::Tlb(const TlbConfig& config) : config_(config) {
  QUIRE_ASSERT(std::has_single_bit(config.entries) && std::has_single_bit(config.ways) &&
               config.ways <= config.entries && config.entries <= 65536);
  const u32 sets = config.entries / config.ways;
  set_mask_ = sets - 1;
  entries_.resize(config.entries);
  next_way_.resize(sets);
}

unsigned Tlb::size_class(unsigned shift) {
  unsigned at = 0;
  while (kShifts[at] != shift) ++at;
  return at;
}

/// The first entry that covers the address, whatever its ASID, of which `matches` says so; small pages first.
template <class Matches>
const TlbEntry* Tlb::find_covering(VirtAddr va, Matches&& matches) const {
  for (unsigned at = 0; at < kShifts.size(); ++at) {
    if (population_[at] == 0) continue;
    const u64 tag = va.value >> kShifts[at];
    const TlbEntry* set = set_of(tag);
    for (u32 way = 0; way < config_.ways; ++way) {
      const TlbEntry& entry = set[way];
      if (entry.tag == tag && valid(entry) && entry.shift == kShifts[at] && matches(entry)) return &entry;
    }
  }
  return nullptr;
}

const TlbEntry* Tlb::peek(VirtAddr va, u16 asid) const {
  return find_covering(
      va, [asid](const TlbEntry& entry) { return entry.asid == asid || (entry.flags & kPteGlobal) != 0; });
}

bool Tlb::answers_alike(VirtAddr va) const {
  bool found = false;
  const TlbEntry* const of_one_space = find_covering(va, [&found](const TlbEntry& entry) {
    found = true;
    return (entry.flags & kPteGlobal) == 0;
  });
  return found && of_one_space == nullptr;
}

const TlbEntry* Tlb::lookup(VirtAddr va, u16 asid, Access access, bool all_seen) {
  const TlbEntry* found = peek(va, asid);
  if (found == nullptr) {
    ++stats_.misses;
    ++stats_.misses_by_access[static_cast<unsigned>(access)];
    return nullptr;
  }
  // Where most hits are answered by a FastTlb, those that come here say nothing, and depend on how runs are
  // cut.
  if (all_seen) {
    ++stats_.hits;
    ++stats_.hits_by_access[static_cast<unsigned>(access)];
  }
  if (config_.policy == TlbPolicy::kLru) const_cast<TlbEntry*>(found)->stamp = ++clock_;
  return found;
}

TlbEntry& Tlb::victim(TlbEntry* set) {
  for (u32 way = 0; way < config_.ways; ++way) {
    if (!valid(set[way])) return set[way];
  }
  switch (config_.policy) {
    case TlbPolicy::kLru: {
      u32 oldest = 0;
      for (u32 way = 1; way < config_.ways; ++way) {
        if (set[way].stamp < set[oldest].stamp) oldest = way;
      }
      return set[oldest];
    }
    case TlbPolicy::kRandom:
      random_ ^= random_ << 13;  // xorshift64 (Marsaglia, 2003)
      random_ ^= random_ >> 7;
      random_ ^= random_ << 17;
      return set[random_ >> 48 & (config_.ways - 1)];  // the low bits come around sooner
    case TlbPolicy::kDefault:
    case TlbPolicy::kFifo:
      break;
  }
  u16& next = next_way_[static_cast<usize>(set - entries_.data()) / config_.ways];
  TlbEntry& chosen = set[next];
  next = static_cast<u16>((next + 1) & (config_.ways - 1));
  return chosen;
}

std::optional<TlbEntry> Tlb::insert(VirtAddr va, u16 asid, Pte leaf, unsigned level) {
  const unsigned shift = leaf_shift(leaf, level);
  const u64 tag = va.value >> shift;
  TlbEntry* set = set_of(tag);
  TlbEntry* place = nullptr;
  for (u32 way = 0; way < config_.ways && place == nullptr; ++way) {
    if (valid(set[way]) && set[way].is_for(tag, static_cast<u8>(shift), asid)) place = &set[way];
  }
  const bool same_page = place != nullptr;
  if (!same_page) place = &victim(set);
  std::optional<TlbEntry> evicted;
  if (valid(*place)) {
    evicted = *place;
    if (!same_page) ++stats_.evictions;
    drop(*place);
  }
  *place = TlbEntry{.tag = tag,
                    .frame = leaf_address(leaf, level, VirtAddr(0)).value,
                    .stamp = ++clock_,
                    .epoch = epoch_,
                    .asid = asid,
                    .flags = static_cast<u8>(leaf.raw),
                    .level = static_cast<u8>(level),
                    .shift = static_cast<u8>(shift)};
  ++population_[size_class(shift)];
  note(*place);
  return evicted;
}

void Tlb::note(const TlbEntry& placed) {
  std::vector<u32>& places = places_[placed.asid];
  if (places.size() >= 2 * entries_.size()) {
    places.clear();
    for (const TlbEntry& entry : entries_) {
      if (valid(entry) && entry.asid == placed.asid)
        places.push_back(static_cast<u32>(&entry - entries_.data()));
    }
    return;
  }
  places.push_back(static_cast<u32>(&placed - entries_.data()));
}

void Tlb::drop(TlbEntry& entry) {
  entry.epoch = 0;
  --population_[size_class(entry.shift)];
}

bool Tlb::change(VirtAddr va, u16 asid, const TlbChange& change) {
  const TlbEntry* const found = peek(va, asid);
  if (found == nullptr) return false;
  TlbEntry entry = *found;
  drop(entries_[static_cast<usize>(found - entries_.data())]);
  const u64 leaf = change.entry.apply(Pte::make(PhysAddr(entry.frame), entry.flags).raw);
  entry.flags = static_cast<u8>(leaf);
  entry.frame = align_down(Pte{leaf}.ppn() << kPageShift, entry.bytes());
  // What the entry stores are the bits of an address in force; those above follow from them.
  const u64 vpn = change.vpn.apply(entry.first_va() >> kPageShift);
  entry.tag = static_cast<u64>(sign_extend(vpn << kPageShift, change.va_bits)) >> entry.shift;
  entry.asid = static_cast<u16>(change.asid.apply(entry.asid));
  if ((entry.flags & kPteValid) != 0 && (entry.flags & kPteAccessed) != 0) put_back(entry);
  return true;
}

/// Where it is looked for: another tag may belong to another set.
void Tlb::put_back(TlbEntry entry) {
  TlbEntry* const set = set_of(entry.tag);
  TlbEntry* place = nullptr;
  for (u32 way = 0; way < config_.ways && place == nullptr; ++way) {
    if (valid(set[way]) && set[way].same_page(entry)) place = &set[way];
  }
  if (place == nullptr) place = &victim(set);
  if (valid(*place)) drop(*place);
  entry.epoch = epoch_;
  *place = entry;
  ++population_[size_class(entry.shift)];
  note(*place);
}

void Tlb::flush_all() {
  ++stats_.flushes_all;
  population_ = {};
  places_.clear();
  if (++epoch_ == 0) {  // wrapped: old entries would look valid again
    for (TlbEntry& entry : entries_) entry.epoch = 0;
    epoch_ = 1;
  }
}

void Tlb::flush_asid(u16 asid) {
  ++stats_.flushes_asid;
  const auto places = places_.find(asid);
  if (places == places_.end()) return;
  for (const u32 place : places->second) {
    TlbEntry& entry = entries_[place];
    if (valid(entry) && entry.asid == asid && (entry.flags & kPteGlobal) == 0) drop(entry);
  }
  places_.erase(places);
}

template <class Matches>
bool Tlb::drop_page(VirtAddr va, Matches&& matches) {
  bool small_pages_only = true;
  for (unsigned at = 0; at < kShifts.size(); ++at) {
    if (population_[at] == 0) continue;
    const u64 tag = va.value >> kShifts[at];
    TlbEntry* set = set_of(tag);
    for (u32 way = 0; way < config_.ways; ++way) {
      TlbEntry& entry = set[way];
      if (valid(entry) && entry.shift == kShifts[at] && entry.tag == tag && matches(entry)) {
        drop(entry);
        small_pages_only = small_pages_only && at == 0;
      }
    }
  }
  return small_pages_only;
}

bool Tlb::flush_page(VirtAddr va) {
  ++stats_.flushes_page;
  return drop_page(va, [](const TlbEntry&) { return true; });
}

bool Tlb::flush_page_asid(VirtAddr va, u16 asid) {
  ++stats_.flushes_page_asid;
  return drop_page(
      va, [asid](const TlbEntry& entry) { return entry.asid == asid && (entry.flags & kPteGlobal) == 0; });
}

/// Which ways are free is state: that is where the next entries go.
void Tlb::transfer(StateArchive& archive) {
  usize valid_entries = 0;
  for_each([&valid_entries](const TlbEntry&) { ++valid_entries; });
  usize left = archive.count(valid_entries);
  if (archive.loading()) {
    epoch_ = 1;
    population_ = {};
    places_.clear();
    for (TlbEntry& entry : entries_) entry.epoch = 0;
  }
  for (u32 at = 0; left > 0; ++at, --left) {
    while (!archive.loading() && !valid(entries_[at])) ++at;
    archive(at);
    if (at >= entries_.size())
      throw Error(ErrorKind::kFile, "a saved state is damaged: TLB entry out of range");
    TlbEntry& e = entries_[at];
    archive(e.tag, e.frame, e.stamp, e.asid, e.flags, e.level, e.shift);
    if (archive.loading()) {
      if (std::find(kShifts.begin(), kShifts.end(), e.shift) == kShifts.end() || e.level >= kMaxLevels) {
        throw Error(ErrorKind::kFile, "a saved state is damaged: TLB entry of no page size");
      }
      e.epoch = epoch_;
      ++population_[size_class(e.shift)];
      note(e);
    }
  }
  archive(clock_, random_);
  for (u16& way : next_way_) {
    archive(way);
    way &= static_cast<u16>(config_.ways - 1);
  }
  archive(stats_.hits, stats_.misses, stats_.walks, stats_.evictions, stats_.flushes_all, stats_.flushes_asid,
          stats_.flushes_page, stats_.flushes_page_asid, stats_.hits_by_access, stats_.misses_by_access,
          stats_.pte_reads);
}

}  // namespace quire
