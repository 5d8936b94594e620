// Floating point, on singles and doubles: what emu/hart/fp/host.h does, and under the same rules. The host's
// unit works for the hart (MXCSR), so flags accrue by themselves; what the host would answer otherwise than
// the manual says is done by a call.
#include "emu/base/assert.h"
#include "emu/isa/sem/f.h"
#include "emu/jit/lower_x86.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Label;
using asmjit::Operand;
namespace Inst = x86::Inst;

namespace {

constexpr bool single(FpFmt format) { return format == FpFmt::kSingle; }

/// The upper half of a qword in memory.
x86::Mem upper(x86::Mem memory) {
  memory.addOffset(4);
  memory.setSize(4);
  return memory;
}
x86::Mem sized(x86::Mem memory, u32 size) {
  memory.setSize(size);
  return memory;
}

}  // namespace

void LowerX86::get_f(usize at) { f_now_[static_cast<usize>(ir_.nodes[at].imm)] = Ref::to_value(at); }

void LowerX86::set_f(usize at) {
  const Node& node = ir_.nodes[at];
  const usize r = static_cast<usize>(node.imm);
  const Ref value = node.operand[0];
  const x86::Mem home = f_home(static_cast<unsigned>(r));
  boxed_ &= ~(1U << r);
  if (value.is_value() && value == in_xmm_) {
    if (single(xmm_format_)) {
      as_.vmovss(sized(home, 4), x86::xmm0);
      as_.mov(upper(home), -1);
      boxed_ |= 1U << r;
    } else {
      as_.vmovsd(home, x86::xmm0);
    }
  } else if (is_deferred(value)) {  // a single from memory or an x register
    const x86::Gp from = reg(definition(value).operand[0]);
    as_.mov(sized(home, 4), from.r32());
    as_.mov(upper(home), -1);
    boxed_ |= 1U << r;
  } else {
    as_.mov(home, reg(value));
  }
  f_now_[r] = value.is_value() ? value : Ref{};
}

/// That mstatus.FS is dirty; else the call marks it, or traps.
void LowerX86::check_fp(const Node& node) {
  as_.cmp(state_field(offsetof(HartState, fp) + offsetof(fp::Env, fs_dirty), 1), 0);
  as_.je(slow_path(node.guest));
}

/// What is not a boxed single reads as a NaN, which is left to the call.
void LowerX86::check_boxed(Ref ref, u8 guest) {
  for (unsigned r = 0; r < f_now_.size(); ++r) {
    if (f_now_[r] != ref) continue;
    if ((boxed_ >> r & 1) != 0) return;
    as_.cmp(upper(f_home(r)), -1);
    as_.jne(slow_path(guest));  // which goes on behind the instruction, so that nothing is known hereafter
    return;
  }
  QUIRE_UNREACHABLE();
}

/// The f register that holds it.
x86::Mem LowerX86::f_place(Ref ref) const {
  for (unsigned r = 0; r < f_now_.size(); ++r) {
    if (f_now_[r] == ref) return f_home(r);
  }
  QUIRE_UNREACHABLE();
}

void LowerX86::fp_operand(x86::Xmm to, Ref ref, FpFmt format) {
  const x86::Mem from = f_place(ref);
  single(format) ? as_.vmovss(to, sized(from, 4)) : as_.vmovsd(to, from);
}

/// NaNs are the call's: the manual has one of its own.
void LowerX86::fp_deliver(usize at, FpFmt format) {
  single(format) ? as_.vucomiss(x86::xmm0, x86::xmm0) : as_.vucomisd(x86::xmm0, x86::xmm0);
  as_.jp(slow_path(ir_.nodes[at].guest));
  in_xmm_ = Ref::to_value(at);
  xmm_format_ = format;
}

void LowerX86::fp(usize at) {
  const Node& node = ir_.nodes[at];
  const FpSelector selector = FpSelector::unpack(node.imm);
  const bool to_int = selector.op >= FpOp::kToW && selector.op <= FpOp::kToLu;
  const bool truncates = to_int && selector.rm == static_cast<u8>(Rounding::kTowardZero);
  // Bit rm says that the host is set up for the mode; any bit, that the unit is the hart's and FS dirty.
  const u32 usable = has_rounding_mode(selector.op) && !truncates ? 1U << selector.rm : 0xff;
  as_.test(state_field(offsetof(HartState, fp) + offsetof(fp::Env, fast_rm), 1), usable);
  as_.jz(slow_path(node.guest));
  switch (selector.op) {
    case FpOp::kMadd:
    case FpOp::kMsub:
    case FpOp::kNmsub:
    case FpOp::kNmadd:
      return fp_fused(at, selector);
    case FpOp::kSgnj:
    case FpOp::kSgnjn:
    case FpOp::kSgnjx:
      return fp_sign(at, selector);
    case FpOp::kEq:
    case FpOp::kLt:
    case FpOp::kLe:
      return fp_compare(at, selector);
    case FpOp::kToW:
    case FpOp::kToL:
      return fp_to_integer(at, selector);
    case FpOp::kFromW:
    case FpOp::kFromWu:
    case FpOp::kFromL:
      return fp_from_integer(at, selector);
    case FpOp::kFromSingle:
    case FpOp::kFromDouble:
      return fp_convert(at, selector);
    default:
      return fp_arithmetic(at, selector);
  }
}

void LowerX86::fp_arithmetic(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool is_single = single(selector.format);
  const bool unary = selector.op == FpOp::kSqrt;
  if (is_single) {
    check_boxed(node.operand[0], node.guest);
    if (!unary) check_boxed(node.operand[1], node.guest);
  }
  fp_operand(x86::xmm0, node.operand[0], selector.format);
  u32 id;
  switch (selector.op) {
    case FpOp::kAdd:
      id = is_single ? Inst::kIdVaddss : Inst::kIdVaddsd;
      break;
    case FpOp::kSub:
      id = is_single ? Inst::kIdVsubss : Inst::kIdVsubsd;
      break;
    case FpOp::kMul:
      id = is_single ? Inst::kIdVmulss : Inst::kIdVmulsd;
      break;
    case FpOp::kDiv:
      id = is_single ? Inst::kIdVdivss : Inst::kIdVdivsd;
      break;
    default:
      QUIRE_ASSERT(unary);
      id = is_single ? Inst::kIdVsqrtss : Inst::kIdVsqrtsd;
  }
  if (unary) {
    as_.emit(id, x86::xmm0, x86::xmm0, x86::xmm0);
  } else {
    as_.emit(id, x86::xmm0, x86::xmm0, sized(f_place(node.operand[1]), is_single ? 4 : 8));
  }
  fp_deliver(at, selector.format);
}

void LowerX86::fp_fused(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool is_single = single(selector.format);
  if (is_single) {
    for (const Ref ref : node.operand) check_boxed(ref, node.guest);
  }
  fp_operand(x86::xmm0, node.operand[0], selector.format);
  fp_operand(x86::xmm1, node.operand[1], selector.format);
  u32 id;
  switch (selector.op) {  // the two architectures name the negated forms crosswise
    case FpOp::kMadd:
      id = is_single ? Inst::kIdVfmadd213ss : Inst::kIdVfmadd213sd;
      break;
    case FpOp::kMsub:
      id = is_single ? Inst::kIdVfmsub213ss : Inst::kIdVfmsub213sd;
      break;
    case FpOp::kNmsub:
      id = is_single ? Inst::kIdVfnmadd213ss : Inst::kIdVfnmadd213sd;
      break;
    default:
      id = is_single ? Inst::kIdVfnmsub213ss : Inst::kIdVfnmsub213sd;
  }
  as_.emit(id, x86::xmm0, x86::xmm1, sized(f_place(node.operand[2]), is_single ? 4 : 8));
  fp_deliver(at, selector.format);
}

/// On bits: any value will do, NaNs too.
void LowerX86::fp_sign(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool is_single = single(selector.format);
  const Ref magnitude = node.operand[0];
  const Ref sign = node.operand[1];
  if (is_single) {
    check_boxed(magnitude, node.guest);
    check_boxed(sign, node.guest);
  }
  fp_operand(x86::xmm0, magnitude, selector.format);
  in_xmm_ = Ref::to_value(at);
  xmm_format_ = selector.format;
  if (selector.op == FpOp::kSgnj && sign == magnitude) return;  // fmv
  const u8 top = is_single ? 31 : 63;
  const x86::Gp s = temp();
  const x86::Gp m = temp();
  as_.mov(s, f_place(sign));
  as_.mov(m, f_place(magnitude));
  if (selector.op == FpOp::kSgnjn) as_.not_(s);
  if (is_single) {
    as_.and_(s.r32(), i32{INT32_MIN});
  } else {
    as_.shr(s, top);
    as_.shl(s, top);
  }
  if (selector.op != FpOp::kSgnjx) as_.btr(m, top);
  as_.xor_(m, s);
  as_.vmovq(x86::xmm0, m);
}

/// Equality is quiet, order signals any NaN. "Above" is false where the operands are unordered.
void LowerX86::fp_compare(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool is_single = single(selector.format);
  if (is_single) {
    check_boxed(node.operand[0], node.guest);
    check_boxed(node.operand[1], node.guest);
  }
  const bool equality = selector.op == FpOp::kEq;
  const Ref left = equality ? node.operand[0] : node.operand[1];
  const Ref right = equality ? node.operand[1] : node.operand[0];
  fp_operand(x86::xmm0, left, selector.format);
  in_xmm_ = {};
  const x86::Mem other = sized(f_place(right), is_single ? 4 : 8);
  const x86::Gp d = destination(at);
  if (equality) {
    is_single ? as_.vcmpss(x86::xmm0, x86::xmm0, other, 0) : as_.vcmpsd(x86::xmm0, x86::xmm0, other, 0);
    as_.vmovd(d.r32(), x86::xmm0);
    as_.and_(d.r32(), 1);
  } else {
    is_single ? as_.vcomiss(x86::xmm0, other) : as_.vcomisd(x86::xmm0, other);
    as_.set(selector.op == FpOp::kLt ? x86::CondCode::kUnsignedGT : x86::CondCode::kUnsignedGE, d.r8());
    as_.movzx(d.r32(), d.r8());
  }
  hold(at, d);
}

/// The host answers the least value for what is out of range; that and the least value itself go to the call.
void LowerX86::fp_to_integer(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool is_single = single(selector.format);
  const bool wide = selector.op == FpOp::kToL;
  const bool truncates = selector.rm == static_cast<u8>(Rounding::kTowardZero);
  if (is_single) check_boxed(node.operand[0], node.guest);
  const x86::Mem from = sized(f_place(node.operand[0]), is_single ? 4 : 8);
  const x86::Gp d = temp();
  const u32 id = is_single ? (truncates ? Inst::kIdVcvttss2si : Inst::kIdVcvtss2si)
                           : (truncates ? Inst::kIdVcvttsd2si : Inst::kIdVcvtsd2si);
  as_.emit(id, wide ? d : d.r32(), from);
  if (wide) {
    const x86::Gp least = temp();
    as_.mov(least, Imm(INT64_MIN));
    as_.cmp(d, least);
  } else {
    as_.cmp(d.r32(), INT32_MIN);
  }
  as_.je(slow_path(node.guest));
  if (!wide) as_.movsxd(d, d.r32());
  hold(at, d);
}

void LowerX86::fp_from_integer(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool is_single = single(selector.format);
  x86::Gp from = reg(node.operand[0]);
  if (selector.op == FpOp::kFromWu) {
    const x86::Gp low = temp();
    as_.mov(low.r32(), from.r32());
    from = low;
  } else if (selector.op == FpOp::kFromW) {
    from = from.r32();
  }
  as_.vxorps(x86::xmm0, x86::xmm0, x86::xmm0);
  is_single ? as_.vcvtsi2ss(x86::xmm0, x86::xmm0, from) : as_.vcvtsi2sd(x86::xmm0, x86::xmm0, from);
  in_xmm_ = Ref::to_value(at);
  xmm_format_ = selector.format;
}

void LowerX86::fp_convert(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool from_single = selector.op == FpOp::kFromSingle;
  if (from_single) check_boxed(node.operand[0], node.guest);
  fp_operand(x86::xmm0, node.operand[0], from_single ? FpFmt::kSingle : FpFmt::kDouble);
  if (from_single) {
    as_.vcvtss2sd(x86::xmm0, x86::xmm0, x86::xmm0);
  } else {
    as_.vcvtsd2ss(x86::xmm0, x86::xmm0, x86::xmm0);
  }
  fp_deliver(at, selector.format);
}

}  // namespace quire::jit
