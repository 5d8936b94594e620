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

/// Not zero: an interrupt is pending and enabled in mie. `scratch` is lost.
inline void test_pending(x86::Assembler& as, x86::Gp scratch) {
  as.mov(scratch, state_field(offsetof(HartState, mip_software), 8));
  as.or_(scratch, state_field(offsetof(HartState, mip_lines), 8));
  as.test(state_field(offsetof(HartState, mie), 8), scratch);
}

/// Bits of sstatus that LowerX86 changes in line, and those that the stub does.
inline constexpr u32 kStatusInline = kStatusSie | kStatusSpie | kStatusSpp;
inline constexpr u32 kStatusByStub = kStatusFs | kStatusSum;

}  // namespace quire::jit
