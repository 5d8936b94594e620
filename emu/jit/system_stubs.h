// The ways from mode to mode that stay in generated code: ecall of U-mode where it is delegated, sret, and
// what writes of sstatus change beside the bits of interrupts. Shared by all blocks.
//
// Invariant: they leave HartState as Hart's own functions do (emu/hart/trap.cpp, Hart::write_mstatus()), or
// untouched, and then by the call.
#pragma once

#include "emu/jit/host_registers.h"
#include "emu/jit/runtime.h"

namespace quire::jit {

/// Of the stubs, not bound yet.
struct SystemLabels {
  asmjit::Label ecall;   ///< rcx: the CallSite
  asmjit::Label sret;    ///< likewise
  asmjit::Label status;  ///< edx: bits of sstatus to change; carry: by the call. rcx and rdx are lost
};

/// `call_last` and `miss` are the stubs of these names (Stubs).
SystemLabels write_system_stubs(x86::Assembler& as, const asmjit::Label& call_last,
                                const asmjit::Label& miss);

/// Bits of sstatus that the stub changes, and those that LowerX86 does in line.
inline constexpr u32 kStatusInline = kStatusSie | kStatusSpie | kStatusSpp;
inline constexpr u32 kStatusByStub = kStatusFs | kStatusSum;

}  // namespace quire::jit
