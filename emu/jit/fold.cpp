#include "emu/jit/fold.h"

#include "emu/hart/arithmetic.h"

namespace quire::jit {

std::optional<u64> fold_constants(IrOp op, i64 imm, u64 a, u64 b, u64 c) {
  using P = PlainArithmetic;
  switch (op) {
    case IrOp::kAdd:
      return a + b;
    case IrOp::kSub:
      return a - b;
    case IrOp::kAnd:
      return a & b;
    case IrOp::kOr:
      return a | b;
    case IrOp::kXor:
      return a ^ b;
    case IrOp::kNot:
      return ~a;
    case IrOp::kShl:
      return P::shl(a, b & 63);
    case IrOp::kShrU:
      return P::shr_u(a, b & 63);
    case IrOp::kShrS:
      return P::shr_s(a, b & 63);
    case IrOp::kSext:
      return P::sext(a, static_cast<unsigned>(imm));
    case IrOp::kZext:
      return P::zext(a, static_cast<unsigned>(imm));
    case IrOp::kMul:
      return P::mul(a, b);
    case IrOp::kMulhSS:
      return P::mulh_ss(a, b);
    case IrOp::kMulhSU:
      return P::mulh_su(a, b);
    case IrOp::kMulhUU:
      return P::mulh_uu(a, b);
    case IrOp::kDivS:
      return P::div_s(a, b);
    case IrOp::kDivU:
      return P::div_u(a, b);
    case IrOp::kRemS:
      return P::rem_s(a, b);
    case IrOp::kRemU:
      return P::rem_u(a, b);
    case IrOp::kClz:
      return P::clz(a);
    case IrOp::kCtz:
      return P::ctz(a);
    case IrOp::kPopcount:
      return P::popcount(a);
    case IrOp::kBswap:
      return P::bswap(a);
    case IrOp::kClmul:
      return P::clmul(a, b);
    case IrOp::kClmulh:
      return P::clmulh(a, b);
    case IrOp::kEq:
      return P::eq(a, b);
    case IrOp::kNe:
      return 1 - P::eq(a, b);
    case IrOp::kLtS:
      return P::lt_s(a, b);
    case IrOp::kGeS:
      return 1 - P::lt_s(a, b);
    case IrOp::kLtU:
      return P::lt_u(a, b);
    case IrOp::kGeU:
      return 1 - P::lt_u(a, b);
    case IrOp::kSelect:
      return P::select(a, b, c);
    default:
      return {};
  }
}

std::optional<IrOp> opposite(IrOp op) {
  switch (op) {
    case IrOp::kEq:
      return IrOp::kNe;
    case IrOp::kNe:
      return IrOp::kEq;
    case IrOp::kLtS:
      return IrOp::kGeS;
    case IrOp::kGeS:
      return IrOp::kLtS;
    case IrOp::kLtU:
      return IrOp::kGeU;
    case IrOp::kGeU:
      return IrOp::kLtU;
    default:
      return {};
  }
}

bool is_commutative(IrOp op) {
  switch (op) {
    case IrOp::kAdd:
    case IrOp::kAnd:
    case IrOp::kOr:
    case IrOp::kXor:
    case IrOp::kMul:
    case IrOp::kEq:
    case IrOp::kNe:
      return true;
    default:
      return false;
  }
}

}  // namespace quire::jit
