// Arithmetic. Destinations may be the register of an operand: what is read late must not be written early.
#include "emu/base/assert.h"
#include "emu/jit/fold.h"
#include "emu/jit/lower_x86.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Operand;
namespace Inst = x86::Inst;

namespace {

bool is_reg(const Operand& operand, x86::Gp host) {
  return operand.isReg() && operand.as<x86::Gp>().id() == host.id();
}

/// The same place, seen as its low `bytes`.
Operand low(const Operand& operand, u32 bytes) {
  if (operand.isReg()) {
    const x86::Gp host = operand.as<x86::Gp>();
    return bytes == 1 ? Operand(host.r8()) : bytes == 2 ? Operand(host.r16()) : Operand(host.r32());
  }
  x86::Mem memory = operand.as<x86::Mem>();
  memory.setSize(bytes);
  return memory;
}

}  // namespace

void LowerX86::integer(usize at) {
  switch (ir_.nodes[at].op) {
    case IrOp::kAdd:
    case IrOp::kAnd:
    case IrOp::kOr:
    case IrOp::kXor:
    case IrOp::kMul:
      return commutative(at);
    case IrOp::kSub:
      return subtract(at);
    case IrOp::kNot: {
      const x86::Gp d = destination(at);
      move(d, ir_.nodes[at].operand[0]);
      as_.not_(d);
      return hold(at, d);
    }
    case IrOp::kShl:
    case IrOp::kShrU:
    case IrOp::kShrS:
      return shift(at);
    case IrOp::kSext:
    case IrOp::kZext:
      return extend(at);
    case IrOp::kMulhSS:
    case IrOp::kMulhSU:
    case IrOp::kMulhUU:
      return multiply_high(at);
    case IrOp::kDivS:
    case IrOp::kDivU:
    case IrOp::kRemS:
    case IrOp::kRemU:
      return divide(at);
    case IrOp::kClz:
    case IrOp::kCtz:
    case IrOp::kPopcount:
    case IrOp::kBswap:
      return count_bits(at);
    case IrOp::kClmul:
    case IrOp::kClmulh:
      return carryless(at);
    case IrOp::kSelect:
      return select(at);
    default:
      QUIRE_ASSERT(is_comparison(ir_.nodes[at].op));
      return comparison(at);
  }
}

void LowerX86::commutative(usize at) {
  const Node& node = ir_.nodes[at];
  Ref a = node.operand[0];
  Ref b = node.operand[1];
  const x86::Gp d = destination_in_place(at);
  if (is_in(b, d)) std::swap(a, b);
  if (a.is_constant()) std::swap(a, b);
  if (node.op == IrOp::kMul && b.is_constant()) {
    const Operand factor = place(b);
    if (factor.isImm()) {
      as_.emit(Inst::kIdImul, d, reg_or_mem(a), factor);
      return hold(at, d);
    }
  }
  if (node.op == IrOp::kAdd && !is_in(a, d)) {
    const Operand pa = place(a);
    const Operand pb = place(b);
    if (pa.isReg() && (pb.isReg() || pb.isImm())) {
      const x86::Gp base = pa.as<x86::Gp>();
      as_.lea(d, pb.isReg() ? x86::ptr(base, pb.as<x86::Gp>())
                            : x86::ptr(base, static_cast<i32>(pb.as<Imm>().value())));
      return hold(at, d);
    }
  }
  const Operand other = place(b);
  move(d, a);
  const u32 id = node.op == IrOp::kAdd   ? Inst::kIdAdd
                 : node.op == IrOp::kAnd ? Inst::kIdAnd
                 : node.op == IrOp::kOr  ? Inst::kIdOr
                 : node.op == IrOp::kXor ? Inst::kIdXor
                                         : Inst::kIdImul;
  as_.emit(id, d, other);
  hold(at, d);
}

void LowerX86::subtract(usize at) {
  const Node& node = ir_.nodes[at];
  const Ref a = node.operand[0];
  const Ref b = node.operand[1];
  const x86::Gp d = destination_in_place(at);
  if (is_in(b, d) && !is_in(a, d)) {
    as_.neg(d);
    if (!ir_.is_constant(a, 0)) as_.emit(Inst::kIdAdd, d, place(a));
  } else {
    const Operand other = place(b);
    move(d, a);
    as_.emit(Inst::kIdSub, d, other);
  }
  hold(at, d);
}

void LowerX86::shift(usize at) {
  const Node& node = ir_.nodes[at];
  const Ref amount = node.operand[1];
  if (amount.is_constant()) {
    const x86::Gp d = destination_in_place(at);
    move(d, node.operand[0]);
    const u32 id = node.op == IrOp::kShl    ? Inst::kIdShl
                   : node.op == IrOp::kShrU ? Inst::kIdShr
                                            : Inst::kIdSar;
    as_.emit(id, d, Imm(ir_.value_of(amount) & 63));
    return hold(at, d);
  }
  const Operand from = reg_or_mem(node.operand[0]);
  const x86::Gp count = reg(amount);
  const x86::Gp d = destination(at);
  const u32 id = node.op == IrOp::kShl    ? Inst::kIdShlx
                 : node.op == IrOp::kShrU ? Inst::kIdShrx
                                          : Inst::kIdSarx;
  as_.emit(id, d, from, count);
  hold(at, d);
}

void LowerX86::extend(usize at) {
  const Node& node = ir_.nodes[at];
  const Operand from = reg_or_mem(node.operand[0]);
  const x86::Gp d = destination(at);
  const u32 bytes = static_cast<u32>(node.imm / 8);
  if (node.op == IrOp::kSext) {
    as_.emit(bytes == 4 ? Inst::kIdMovsxd : Inst::kIdMovsx, d, low(from, bytes));
  } else if (bytes == 4) {
    as_.emit(Inst::kIdMov, d.r32(), low(from, bytes));
  } else {
    as_.emit(Inst::kIdMovzx, d.r32(), low(from, bytes));
  }
  hold(at, d);
}

/// Bits 127..64 of the product. Of mixed signs: the unsigned product, less b where a is negative.
void LowerX86::multiply_high(usize at) {
  const Node& node = ir_.nodes[at];
  const Ref a = node.operand[0];
  const Ref b = node.operand[1];
  for (const x86::Gp& host : kTemps) claim(host);
  move(x86::rcx, b);
  move(x86::rax, a);
  if (node.op == IrOp::kMulhSS) {
    as_.imul(x86::rcx);
  } else if (node.op == IrOp::kMulhUU) {
    as_.mul(x86::rcx);
  } else {
    as_.mov(x86::rdx, x86::rax);
    as_.sar(x86::rdx, 63);
    as_.and_(x86::rdx, x86::rcx);
    as_.push(x86::rdx);
    as_.mul(x86::rcx);
    as_.pop(x86::rcx);
    as_.sub(x86::rdx, x86::rcx);
  }
  hold(at, x86::rdx);
}

/// Zero divisors and overflow (a divisor of -1 is all that can) aside; results as table 13.2 of the manual
/// says.
void LowerX86::divide(usize at) {
  const Node& node = ir_.nodes[at];
  const bool is_signed = node.op == IrOp::kDivS || node.op == IrOp::kRemS;
  const bool remainder = node.op == IrOp::kRemS || node.op == IrOp::kRemU;
  for (const x86::Gp& host : kTemps) claim(host);
  move(x86::rcx, node.operand[1]);
  move(x86::rax, node.operand[0]);
  const asmjit::Label by_zero = as_.newLabel();
  const asmjit::Label by_minus_one = as_.newLabel();
  const asmjit::Label done = as_.newLabel();
  as_.test(x86::rcx, x86::rcx);
  as_.jz(by_zero);
  if (is_signed) {
    as_.cmp(x86::rcx, -1);
    as_.je(by_minus_one);
    as_.cqo();
    as_.idiv(x86::rcx);
  } else {
    as_.xor_(x86::edx, x86::edx);
    as_.div(x86::rcx);
  }
  as_.bind(done);
  hold(at, remainder ? x86::rdx : x86::rax);
  cold_.push_back([this, by_zero, by_minus_one, done, is_signed, remainder] {
    as_.bind(by_zero);
    remainder ? as_.mov(x86::rdx, x86::rax) : as_.mov(x86::rax, -1);
    as_.jmp(done);
    if (!is_signed) return;
    as_.bind(by_minus_one);
    remainder ? as_.xor_(x86::edx, x86::edx) : as_.neg(x86::rax);
    as_.jmp(done);
  });
}

void LowerX86::count_bits(usize at) {
  const Node& node = ir_.nodes[at];
  if (node.op == IrOp::kBswap) {
    const x86::Gp d = destination(at);
    move(d, node.operand[0]);
    as_.bswap(d);
    return hold(at, d);
  }
  const Operand from = reg_or_mem(node.operand[0]);
  const x86::Gp d = destination(at);
  const u32 id = node.op == IrOp::kClz   ? Inst::kIdLzcnt
                 : node.op == IrOp::kCtz ? Inst::kIdTzcnt
                                         : Inst::kIdPopcnt;
  as_.emit(id, d, from);
  hold(at, d);
}

void LowerX86::carryless(usize at) {
  const Node& node = ir_.nodes[at];
  as_.vmovq(x86::xmm0, reg(node.operand[0]));
  as_.vmovq(x86::xmm1, reg(node.operand[1]));
  as_.vpclmulqdq(x86::xmm0, x86::xmm0, x86::xmm1, 0);
  const x86::Gp d = destination(at);
  if (node.op == IrOp::kClmul) {
    as_.vmovq(d, x86::xmm0);
  } else {
    as_.vpextrq(d, x86::xmm0, 1);
  }
  hold(at, d);
}

/// Sets the flags; the condition that is true where the comparison is.
x86::CondCode LowerX86::compare(const Node& node) {
  Ref a = node.operand[0];
  Ref b = node.operand[1];
  const bool swapped = a.is_constant();
  if (swapped) std::swap(a, b);
  Operand pb = place(b);
  Operand pa = reg_or_mem(a);
  if (pa.isMem() && pb.isMem()) pa = reg(a);
  if (ir_.is_constant(b, 0) && pa.isReg()) {
    as_.test(pa.as<x86::Gp>(), pa.as<x86::Gp>());
  } else {
    as_.emit(Inst::kIdCmp, pa, pb);
  }
  switch (node.op) {
    case IrOp::kEq:
      return x86::CondCode::kEqual;
    case IrOp::kNe:
      return x86::CondCode::kNotEqual;
    case IrOp::kLtS:
      return swapped ? x86::CondCode::kSignedGT : x86::CondCode::kSignedLT;
    case IrOp::kGeS:
      return swapped ? x86::CondCode::kSignedLE : x86::CondCode::kSignedGE;
    case IrOp::kLtU:
      return swapped ? x86::CondCode::kUnsignedGT : x86::CondCode::kUnsignedLT;
    default:
      QUIRE_ASSERT(node.op == IrOp::kGeU);
      return swapped ? x86::CondCode::kUnsignedLE : x86::CondCode::kUnsignedGE;
  }
}

/// Sets the flags; the condition that is true where the value is not zero.
x86::CondCode LowerX86::condition(Ref ref) {
  if (is_deferred(ref)) return compare(definition(ref));
  const Operand found = reg_or_mem(ref);
  if (found.isReg()) {
    as_.test(found.as<x86::Gp>(), found.as<x86::Gp>());
  } else {
    as_.cmp(found.as<x86::Mem>(), 0);
  }
  return x86::CondCode::kNotEqual;
}

void LowerX86::comparison(usize at) {
  const x86::CondCode code = compare(ir_.nodes[at]);
  const x86::Gp d = destination(at);
  as_.set(code, d.r8());
  as_.movzx(d.r32(), d.r8());
  hold(at, d);
}

/// Between the comparison and the choice nothing touches the flags: moves only.
void LowerX86::select(usize at) {
  const Node& node = ir_.nodes[at];
  const Ref yes = node.operand[1];
  const Ref no = node.operand[2];
  const Operand yes_place =
      reg_or_mem(yes);  // constants before the comparison, they may be cleared registers
  const Operand no_place = reg_or_mem(no);
  const x86::Gp d = destination(at);
  const x86::CondCode code = condition(node.operand[0]);
  if (is_reg(yes_place, d)) {
    as_.emit(Inst::cmovccFromCond(x86::negateCond(code)), d, no_place);
  } else {
    if (!is_reg(no_place, d)) as_.emit(Inst::kIdMov, d, no_place);
    as_.emit(Inst::cmovccFromCond(code), d, yes_place);
  }
  hold(at, d);
}

}  // namespace quire::jit
