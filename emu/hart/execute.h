// One instruction, completely: whatever it touches and however it ends.
//
// Engines take it for what is not on their fast path, so that the fast path need only recognise what it
// can do, and nothing is written twice.
#pragma once

#include "emu/hart/hart.h"
#include "emu/isa/insn.h"

namespace quire {

enum class Flow : u8 {
  kNext,     ///< on to the instruction after it, with nothing else changed; never from one that ends a block
  kAnywhere  ///< pc, privilege, translation, code or pending interrupts may have changed
};

/// Executes `insn`, which was fetched at state().pc: pc and icount advance, a trap enters its handler.
Flow execute(Hart& hart, const Insn& insn);

/// Fetches from state().pc through the held page (HartState::fetch_page), looking it up if need be. Empty:
/// the fetch trapped, and the handler has been entered.
std::optional<Insn> fetch(Hart& hart);

/// Makes the held page that of `pc`; a trap if it cannot be fetched from.
MaybeTrap enter_fetch_page(Hart& hart, u64 pc);

}  // namespace quire
