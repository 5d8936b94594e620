// FastTlb: what the engines look at before each access; may lose any entry at any time.
//
// Invariant: a subset of the architectural TLB (and of the identity map where nothing is translated). A hit
// of a bank means, for accesses in the bank's mode: RAM, permitted, A set; for stores also D set, loads
// permitted, too, and no decoded code in the page. Everything else is a miss. Standard layout: translated
// code addresses it.
#pragma once

#include <type_traits>

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
  static constexpr unsigned kEntries = 256;
  static constexpr u64 kNoPage = 1;

  struct Bank {
    FastEntry entries[3][kEntries];  // by Access

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

  void clear();
  /// Forgets the page of `va` in every bank.
  void clear_page(VirtAddr va);
  /// Forgets all store entries: a page of RAM got code, wherever it is mapped.
  void clear_stores();

  Bank banks[kBanks];
};
static_assert(std::is_standard_layout_v<FastTlb> && sizeof(FastEntry) == 16);

}  // namespace quire
