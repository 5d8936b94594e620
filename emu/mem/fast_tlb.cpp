#include "emu/mem/fast_tlb.h"

#include <cstring>
#include <new>

namespace quire {
namespace {

/// More than that in the list of what is one space's alone, and it has entries twice.
constexpr usize kMaxLocal = usize{4} * FastTlb::kEntries;
constexpr unsigned kIndexBits = 14;
static_assert(FastTlb::kEntries == 1 << kIndexBits && kIndexBits + 2 <= 16);

/// Where a bank's number is in its keys; below, how often its copies were forgotten.
constexpr unsigned kKeyNumberShift = 56;
static_assert((FastTlb::kSpaces + 1) * FastTlb::kBanks <= 1 << (64 - kKeyNumberShift));

bool is_of(u64 satp, u16 asid) { return static_cast<u16>(Satp{satp}.asid()) == asid; }

void forget_copies(FastTlb::Bank& bank) {
  if (bank.any_copied == 0) return;
  ++bank.key;
  bank.any_copied = 0;
  std::memset(bank.copied, 0, sizeof(bank.copied));
}

bool may_be_copied(const FastTlb::Bank& bank, u64 page) {
  const u64 index = (page >> kPageShift) & (FastTlb::kEntries - 1);
  return bank.any_copied != 0 && (bank.copied[index / 64] >> (index % 64) & 1) != 0;
}

}  // namespace

FastTlb::FastTlb() : current_(spaces_.data()) {
  current_->make(0);
  shared_.make(kSpaces);
}

/// Memory that is zero when it is first looked at, so that what no program fills is never there. An empty
/// entry's tag, 0, is that of page 0, which is looked for in the first place, and by an access that begins in
/// the last page, in the last.
void FastTlb::Space::make(unsigned number) {
  void* const memory = std::calloc(kBanks, sizeof(Bank));
  if (memory == nullptr) throw std::bad_alloc();
  banks.reset(static_cast<Bank*>(memory));
  for (unsigned index = 0; index < kBanks; ++index) {
    for (auto& entries : banks[index].entries) entries[0].tag = entries[kEntries - 1].tag = kNoPage;
    banks[index].key = u64{number * kBanks + index} << kKeyNumberShift;
  }
}

FastEntry& FastTlb::Space::entry(unsigned bank_index, u16 place) {
  return banks[bank_index].entries[place >> kIndexBits][place & (kEntries - 1)];
}

void FastTlb::Space::clear() {
  for (unsigned index = 0; index < kBanks; ++index) {
    for (const u16 place : filled[index]) {
      entry(index, place).tag = kNoPage;
      banks[index].listed[place / 64] = 0;
    }
    filled[index].clear();
    forget_copies(banks[index]);
  }
}

void FastTlb::Space::clear_page(u64 page) {
  for (unsigned index = 0; index < kBanks; ++index) {
    if (filled[index].empty()) continue;
    // The entry may have made room for another's since it was copied.
    if (may_be_copied(banks[index], page)) forget_copies(banks[index]);
    for (const Access access : {Access::kRead, Access::kWrite, Access::kExecute}) {
      FastEntry& entry = banks[index].slot(access, page);
      if (entry.tag == page) entry.tag = kNoPage;
    }
  }
}

template <class Matches>
void FastTlb::Space::clear_where(Matches&& matches) {
  for (unsigned index = 0; index < kBanks; ++index) {
    for (const u16 place : filled[index]) {
      FastEntry& one = entry(index, place);
      // The access first: an entry that need not be looked at is most likely in no cache.
      if (matches(static_cast<Access>(place >> kIndexBits), one) && one.tag != kNoPage) one.tag = kNoPage;
    }
    forget_copies(banks[index]);
  }
}

void FastTlb::fill(unsigned bank_index, Access access, u64 va, u64 payload, Reach reach) {
  Space& space = space_of(bank_index);
  FastEntry& entry = space.banks[bank_index].slot(access, va);
  const u64 index = (va >> kPageShift) & (kEntries - 1);
  const u16 place = static_cast<u16>(static_cast<u64>(access) << kIndexBits | index);
  u64& listed = space.banks[bank_index].listed[place / 64];
  if ((listed >> (place % 64) & 1) == 0) {
    listed |= u64{1} << (place % 64);
    space.filled[bank_index].push_back(place);
  }
  if (&space == &shared_) {
    if (local_.size() == kMaxLocal) clear_local();
    if (reach == Reach::kThisSpace) local_.push_back(place);
  }
  entry = {align_down(va, kPageBytes), payload};
}

void FastTlb::clear_shared() {
  shared_.clear();
  local_.clear();
}

void FastTlb::clear_local() {
  if (local_.empty()) return;
  for (const u16 place : local_) shared_.entry(kSharedBank, place).tag = kNoPage;
  local_.clear();
  forget_copies(shared_.banks[kSharedBank]);
}

void FastTlb::change_space(u64 satp) {
  clear_local();
  Space* free = nullptr;
  for (Space& space : spaces_) {
    if (space.in_use() && space.satp == satp) {
      current_ = &space;
      return;
    }
    if (!space.in_use() && free == nullptr) free = &space;
  }
  if (free == nullptr) {
    do {
      free = &spaces_[next_victim_++ % kSpaces];
    } while (free == current_);
    free->clear();
  } else {
    free->make(static_cast<unsigned>(free - spaces_.data()));
  }
  free->satp = satp;
  current_ = free;
}

template <class Act>
void FastTlb::for_each_space(Act&& act) {
  for (Space& space : spaces_) {
    if (space.in_use()) act(space);
  }
  act(shared_);
}

template <class Act>
void FastTlb::for_each_space(u16 asid, Act&& act) {
  for (Space& space : spaces_) {
    if (space.in_use() && is_of(space.satp, asid)) act(space);
  }
  act(shared_);
}

void FastTlb::clear() {
  for_each_space([](Space& space) { space.clear(); });
  clear_shared();
}

void FastTlb::clear_asid(u16 asid) {
  for (Space& space : spaces_) {
    if (space.in_use() && is_of(space.satp, asid)) space.clear();
  }
  clear_local();
}

void FastTlb::clear_page(VirtAddr va) {
  const u64 page = align_down(va.value, kPageBytes);
  for_each_space([page](Space& space) { space.clear_page(page); });
}

void FastTlb::clear_page(VirtAddr va, u16 asid) {
  const u64 page = align_down(va.value, kPageBytes);
  for_each_space(asid, [page](Space& space) { space.clear_page(page); });
}

void FastTlb::clear_range(VirtAddr first, u64 bytes) {
  const auto inside = [=](Access, const FastEntry& entry) { return entry.tag - first.value < bytes; };
  for_each_space([&](Space& space) { space.clear_where(inside); });
}

void FastTlb::clear_range(VirtAddr first, u64 bytes, u16 asid) {
  const auto inside = [=](Access, const FastEntry& entry) { return entry.tag - first.value < bytes; };
  for_each_space(asid, [&](Space& space) { space.clear_where(inside); });
}

void FastTlb::clear_stores_to(const u8* host) {
  const auto leads_there = [host = reinterpret_cast<u64>(host)](Access access, const FastEntry& entry) {
    return access == Access::kWrite && entry.tag + entry.payload == host;
  };
  for_each_space([&](Space& space) { space.clear_where(leads_there); });
}

void FastTlb::clear_stores() {
  const auto stores = [](Access access, const FastEntry&) { return access == Access::kWrite; };
  for_each_space([&](Space& space) { space.clear_where(stores); });
}

}  // namespace quire
