// What generated code and the C++ around it agree on: layouts, host registers, and the calls between them.
//
// Invariant: all of it is standard layout, as generated code addresses it by offset.
#pragma once

#include <bitset>
#include <type_traits>

#include "emu/base/types.h"
#include "emu/hart/state.h"
#include "emu/isa/insn.h"
#include "emu/jit/page_bits.h"
#include "emu/jit/windows.h"
#include "quire/arch/sv39.h"

namespace quire::jit {

/// Places in a page where instructions may be.
using HalfwordSet = std::bitset<kPageBytes / 2>;

/// The code for one page of guest RAM, by where execution may enter it. What FastTlb's fetch entries lead to.
struct TranslatedPage {
  u64 frame;                         ///< physical address
  const void* code[kPageBytes / 2];  ///< by halfword; what is not translated yet leads to Stubs::cold
  u64 generation;                    ///< counts the times that code was dropped, but to be made anew
  u8 heat[kPageBytes / 2];           ///< times that execution came by what is not translated
  PageBits decoded;                  ///< halfwords that are part of a block
  u32 writes_beside;                 ///< since it has code: those that touched no block
  u32 patience;                      ///< so many of them are borne before the code is dropped
  HalfwordSet hot;                   ///< blocks that run much start there: they have windows
  HalfwordSet settled;               ///< and these know which
  HalfwordSet plain;                 ///< loads and stores there have none
};
static_assert(std::is_standard_layout_v<TranslatedPage>);

/// An instruction that generated code may have done by a call.
struct CallSite {
  Insn insn;
  TranslatedPage* page;
  i16 page_offset;  ///< see Ir
  u16 not_run;      ///< it and all instructions behind it in the block, counted already when the block was
                    ///< entered
  bool returns;     ///< to what is behind the instruction, where nothing forbids it
  Window* window = nullptr;        ///< of its access, if it has one
  WindowTable* windows = nullptr;  ///< and the table that this is in
};

/// A direct way out of a block to another of the same page, known or not.
struct Link {
  TranslatedPage* page;
  u32 patch_at;     ///< offset in the code memory of the jump's displacement (32 bits)
  u32 unlinked_at;  ///< of the code that it leads to as long as there is no block, or again none
  u16 page_offset;
  u64 from = 0;  ///< physical address of the block that it is a way out of
};

/// Where HartState::engine points to while translated code runs.
struct Runtime {
  i64 left = 0;  ///< instructions until the run ends; in a register in generated code
  // Of the host's stack, while translated code runs; set by Stubs::enter:
  u64 returns = 0;     ///< the latest return address that is kept; rsp in generated code
  u64 no_returns = 0;  ///< likewise, where none is
  u64 callees = 0;     ///< where C++ has its frames
  u64 caller = 0;      ///< the frame of whoever called Stubs::enter

  /// What calls have left for their returns is not to be run any more.
  void forget_returns() { returns = no_returns; }
};
/// Return addresses that are kept are so many bytes at most, and their place is a multiple of that: rsp says
/// by itself when it is full.
inline constexpr u32 kReturnsBytes = 1 << 16;

/// Addresses of the code that all blocks share (emu/jit/stubs.h).
struct Stubs {
  /// void(HartState*, const void* code): runs until something returns `leave`.
  void (*enter)(HartState*, const void*);
  const void* call;       ///< rcx: CallSite; returns, or goes where the call says
  const void* call_last;  ///< likewise, where a block ends; jumped to
  const void* link;       ///< rcx: Link
  const void* cold;       ///< eax: offset in the page; what TranslatedPage::code starts with
  const void* miss;       ///< rax: pc, on a page that is not known to be fetched from
  const void* dispatch;   ///< rax: pc, whose lowest bit does not count
  const void* too_long;   ///< eax: offset in the page of a block that would run past the end
  const void* apart;      ///< eax: offset in the page of an instruction that the block there is not right for
  const void* leave;      ///< back to the caller of `enter`; all state is in HartState
  // emu/jit/system_stubs.h has these:
  const void* ecall;   ///< rcx: CallSite
  const void* sret;    ///< rcx: CallSite
  const void* status;  ///< edx: what of sstatus changes
};

// The C++ that the stubs call. Each returns the code to go on with; `call` null for "after the instruction".
struct Callees {
  const void* (*call)(HartState*, const CallSite*, i64 left);
  const void* (*link)(HartState*, const Link*, i64 left);
  const void* (*cold)(HartState*, u64 page_offset, i64 left);
  const void* (*miss)(HartState*, u64 pc, i64 left);
  const void* (*too_long)(HartState*, u64 page_offset, i64 left);
  const void* (*apart)(HartState*, u64 page_offset, i64 left);
};

}  // namespace quire::jit
