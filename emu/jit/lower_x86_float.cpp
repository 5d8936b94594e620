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

/// Of usable_rm_: some bit of Env::fast_rm is set, which one is not known.
constexpr u32 kSomeMode = 1U << 8;

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

/// HartState always has all f registers; xmm registers only save reading them again.
void LowerX86::set_f(usize at) {
  const Node& node = ir_.nodes[at];
  const usize r = static_cast<usize>(node.imm);
  const Ref value = node.operand[0];
  const x86::Mem home = f_home(static_cast<unsigned>(r));
  const bool boxes = is_deferred(value);  // a single from memory or an x register
  const Ref bits = boxes ? definition(value).operand[0] : value;
  HeldFp* const held = computed_fp(bits);
  bool single_now = boxes;
  if (held != nullptr) {
    single_now = single(held->format);
    single_now ? as_.vmovss(sized(home, 4), xmm_of(*held)) : as_.vmovsd(home, xmm_of(*held));
    held->value = value;
  } else if (boxes) {
    as_.mov(sized(home, 4), reg(bits).r32());
  } else {
    as_.mov(home, reg(value));
  }
  boxed_ &= ~(1U << r);
  if (single_now) {
    as_.mov(upper(home), -1);
    boxed_ |= 1U << r;
  }
  f_now_[r] = value.is_value() ? value : Ref{};
  if (boxes) {  // and is there for later instructions, as any other
    consume(value);
    deferred_[value.index()] = 0;
  }
}

/// The xmm register with what this instruction has computed or loaded for an f register.
LowerX86::HeldFp* LowerX86::computed_fp(Ref ref) {
  const bool computed =
      ref.is_value() && definition(ref).guest == guest_ && definition(ref).op != IrOp::kGetF;
  return computed ? find_fp(ref) : nullptr;
}

LowerX86::HeldFp* LowerX86::find_fp(Ref ref) {
  for (HeldFp& held : held_fp_) {
    if (ref.is_value() && held.value == ref) return &held;
  }
  return nullptr;
}

x86::Xmm LowerX86::xmm_of(const HeldFp& held) const {
  return x86::xmm(kFirstFpRegister + static_cast<u32>(&held - held_fp_.data()));
}

/// An xmm register that nothing of this instruction is in.
x86::Xmm LowerX86::fresh_fp() {
  HeldFp* chosen = nullptr;
  for (HeldFp& held : held_fp_) {
    if (held.guest == i16{guest_}) continue;
    if (chosen == nullptr || held.value.is_none() || held.guest < chosen->guest) chosen = &held;
    if (held.value.is_none()) break;
  }
  QUIRE_ASSERT(chosen != nullptr);
  *chosen = {.value = {}, .guest = guest_};
  return xmm_of(*chosen);
}

void LowerX86::hold_fp(usize at, x86::Xmm host, FpFmt format) {
  held_fp_[host.id() - kFirstFpRegister] = {Ref::to_value(at), format, guest_};
  any_fp_ = true;
}

/// What later instructions need is in f registers, and so it can be read again where a call came between.
void LowerX86::end_fp_values() {
  if (!any_fp_) return;
  std::pmr::vector<Reload> reloads(&memory_);
  for (HeldFp& held : held_fp_) {
    if (held.value.is_none()) continue;
    unsigned r = 0;
    while (r < f_now_.size() && f_now_[r] != held.value) ++r;
    if (r == f_now_.size() || remaining_[held.value.index()] == 0) {
      held = {};
    } else {
      reloads.push_back({xmm_of(held), static_cast<u8>(r), held.format});
    }
  }
  reloads_[guest_] = std::move(reloads);
}

void LowerX86::load_f(x86::Xmm to, x86::Mem from, FpFmt format) {
  single(format) ? as_.vmovss(to, sized(from, 4)) : as_.vmovsd(to, from);
}

/// That mstatus.FS is not off; else the call traps.
void LowerX86::check_fp(const Node& node) {
  if (fs_dirty_ || fs_on_) return;
  fs_on_ = true;
  as_.cmp(state_field(offsetof(HartState, fp_status), 1), 0);
  as_.je(slow_path(node.guest, Behind::kElsewhere));
}

/// That it is dirty; else the call marks it, or traps.
void LowerX86::check_fp_dirty(const Node& node) {
  if (fs_dirty_) return;
  fs_dirty_ = true;
  as_.cmp(state_field(offsetof(HartState, fp) + offsetof(fp::Env, fs_dirty), 1), 0);
  as_.je(slow_path(node.guest, Behind::kElsewhere));
}

/// What is not a boxed single reads as a NaN, which is left to the call.
void LowerX86::check_boxed(Ref ref, u8 guest) {
  for (unsigned r = 0; r < f_now_.size(); ++r) {
    if (f_now_[r] != ref) continue;
    if ((boxed_ >> r & 1) != 0) return;
    boxed_ |= 1U << r;
    as_.cmp(upper(f_home(r)), -1);
    as_.jne(slow_path(guest, Behind::kElsewhere));
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

/// The value in an xmm register, which must not be changed.
x86::Xmm LowerX86::fp_operand(Ref ref, FpFmt format) {
  HeldFp* held = find_fp(ref);
  if (held != nullptr && (held->format == format || single(format))) {
    held->guest = guest_;
    return xmm_of(*held);
  }
  const x86::Xmm host = held != nullptr ? xmm_of(*held) : fresh_fp();
  load_f(host, f_place(ref), format);
  hold_fp(ref.index(), host, format);
  return host;
}

/// NaNs are the call's: the manual has one of its own.
void LowerX86::fp_deliver(usize at, x86::Xmm host, FpFmt format) {
  single(format) ? as_.vucomiss(host, host) : as_.vucomisd(host, host);
  as_.jp(slow_path(ir_.nodes[at].guest));
  hold_fp(at, host, format);
}

/// The format of an f register's value where that is what is loaded.
std::optional<FpFmt> LowerX86::loads_fp(usize at) const {
  const Node& load = ir_.nodes[at];
  if (load.op != IrOp::kLoad || load.imm < 4) return {};
  for (usize i = at + 1; i < ir_.nodes.size() && ir_.nodes[i].guest == load.guest; ++i) {
    if (ir_.nodes[i].op != IrOp::kSetF) continue;
    const Ref value = ir_.nodes[i].operand[0];
    if (load.imm == 8 && value == Ref::to_value(at)) return FpFmt::kDouble;
    const bool boxes = is_deferred(value) && definition(value).operand[0] == Ref::to_value(at);
    if (load.imm == 4 && boxes && remaining_[at] == 1) return FpFmt::kSingle;
  }
  return {};
}

/// That the host's unit is the hart's, set up for the rounding mode, and FS dirty; found once in a block.
void LowerX86::check_usable(const Node& node, FpSelector selector) {
  const bool to_int = selector.op >= FpOp::kToW && selector.op <= FpOp::kToLu;
  const bool truncates = to_int && selector.rm == static_cast<u8>(Rounding::kTowardZero);
  // Bit rm says that the host is set up for the mode; any bit, that the unit is the hart's and FS dirty.
  const u32 usable = has_rounding_mode(selector.op) && !truncates ? 1U << selector.rm : 0xff;
  if ((usable_rm_ & usable) != 0 || (usable == 0xff && usable_rm_ != 0)) return;
  as_.test(state_field(offsetof(HartState, fp) + offsetof(fp::Env, fast_rm), 1), usable);
  as_.jz(slow_path(node.guest, Behind::kElsewhere));
  usable_rm_ |= usable == 0xff ? kSomeMode : usable;
  fs_dirty_ = true;
}

void LowerX86::fp(usize at) {
  const Node& node = ir_.nodes[at];
  const FpSelector selector = FpSelector::unpack(node.imm);
  check_usable(node, selector);
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
  const x86::Xmm a = fp_operand(node.operand[0], selector.format);
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
  const x86::Xmm b = unary ? a : fp_operand(node.operand[1], selector.format);
  const x86::Xmm d = fresh_fp();
  as_.emit(id, d, a, b);
  fp_deliver(at, d, selector.format);
}

void LowerX86::fp_fused(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool is_single = single(selector.format);
  if (is_single) {
    for (const Ref ref : node.operand) check_boxed(ref, node.guest);
  }
  const x86::Xmm a = fp_operand(node.operand[0], selector.format);
  const x86::Xmm b = fp_operand(node.operand[1], selector.format);
  const x86::Xmm c = fp_operand(node.operand[2], selector.format);
  const x86::Xmm d = fresh_fp();
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
  as_.vmovaps(d, a);
  as_.emit(id, d, b, c);
  fp_deliver(at, d, selector.format);
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
  if (selector.op == FpOp::kSgnj && sign == magnitude) {  // fmv
    const x86::Xmm from = fp_operand(magnitude, selector.format);
    const x86::Xmm to = fresh_fp();
    as_.vmovaps(to, from);
    return hold_fp(at, to, selector.format);
  }
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
  const x86::Xmm d = fresh_fp();
  as_.vmovq(d, m);
  hold_fp(at, d, selector.format);
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
  const x86::Xmm from = fp_operand(left, selector.format);
  const x86::Xmm other = fp_operand(right, selector.format);
  const x86::Gp d = destination(at);
  if (equality) {
    is_single ? as_.vcmpss(x86::xmm0, from, other, 0) : as_.vcmpsd(x86::xmm0, from, other, 0);
    as_.vmovd(d.r32(), x86::xmm0);
    as_.and_(d.r32(), 1);
  } else {
    is_single ? as_.vcomiss(from, other) : as_.vcomisd(from, other);
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
  const x86::Xmm from = fp_operand(node.operand[0], selector.format);
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
  const x86::Xmm d = fresh_fp();
  as_.vxorps(d, d, d);  // what was in it is not waited for
  is_single ? as_.vcvtsi2ss(d, d, from) : as_.vcvtsi2sd(d, d, from);
  hold_fp(at, d, selector.format);
}

void LowerX86::fp_convert(usize at, FpSelector selector) {
  const Node& node = ir_.nodes[at];
  const bool from_single = selector.op == FpOp::kFromSingle;
  if (from_single) check_boxed(node.operand[0], node.guest);
  const x86::Xmm from = fp_operand(node.operand[0], from_single ? FpFmt::kSingle : FpFmt::kDouble);
  const x86::Xmm d = fresh_fp();
  from_single ? as_.vcvtss2sd(d, from, from) : as_.vcvtsd2ss(d, from, from);
  fp_deliver(at, d, selector.format);
}

}  // namespace quire::jit
