// FastTlb: what the engines look at before each access; may lose any entry at any time.
//
// One space for each of the values that satp had lately, so that going from one to another and back loses
// nothing. They have the bank of S-mode without SUM in common, where addresses are translated at all: a
// kernel's pages are global as a rule, and found in a new space as well. What is not global leaves that bank
// with its space. Invariant: a space is a subset of what the architectural TLB answers under its satp (and of
// the identity map where nothing is translated). A hit of a bank means, for accesses in the bank's mode: RAM,
// permitted, A set; for stores also D set, loads permitted, too, and no decoded code in the page. Everything
// else is a miss. Banks are standard layout: translated code addresses them. Clearing costs what was filled,
// however often it was filled again.
//
// Translated code keeps copies of entries (emu/jit/windows.h). They are good as long as their bank has the
// key that it had when they were made, which changes when an entry is cleared that may have been copied.
#pragma once

#include <array>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/bits.h"
#include "quire/arch/cause.h"
#include "quire/arch/sv39.h"

namespace quire {

struct FastEntry {
  u64 tag;      ///< address of the virtual page, or kNoPage
  u64 payload;  ///< data: what to add to a virtual address to have the host's; code: the engine's own
};

class FastTlb {
 public:
  static constexpr unsigned kEntries = 16384;
  static constexpr u64 kNoPage = 1;
  static constexpr usize kTableBytes = kEntries * sizeof(FastEntry);

  struct Bank {
    FastEntry entries[3][kEntries];  // by Access
    u64 key;                         ///< no two banks ever have the same
    u64 copied[kEntries / 64];       ///< a bit an index: entries there may have been copied under this key
    u64 any_copied;                  ///< 0: no bit is set
    u64 listed[3 * kEntries / 64];   ///< a bit an entry, by access and index: it is in Space::filled

    FastEntry& slot(Access access, u64 va) {
      return entries[static_cast<unsigned>(access)][(va >> kPageShift) & (kEntries - 1)];
    }
    /// Whether all `size` bytes are there, at `host`. Bytes beyond the page make it a miss without a further
    /// test: they index as the first one, and the tag compared is that of the last.
    [[gnu::always_inline]] bool find(Access access, u64 va, unsigned size, u8*& host) {
      const FastEntry& entry = slot(access, va);
      host = reinterpret_cast<u8*>(va + entry.payload);
      return __builtin_expect(entry.tag == ((va + size - 1) & ~(kPageBytes - 1)), 1) != 0;
    }
  };

  /// Modes whose translations are kept side by side: M (or untranslated M), U, S, S with SUM.
  static constexpr unsigned kBanks = 4;
  static constexpr unsigned bank_index(Privilege privilege, bool sum) {
    if (privilege == Privilege::kMachine) return 0;
    if (privilege == Privilege::kUser) return 1;
    return sum ? 3 : 2;
  }
  static constexpr unsigned kSpaces = 8;
  static constexpr unsigned kSharedBank = 2;  ///< bank_index(Privilege::kSupervisor, false)

  /// Where an entry is good. Of other banks than the shared one, all are good in their space.
  enum class Reach : u8 {
    kThisSpace,
    kEverySpace,  ///< the architectural TLB answers alike under every ASID
  };

  FastTlb();

  /// Those of the space entered last; another satp has others.
  Bank& bank(unsigned index) { return space_of(index).banks[index]; }
  /// To the space of this satp; what it held is still there, unless too many others came between.
  void enter(u64 satp) {
    if (satp != current_->satp) change_space(satp);
  }
  /// Into the current space's banks.
  void fill(unsigned bank_index, Access access, u64 va, u64 payload, Reach reach = Reach::kThisSpace);

  /// These hold for every space, but where an ASID is given: for those of this one. What reaches every space
  /// is kept by clear_asid() alone of these.
  void clear();
  void clear_asid(u16 asid);
  void clear_page(VirtAddr va);
  void clear_page(VirtAddr va, u16 asid);
  /// Likewise where the entry that has changed maps many pages.
  void clear_range(VirtAddr first, u64 bytes);
  void clear_range(VirtAddr first, u64 bytes, u16 asid);
  /// Forgets stores to the page of RAM that is at `host`, wherever it is mapped: it got code.
  void clear_stores_to(const u8* host);
  void clear_stores();

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  struct Space {
    u64 satp = 0;
    std::unique_ptr<Bank[], Free> banks;
    std::vector<u16> filled[kBanks];  ///< entries that may be valid: access and index

    bool in_use() const { return banks != nullptr; }
    void make(unsigned number);
    void clear();
    FastEntry& entry(unsigned bank_index, u16 place);
    void clear_page(u64 page);
    template <class Matches>
    void clear_where(Matches&& matches);
  };

  Space& space_of(unsigned bank_index) {
    const bool shared = bank_index == kSharedBank && Satp{current_->satp}.mode() != SatpMode::kBare;
    return shared ? shared_ : *current_;
  }
  void change_space(u64 satp);
  void clear_shared();
  void clear_local();
  template <class Act>
  void for_each_space(Act&& act);
  template <class Act>
  void for_each_space(u16 asid, Act&& act);

  std::array<Space, kSpaces> spaces_;
  Space shared_;            // its shared bank alone is used
  std::vector<u16> local_;  // of that, entries that may be the current space's alone; some twice
  Space* current_;
  unsigned next_victim_ = 0;
};
static_assert(std::is_standard_layout_v<FastTlb::Bank> && sizeof(FastEntry) == 16);
static_assert(FastTlb::kSharedBank == FastTlb::bank_index(Privilege::kSupervisor, false));

}  // namespace quire
