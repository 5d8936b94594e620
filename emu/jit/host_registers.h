// Which host register is what in generated code.
//
// The guest registers that compilers use most live in host registers throughout all translated code, so that
// going from block to block moves nothing; the others stay in HartState, one byte of displacement away.
// Inside a hot loop some are lent (emu/jit/lower_x86_loans.cpp). Three registers are free for what happens
// inside one guest instruction; rdx at times for longer (LowerX86::Neighbours).
#pragma once

#include <asmjit/x86.h>

#include <array>

#include "emu/hart/state.h"

namespace quire::jit {

namespace x86 = asmjit::x86;

inline constexpr x86::Gp kState = x86::rbp;  ///< HartState, plus kStateBias
inline constexpr x86::Gp kLeft = x86::r15;   ///< instructions that may still run, this block's taken off
/// In the middle of what a displacement of eight bits reaches: all x registers.
inline constexpr i32 kStateBias = 128;

inline constexpr unsigned kTempCount = 3;
inline constexpr x86::Gp kTemps[kTempCount] = {x86::rax, x86::rcx, x86::rdx};
/// Where values go that find no temporary, from rsp down: what signals leave alone.
inline constexpr unsigned kSpillSlots = 4;

/// xmm registers from this one on keep f registers' values within a block; those below are free.
inline constexpr u32 kFirstFpRegister = 2;
inline constexpr usize kFpRegisters = 14;

struct Pinned {
  u8 guest;
  x86::Gp host;
};
/// sp, s0, s1 and a0-a6.
inline constexpr Pinned kPinned[] = {
    {2, x86::rbx}, {8, x86::r12}, {9, x86::r13},  {10, x86::rsi}, {11, x86::rdi},
    {12, x86::r8}, {13, x86::r9}, {14, x86::r10}, {15, x86::r14}, {16, x86::r11},
};

/// By guest register: its host register, or one that is not valid.
inline constexpr auto kPinnedOf = [] {
  std::array<x86::Gp, 32> of{};
  for (const Pinned& p : kPinned) of[p.guest] = p.host;
  return of;
}();

/// By host register: its guest register; 0: none.
inline constexpr auto kPinnedIn = [] {
  std::array<u8, 16> in{};
  for (const Pinned& p : kPinned) in[p.host.id()] = p.guest;
  return in;
}();

inline x86::Mem state_field(usize offset, u32 size) {
  return x86::Mem(kState, static_cast<i32>(offset) - kStateBias, size);
}
inline x86::Mem x_home(unsigned r) { return state_field(offsetof(HartState, x) + r * sizeof(u64), 8); }
inline x86::Mem f_home(unsigned r) { return state_field(offsetof(HartState, f) + r * sizeof(u64), 8); }

}  // namespace quire::jit
