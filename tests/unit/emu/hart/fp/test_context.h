// A context for the bodies (emu/isa/sem/context.h) with registers and 16 bytes of memory, and nothing else:
// no traps but those that system instructions stand for here.
#pragma once

#include <bit>
#include <cstring>

#include "emu/hart/fp/fp.h"
#include "emu/isa/sem/sem.h"
#include "quire/arch/bits.h"

namespace quire::test {

struct TestContext {
  using U64 = quire::u64;

  u64 regs[kXRegisters] = {};
  u64 fregs[32] = {};
  u64 pc_value = 0;
  u64 next = 0;
  unsigned length = 4;
  fp::Env* env = nullptr;
  u64 memory_base = 0;
  u8 memory[16] = {};
  u64 reservation = ~u64{0};

  struct CsrCall {
    u16 csr = 0;
    CsrOp op{};
    u64 operand = 0;
    bool reads = false;
    bool writes = false;
  } csr_call;
  u64 csr_value = 0;
  const char* system_call = "";

  U64 imm(i64 v) const { return static_cast<u64>(v); }
  U64 pc() const { return pc_value; }
  U64 next_pc() const { return pc_value + length; }
  U64 x(u8 r) const { return regs[r]; }
  void set_x(u8 r, U64 v) { regs[r] = v; }
  U64 f(u8 r) const { return fregs[r]; }
  void set_f(u8 r, U64 v) { fregs[r] = v; }

  U64 shl(U64 a, U64 n) const { return a << n; }
  U64 shr_u(U64 a, U64 n) const { return a >> n; }
  U64 shr_s(U64 a, U64 n) const { return static_cast<u64>(static_cast<i64>(a) >> n); }
  U64 lt_s(U64 a, U64 b) const { return static_cast<i64>(a) < static_cast<i64>(b) ? 1 : 0; }
  U64 lt_u(U64 a, U64 b) const { return a < b ? 1 : 0; }
  U64 eq(U64 a, U64 b) const { return a == b ? 1 : 0; }
  U64 select(U64 c, U64 a, U64 b) const { return c != 0 ? a : b; }
  U64 sext(U64 a, unsigned bits) const { return static_cast<u64>(sign_extend(a, bits)); }
  U64 zext(U64 a, unsigned bits) const { return a & ((u64{1} << bits) - 1); }

  U64 clz(U64 a) const {
    U64 n = 0;
    while (n < 64 && (a >> (63 - n) & 1) == 0) ++n;
    return n;
  }
  U64 ctz(U64 a) const {
    U64 n = 0;
    while (n < 64 && (a >> n & 1) == 0) ++n;
    return n;
  }
  U64 popcount(U64 a) const {
    U64 n = 0;
    for (; a != 0; a >>= 1) n += a & 1;
    return n;
  }
  U64 bswap(U64 a) const {
    U64 out = 0;
    for (unsigned n = 0; n < 8; ++n) out = out << 8 | (a >> (8 * n) & 255);
    return out;
  }
  U64 clmul(U64 a, U64 b) const {
    U64 out = 0;
    for (unsigned n = 0; n < 64; ++n) out ^= (b >> n & 1) != 0 ? a << n : 0;
    return out;
  }
  U64 clmulh(U64 a, U64 b) const {
    U64 out = 0;
    for (unsigned n = 1; n < 64; ++n) out ^= (b >> n & 1) != 0 ? a >> (64 - n) : 0;
    return out;
  }

  U64 mul(U64 a, U64 b) const { return a * b; }
  U64 mulh_ss(U64 a, U64 b) const {
    return static_cast<u64>((static_cast<__int128>(static_cast<i64>(a)) * static_cast<i64>(b)) >> 64);
  }
  U64 mulh_su(U64 a, U64 b) const { return mulh_uu(a, b) - (static_cast<i64>(a) < 0 ? b : 0); }
  U64 mulh_uu(U64 a, U64 b) const { return static_cast<u64>((static_cast<unsigned __int128>(a) * b) >> 64); }
  U64 div_s(U64 a, U64 b) const {
    if (b == 0) return ~u64{0};
    return b == ~u64{0} ? 0 - a : static_cast<u64>(static_cast<i64>(a) / static_cast<i64>(b));
  }
  U64 rem_s(U64 a, U64 b) const {
    if (b == 0) return a;
    return b == ~u64{0} ? 0 : static_cast<u64>(static_cast<i64>(a) % static_cast<i64>(b));
  }
  U64 div_u(U64 a, U64 b) const { return b == 0 ? ~u64{0} : a / b; }
  U64 rem_u(U64 a, U64 b) const { return b == 0 ? a : a % b; }

  bool inside(U64 addr, unsigned bytes) const { return addr - memory_base <= sizeof memory - bytes; }
  template <unsigned Bytes>
  bool load(U64 addr, U64& out) {
    if (!inside(addr, Bytes)) return false;
    out = 0;
    std::memcpy(&out, memory + (addr - memory_base), Bytes);
    return true;
  }
  template <unsigned Bytes>
  bool store(U64 addr, U64 v) {
    if (!inside(addr, Bytes)) return false;
    std::memcpy(memory + (addr - memory_base), &v, Bytes);
    return true;
  }
  template <unsigned Bytes>
  bool lr(U64 addr, U64& out) {
    reservation = addr;
    return load<Bytes>(addr, out);
  }
  template <unsigned Bytes>
  bool sc(U64 addr, U64 v, U64& failed) {
    failed = reservation == addr ? 0 : 1;
    reservation = ~u64{0};
    return failed != 0 || store<Bytes>(addr, v);
  }
  template <unsigned Bytes>
  bool amo(AmoOp op, U64 addr, U64 v, U64& old) {
    if (!load<Bytes>(addr, old)) return false;
    const unsigned bits = Bytes * 8;
    const i64 so = sign_extend(old, bits);
    const i64 sv = sign_extend(v, bits);
    const u64 uv = Bytes == 8 ? v : zext(v, 32);
    const auto result = [&]() -> u64 {
      switch (op) {
        case AmoOp::kSwap:
          return v;
        case AmoOp::kAdd:
          return old + v;
        case AmoOp::kXor:
          return old ^ v;
        case AmoOp::kAnd:
          return old & v;
        case AmoOp::kOr:
          return old | v;
        case AmoOp::kMin:
          return static_cast<u64>(so < sv ? so : sv);
        case AmoOp::kMax:
          return static_cast<u64>(so > sv ? so : sv);
        case AmoOp::kMinu:
          return old < uv ? old : uv;
        case AmoOp::kMaxu:
          return old > uv ? old : uv;
      }
      return 0;
    }();
    return store<Bytes>(addr, result);
  }

  template <unsigned Bytes>
  bool cas(U64 addr, U64 expected, U64 desired, U64& old) {
    if (!load<Bytes>(addr, old)) return false;
    const u64 mask = Bytes == 8 ? ~u64{0} : 0xffff'ffff;
    return ((old ^ expected) & mask) != 0 || store<Bytes>(addr, desired);
  }
  bool cas_pair(U64 addr, Pair<TestContext> expected, Pair<TestContext> desired, Pair<TestContext>& old) {
    if (!load<8>(addr, old.low) || !load<8>(addr + 8, old.high)) return false;
    if (old.low != expected.low || old.high != expected.high) return true;
    return store<8>(addr, desired.low) && store<8>(addr + 8, desired.high);
  }
  bool cbo(CboOp op, U64, const Insn&) {
    constexpr const char* kNames[] = {"inval", "clean", "flush", "zero"};
    return named(kNames[static_cast<unsigned>(op)]);
  }

  void branch(U64 cond, const Insn& i) {
    if (cond != 0) jump(i.imm);
  }
  void jump(i64 offset) { next = pc_value + static_cast<u64>(offset); }
  void jump_indirect(U64 target) { next = target; }

  bool csr_access(u16 csr, CsrOp op, U64 operand, bool reads, bool writes, U64& old) {
    csr_call = {csr, op, operand, reads, writes};
    old = csr_value;
    return true;
  }
  bool named(const char* what) {
    system_call = what;
    return true;
  }
  bool ecall() { return named("ecall"); }
  bool ebreak() { return named("ebreak"); }
  bool mret() { return named("mret"); }
  bool sret() { return named("sret"); }
  bool wfi() { return named("wfi"); }
  bool sfence_inval() { return named("fence inval"); }
  bool sfence_vma(U64, U64, bool all_va, bool all_asid) {
    return named(all_va ? (all_asid ? "fence all" : "fence asid")
                        : (all_asid ? "fence va" : "fence va asid"));
  }
  void fence() { system_call = "fence"; }
  void fence_i() { system_call = "fence.i"; }
  bool illegal(const Insn&) {
    system_call = "illegal";
    return false;
  }
  bool fp_enabled = true;
  bool require_fp(const Insn& i) { return fp_enabled || illegal(i); }
  template <FpOp Op, FpFmt F>
  bool fp(const Insn& i, U64 a, U64 b, U64 c, U64& out) {
    return fp::execute<Op, F>(*env, i.rm, a, b, c, out, [this] { return fp_enabled; }) || illegal(i);
  }
};
static_assert(SemContext<TestContext>);

/// Runs the body of `i`; false where it reports a trap.
inline bool step(TestContext& c, const Insn& i) {
  c.length = i.length;
  c.next = c.pc_value + i.length;
  const auto call = [&]<Op O>() {
    if constexpr (kCanTrap<O, TestContext>) {
      return sem<O>(c, i);
    } else {
      sem<O>(c, i);
      return true;
    }
  };
  switch (i.op) {
#define QUIRE_INSN(name, pattern, format, group, flags) \
  case Op::name:                                        \
    return call.template operator()<Op::name>();
#include "emu/isa/isa.inc"
    default:
      return call.template operator()<Op::illegal>();
  }
}

}  // namespace quire::test
