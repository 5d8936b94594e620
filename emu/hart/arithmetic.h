// The arithmetic part of a SemContext (emu/isa/sem/context.h) on plain 64-bit values.
#pragma once

#include <bit>

#include "emu/base/types.h"
#include "emu/isa/sem/context.h"
#include "quire/arch/bits.h"

namespace quire {

struct PlainArithmetic {
  using U64 = u64;

  static constexpr u64 imm(i64 v) { return static_cast<u64>(v); }
  static constexpr u64 shl(u64 a, u64 n) { return a << n; }
  static constexpr u64 shr_u(u64 a, u64 n) { return a >> n; }
  static constexpr u64 shr_s(u64 a, u64 n) { return static_cast<u64>(static_cast<i64>(a) >> n); }
  static constexpr u64 lt_s(u64 a, u64 b) { return static_cast<i64>(a) < static_cast<i64>(b) ? 1 : 0; }
  static constexpr u64 lt_u(u64 a, u64 b) { return a < b ? 1 : 0; }
  static constexpr u64 eq(u64 a, u64 b) { return a == b ? 1 : 0; }
  static constexpr u64 select(u64 condition, u64 a, u64 b) { return condition != 0 ? a : b; }
  static constexpr u64 sext(u64 a, unsigned width) { return static_cast<u64>(sign_extend(a, width)); }
  static constexpr u64 zext(u64 a, unsigned width) { return bits(a, width - 1, 0); }

  static constexpr u64 clz(u64 a) { return static_cast<u64>(std::countl_zero(a)); }
  static constexpr u64 ctz(u64 a) { return static_cast<u64>(std::countr_zero(a)); }
  static constexpr u64 popcount(u64 a) { return static_cast<u64>(std::popcount(a)); }
  static constexpr u64 bswap(u64 a) { return __builtin_bswap64(a); }
  static constexpr u64 clmul(u64 a, u64 b) { return static_cast<u64>(carryless_product(a, b)); }
  static constexpr u64 clmulh(u64 a, u64 b) { return static_cast<u64>(carryless_product(a, b) >> 64); }

  static constexpr u64 mul(u64 a, u64 b) { return a * b; }
  static constexpr u64 mulh_ss(u64 a, u64 b) {
    return static_cast<u64>(static_cast<Wide>(static_cast<i64>(a)) * static_cast<i64>(b) >> 64);
  }
  static constexpr u64 mulh_su(u64 a, u64 b) {
    return static_cast<u64>(static_cast<Wide>(static_cast<i64>(a)) * static_cast<Wide>(b) >> 64);
  }
  static constexpr u64 mulh_uu(u64 a, u64 b) { return static_cast<u64>(static_cast<UWide>(a) * b >> 64); }

  // Unprivileged ISA 20240411, 13.2: no exceptions, these results instead.
  static constexpr u64 div_s(u64 a, u64 b) {
    if (b == 0) return ~u64{0};
    if (overflows(a, b)) return a;
    return static_cast<u64>(static_cast<i64>(a) / static_cast<i64>(b));
  }
  static constexpr u64 div_u(u64 a, u64 b) { return b == 0 ? ~u64{0} : a / b; }
  static constexpr u64 rem_s(u64 a, u64 b) {
    if (b == 0) return a;
    if (overflows(a, b)) return 0;
    return static_cast<u64>(static_cast<i64>(a) % static_cast<i64>(b));
  }
  static constexpr u64 rem_u(u64 a, u64 b) { return b == 0 ? a : a % b; }

 protected:
  static constexpr u64 amo_result(AmoOp op, u64 old, u64 operand, unsigned width) {
    const i64 old_signed = sign_extend(old, width);
    const i64 operand_signed = sign_extend(operand, width);
    const u64 operand_low = bits(operand, width - 1, 0);
    switch (op) {
      case AmoOp::kSwap:
        return operand;
      case AmoOp::kAdd:
        return old + operand;
      case AmoOp::kXor:
        return old ^ operand;
      case AmoOp::kAnd:
        return old & operand;
      case AmoOp::kOr:
        return old | operand;
      case AmoOp::kMin:
        return old_signed < operand_signed ? old : operand;
      case AmoOp::kMax:
        return old_signed > operand_signed ? old : operand;
      case AmoOp::kMinu:
        return old < operand_low ? old : operand;
      case AmoOp::kMaxu:
        return old > operand_low ? old : operand;
    }
    return old;
  }

 private:
  using Wide = __int128;
  using UWide = unsigned __int128;
  /// Four bits of `b` at a time, by a table of the multiples of `a`.
  static constexpr UWide carryless_product(u64 a, u64 b) {
    UWide multiples[16] = {};
    for (unsigned n = 1; n < 16; ++n) {
      multiples[n] = (multiples[n >> 1] << 1) ^ ((n & 1) != 0 ? UWide{a} : UWide{0});
    }
    UWide product = 0;
    for (int place = 60; place >= 0; place -= 4) product = (product << 4) ^ multiples[(b >> place) & 15];
    return product;
  }
  static constexpr bool overflows(u64 a, u64 b) { return a == u64{1} << 63 && b == ~u64{0}; }
};

}  // namespace quire
