// What the bodies in emu/isa/sem ask of the context that runs (interpreter) or records (translator) them.
//
// A body is `template <class C> R sem_NAME(C& c, const Insn& i)`. R is void where the instruction cannot
// trap, else bool: false says that a trap was raised, which the context keeps, and that nothing of
// the instruction has happened. A body calls the context in one fixed order: operands are bound to
// locals first. It never branches in C++ on a guest value; on fields of `i` it may.
//
// Values have type C::U64: plain u64 in the interpreter, a node of the IR in a translator. The operators
// + - & | ^ and ~ work on them directly (modulo 2^64); everything else goes through the context:
//
//   constants   c.imm(i64)                 the constant as a value
//               c.pc()  c.next_pc()        of this instruction; of the one after it (pc + length)
//   registers   c.x(r)  c.set_x(r, v)      r of x() is 0..31 and x(0) is 0; r of set_x is 1..31 or
//   kSinkRegister
//               c.f(r)  c.set_f(r, v)      raw 64 bits; set_f marks mstatus.FS dirty
//   arithmetic  c.shl(a, n) c.shr_u(a, n) c.shr_s(a, n)     n is a value below 64
//               c.lt_s(a, b) c.lt_u(a, b) c.eq(a, b)        1 or 0
//               c.select(cond, a, b)                        cond != 0 ? a : b, both are computed
//               c.sext(a, bits) c.zext(a, bits)             extend from the low `bits` (8, 16 or 32;
//               unsigned) c.mul(a, b) c.mulh_ss(a, b) c.mulh_su(a, b) c.mulh_uu(a, b) c.div_s(a, b)
//               c.div_u(a, b) c.rem_s(a, b) c.rem_u(a, b)    64 bits, results of table 13.2
//                           for a zero divisor and overflow; word forms are made of these and sext/zext
//   bits        c.clz(a) c.ctz(a) c.popcount(a)             zeros above the highest, below the lowest one (64
//                           where there is none); ones
//               c.bswap(a)                                  the eight bytes in reverse
//               c.clmul(a, b) c.clmulh(a, b)                carry-less product, bits 63..0 and 127..64
//   memory      bool c.template load<Bytes>(addr, U64& out)            zero-extended; may be misaligned
//               bool c.template store<Bytes>(addr, v)                  the low bytes of v
//               bool c.template lr<Bytes>(addr, U64& out)              zero-extended; reserves
//               bool c.template sc<Bytes>(addr, v, U64& failed)        0 stored, 1 not
//               bool c.template amo<Bytes>(AmoOp, addr, v, U64& old)   zero-extended
//               bool c.template cas<Bytes>(addr, expected, desired, U64& old)   compares the low bytes
//               bool c.cas_pair(addr, Pair expected, Pair desired, Pair& old)   of 16 bytes
//                           The context raises misalignment for lr (load), sc, amo and cas (store), and
//                           store faults, never load faults, for sc, amo and cas (14.2, 14.4, 16).
//               bool c.cbo(CboOp, addr, i)                  of the block that addr is in; incl. the checks
//                           of privilege (20.5)
//   control     c.branch(cond, i)          cond != 0: pc + i.imm is next
//               c.jump(offset)             pc + offset (i64) is next
//               c.jump_indirect(target)    target (bit 0 is clear already) is next
//                           One of these is the last call of a body; without one next_pc() is next.
//   system      bool c.csr_access(csr, CsrOp, U64 operand, bool reads, bool writes, U64& old)
//                           `csr` is 0..4095. !reads: no read side effects, old is unspecified. !writes:
//                           legal on read-only CSRs, no write side effects. Raises illegal itself.
//               bool c.ecall() c.ebreak() c.mret() c.sret() c.wfi()    incl. their privilege checks
//               bool c.sfence_vma(U64 va, U64 asid, bool all_va, bool all_asid)
//               bool c.sfence_inval()      sfence.w.inval, sfence.inval.ir: order what is in order already
//               c.fence()  c.fence_i()
//               bool c.illegal(i)          raises the illegal-instruction exception; returns false
//   floating    bool c.require_fp(i)       mstatus.FS is off: raises illegal (of loads, stores, moves)
//   point       bool c.template fp<FpOp, FpFmt>(i, U64 a, U64 b, U64 c, U64& out)
//                           operands and result are whole registers (emu/isa/fp_op.h), unused ones c.imm(0);
//                           accrues fflags; raises illegal when FS is off or i.rm, resolved, is reserved
#pragma once

#include <concepts>

#include "emu/isa/fp_op.h"
#include "emu/isa/insn.h"

namespace quire {

enum class CsrOp : u8 { kWrite, kSet, kClear };

enum class AmoOp : u8 { kSwap, kAdd, kXor, kAnd, kOr, kMin, kMax, kMinu, kMaxu };

/// Cache-block operations (chapter 20).
enum class CboOp : u8 { kInval, kClean, kFlush, kZero };

/// What a block is to them, in bytes; the device tree says so too.
inline constexpr u64 kCacheBlockBytes = 64;

/// The registers of a pair, or 16 bytes of memory.
template <class C>
struct Pair {
  typename C::U64 low;
  typename C::U64 high;
};

/// The list above, as far as a compiler can check it.
template <class C>
concept SemContext = requires(C& c, const Insn& i, typename C::U64 v, typename C::U64& out, bool yes) {
  { c.imm(i64{1}) } -> std::same_as<typename C::U64>;
  { c.pc() } -> std::same_as<typename C::U64>;
  { c.next_pc() } -> std::same_as<typename C::U64>;
  { c.x(u8{1}) } -> std::convertible_to<typename C::U64>;
  { c.f(u8{1}) } -> std::convertible_to<typename C::U64>;
  c.set_x(u8{1}, v);
  c.set_f(u8{1}, v);
  { c.shl(v, v) } -> std::same_as<typename C::U64>;
  { c.shr_u(v, v) } -> std::same_as<typename C::U64>;
  { c.shr_s(v, v) } -> std::same_as<typename C::U64>;
  { c.lt_s(v, v) } -> std::same_as<typename C::U64>;
  { c.lt_u(v, v) } -> std::same_as<typename C::U64>;
  { c.eq(v, v) } -> std::same_as<typename C::U64>;
  { c.select(v, v, v) } -> std::same_as<typename C::U64>;
  { c.sext(v, 32U) } -> std::same_as<typename C::U64>;
  { c.zext(v, 32U) } -> std::same_as<typename C::U64>;
  { c.mul(v, v) } -> std::same_as<typename C::U64>;
  { c.mulh_ss(v, v) } -> std::same_as<typename C::U64>;
  { c.mulh_su(v, v) } -> std::same_as<typename C::U64>;
  { c.mulh_uu(v, v) } -> std::same_as<typename C::U64>;
  { c.div_s(v, v) } -> std::same_as<typename C::U64>;
  { c.div_u(v, v) } -> std::same_as<typename C::U64>;
  { c.rem_s(v, v) } -> std::same_as<typename C::U64>;
  { c.rem_u(v, v) } -> std::same_as<typename C::U64>;
  { c.clz(v) } -> std::same_as<typename C::U64>;
  { c.ctz(v) } -> std::same_as<typename C::U64>;
  { c.popcount(v) } -> std::same_as<typename C::U64>;
  { c.bswap(v) } -> std::same_as<typename C::U64>;
  { c.clmul(v, v) } -> std::same_as<typename C::U64>;
  { c.clmulh(v, v) } -> std::same_as<typename C::U64>;
  { c.template load<8>(v, out) } -> std::same_as<bool>;
  { c.template store<8>(v, v) } -> std::same_as<bool>;
  { c.template lr<8>(v, out) } -> std::same_as<bool>;
  { c.template sc<8>(v, v, out) } -> std::same_as<bool>;
  { c.template amo<8>(AmoOp::kSwap, v, v, out) } -> std::same_as<bool>;
  { c.template cas<8>(v, v, v, out) } -> std::same_as<bool>;
  { c.cbo(CboOp::kZero, v, i) } -> std::same_as<bool>;
  c.branch(v, i);
  c.jump(i64{4});
  c.jump_indirect(v);
  { c.csr_access(u16{0}, CsrOp::kWrite, v, yes, yes, out) } -> std::same_as<bool>;
  { c.ecall() } -> std::same_as<bool>;
  { c.ebreak() } -> std::same_as<bool>;
  { c.mret() } -> std::same_as<bool>;
  { c.sret() } -> std::same_as<bool>;
  { c.wfi() } -> std::same_as<bool>;
  { c.sfence_vma(v, v, yes, yes) } -> std::same_as<bool>;
  { c.sfence_inval() } -> std::same_as<bool>;
  c.fence();
  c.fence_i();
  { c.illegal(i) } -> std::same_as<bool>;
  { c.require_fp(i) } -> std::same_as<bool>;
  { c.template fp<FpOp::kAdd, FpFmt::kDouble>(i, v, v, v, out) } -> std::same_as<bool>;
};

/// Bodies are inlined into whatever dispatches them.
#define QUIRE_SEM    \
  template <class C> \
  [[gnu::always_inline]] inline

}  // namespace quire
