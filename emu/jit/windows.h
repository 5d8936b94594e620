// Windows: what hot code knows of the page that each of its loads and stores last came to.
//
// The host's address of an access is then the guest's plus a figure that does not depend on it: the processor
// can go on before it has looked whether it holds. A block that runs much has a table of them, one for each
// access, which holds copies of entries of the FastTlb: good as long as the bank they are of has the table's
// key. An access that goes from page to page is better off without: on trial, the block counts how often it
// runs, and judge() says which windows missed too often.
//
// Invariant: standard layout, as generated code addresses it.
#pragma once

#include <span>

#include "emu/base/types.h"
#include "quire/arch/sv39.h"

namespace quire::jit {

class CodeMemory;

struct Window {
  u64 start;  ///< virtual address of the page, or kNowhere
  u64 limit;  ///< of several accesses: where the first one's offset in the page is below this, all are inside
  u64 delta;  ///< what to add to a guest address to have the host's
  i32 patience;  ///< misses that are borne before it is judged
  u16 place;     ///< offset in its page of the instruction it serves
  u16 reserved;

  /// Never an address of an aligned access less its offset in the page; `limit` is 0 then.
  static constexpr u64 kNowhere = kPageBytes / 2;
};

struct WindowTable {
  u64 key;           ///< of FastTlb::Bank
  u64 count;         ///< windows behind it
  u64 runs;          ///< of the block, while on trial
  u16 block_offset;  ///< in its page
  bool on_trial;

  std::span<Window> windows() { return {reinterpret_cast<Window*>(this + 1), count}; }
};
static_assert(sizeof(Window) == 32 && sizeof(WindowTable) == 32);

inline constexpr i32 kWindowPatience = 256;
/// Of what is no longer on trial: then it is again.
inline constexpr i32 kSettledPatience = 1 << 20;

/// For the block at this offset of its page; null: there is no room.
WindowTable* make_windows(CodeMemory& memory, usize count, u16 block_offset, bool on_trial);

/// Calls `is_bad` with the place of each access that misses too often to be worth a window, and counts anew.
/// Precondition: on trial.
template <class IsBad>
void judge(WindowTable& table, IsBad&& is_bad) {
  /// What a miss costs, in what a hit gains.
  constexpr u64 kPrice = 24;
  for (Window& window : table.windows()) {
    const u64 misses = static_cast<u64>(kWindowPatience - window.patience);
    if (misses * kPrice > table.runs) is_bad(window.place);
    window.patience = kWindowPatience;
  }
  table.runs = 0;
}

}  // namespace quire::jit
