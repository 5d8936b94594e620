// What emu/interp's enter() does, as host code: the fetch entry of a page leads to its code, and the page is
// held from then on (HartState::fetch_page). Its frame is read from the page when generated code is left.
//
// Free registers are lost: rcx has the virtual page, rdx the TranslatedPage.
#pragma once

#include "emu/jit/fast_tlb_x86.h"
#include "emu/jit/host_registers.h"
#include "emu/jit/runtime.h"

namespace quire::jit {

inline x86::Mem fetch_page_field() { return state_field(offsetof(HartState, fetch_page), 8); }
inline x86::Mem fetch_blocks_field() { return state_field(offsetof(HartState, fetch_blocks), 8); }

/// The code at the offset in rax of the page at rdx.
inline x86::Mem code_in_page() {
  return x86::ptr(x86::rdx, x86::rax, 2, static_cast<i32>(offsetof(TranslatedPage, code)), 8);
}
/// Likewise where the offset is known. It is in rax all the same, for Stubs::cold.
inline x86::Mem code_in_page(u32 page_offset) {
  return x86::qword_ptr(x86::rdx, static_cast<i32>(offsetof(TranslatedPage, code) + page_offset * 4));
}

/// The target in rax, less its lowest bit, as page (rcx) and offset (rax). Equal: the page is held, and at
/// rdx.
inline void split_target(x86::Assembler& as) {
  as.mov(x86::rcx, x86::rax);
  as.and_(x86::rcx, -static_cast<i32>(kPageBytes));
  as.and_(x86::eax, static_cast<u32>(kPageBytes - 2));
  as.mov(x86::rdx, fetch_blocks_field());
  as.cmp(x86::rcx, fetch_page_field());
}

/// What the FastTlb has for the virtual page at rcx, in rdx; else to `miss`. Precondition: the instruction
/// there is due.
inline void find_due_page(x86::Assembler& as, const asmjit::Label& miss) {
  as.rorx(x86::edx, x86::ecx, kEntryRotation);
  as.and_(x86::edx, kEntryMask);
  as.add(x86::rdx, state_field(offsetof(HartState, fetch_bank), 8));
  as.cmp(x86::rcx, entry_field(x86::rdx, Access::kExecute, offsetof(FastEntry, tag)));
  as.jne(miss);
  as.mov(x86::rdx, entry_field(x86::rdx, Access::kExecute, offsetof(FastEntry, payload)));
}

/// Likewise; to `miss` also where the instruction there is not due: a held page is architectural.
inline void find_page(x86::Assembler& as, const asmjit::Label& miss) {
  as.test(kLeft, kLeft);
  as.jz(miss);
  find_due_page(as, miss);
}

/// Holds what find_page() has found.
inline void hold_page(x86::Assembler& as) {
  as.mov(fetch_page_field(), x86::rcx);
  as.mov(fetch_blocks_field(), x86::rdx);
}

inline void enter_page(x86::Assembler& as, const asmjit::Label& miss) {
  find_page(as, miss);
  hold_page(as);
}

}  // namespace quire::jit
