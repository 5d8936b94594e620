// RecordContext: the SemContext (emu/isa/sem/context.h) that records what a body does as IR.
//
// What it cannot record it declines: the recorder then drops what it has of the instruction and has all of it
// done by a call. Invariant: nodes of a declined instruction never stay in a block.
#pragma once

#include "emu/isa/isa.h"
#include "emu/isa/sem/context.h"
#include "emu/jit/ir.h"

namespace quire::jit {

class RecordContext;

/// A value of the IR, as bodies handle it.
struct Value {
  RecordContext* context = nullptr;
  Ref ref;
};
Value operator+(Value a, Value b);
Value operator-(Value a, Value b);
Value operator&(Value a, Value b);
Value operator|(Value a, Value b);
Value operator^(Value a, Value b);
Value operator~(Value a);

class RecordContext {
 public:
  using U64 = Value;

  /// Records the instruction `guest` of `ir`.
  RecordContext(const Isa& isa, Ir& ir, u8 guest) : isa_(isa), ir_(ir), guest_(guest) {}
  bool declined() const { return declined_; }
  bool ended() const { return ended_; }  ///< the block, by a jump or branch

  Value imm(i64 v) { return {this, ir_.constant(static_cast<u64>(v))}; }
  Value pc() { return imm(source().place + i64{ir_.page_offset}) + node(IrOp::kPageBase, {}); }
  Value next_pc() { return imm(next_offset()) + node(IrOp::kPageBase, {}); }

  Value x(u8 r) { return r == 0 ? imm(0) : node(IrOp::kGetX, {}, r); }
  void set_x(u8 r, Value v) {
    if (r != kSinkRegister) node(IrOp::kSetX, {v}, r);
  }
  Value f(u8 r) { return node(IrOp::kGetF, {}, r); }
  void set_f(u8 r, Value v) { node(IrOp::kSetF, {v}, r); }

  Value shl(Value a, Value n) { return node(IrOp::kShl, {a, n}); }
  Value shr_u(Value a, Value n) { return node(IrOp::kShrU, {a, n}); }
  Value shr_s(Value a, Value n) { return node(IrOp::kShrS, {a, n}); }
  Value lt_s(Value a, Value b) { return node(IrOp::kLtS, {a, b}); }
  Value lt_u(Value a, Value b) { return node(IrOp::kLtU, {a, b}); }
  Value eq(Value a, Value b) { return node(IrOp::kEq, {a, b}); }
  Value select(Value condition, Value a, Value b) { return node(IrOp::kSelect, {condition, a, b}); }
  Value sext(Value a, unsigned bits) { return node(IrOp::kSext, {a}, bits); }
  Value zext(Value a, unsigned bits) { return node(IrOp::kZext, {a}, bits); }
  Value mul(Value a, Value b) { return node(IrOp::kMul, {a, b}); }
  Value mulh_ss(Value a, Value b) { return node(IrOp::kMulhSS, {a, b}); }
  Value mulh_su(Value a, Value b) { return node(IrOp::kMulhSU, {a, b}); }
  Value mulh_uu(Value a, Value b) { return node(IrOp::kMulhUU, {a, b}); }
  Value div_s(Value a, Value b) { return node(IrOp::kDivS, {a, b}); }
  Value div_u(Value a, Value b) { return node(IrOp::kDivU, {a, b}); }
  Value rem_s(Value a, Value b) { return node(IrOp::kRemS, {a, b}); }
  Value rem_u(Value a, Value b) { return node(IrOp::kRemU, {a, b}); }
  Value clz(Value a) { return node(IrOp::kClz, {a}); }
  Value ctz(Value a) { return node(IrOp::kCtz, {a}); }
  Value popcount(Value a) { return node(IrOp::kPopcount, {a}); }
  Value bswap(Value a) { return node(IrOp::kBswap, {a}); }
  Value clmul(Value a, Value b) { return node(IrOp::kClmul, {a, b}); }
  Value clmulh(Value a, Value b) { return node(IrOp::kClmulh, {a, b}); }

  template <unsigned Bytes>
  bool load(Value addr, Value& out) {
    out = node(IrOp::kLoad, {addr}, Bytes);
    return true;
  }
  template <unsigned Bytes>
  bool store(Value addr, Value value) {
    node(IrOp::kStore, {addr, value}, Bytes);
    return true;
  }
  template <unsigned Bytes>
  bool lr(Value addr, Value& out) {
    out = node(IrOp::kLoadReserved, {addr}, Bytes);
    return true;
  }
  template <unsigned Bytes>
  bool sc(Value addr, Value value, Value& failed) {
    failed = node(IrOp::kStoreConditional, {addr, value}, Bytes);
    return true;
  }
  template <unsigned Bytes>
  bool amo(AmoOp op, Value addr, Value operand, Value& old) {
    if (op >= AmoOp::kMin) return decline(old);
    old = node(IrOp::kAmo, {addr, operand}, AmoSelector{op, Bytes}.pack());
    return true;
  }
  template <unsigned Bytes>
  bool cas(Value, Value, Value, Value& old) {
    return decline(old);
  }
  bool cas_pair(Value, Pair<RecordContext>, Pair<RecordContext>, Pair<RecordContext>& old) {
    decline(old.low);
    return decline(old.high);
  }
  bool cbo(CboOp op, Value addr, const Insn&) {
    if (op != CboOp::kZero) return decline();
    node(IrOp::kZeroBlock, {addr});
    return true;
  }

  /// Those in the middle lead to the block's next instruction; a branch leaves where it goes the other way.
  void branch(Value condition, const Insn& i) {
    const i64 target = source().place + i64{i.imm};
    if (is_last()) return end(IrOp::kBranch, {condition}, target);
    const i64 next = ir_.insns[guest_ + 1].place;
    if (target == source().behind()) return;
    if (next == target) {
      node(IrOp::kBranchOut, {node(IrOp::kXor, {condition, imm(1)})}, source().behind());
    } else {
      node(IrOp::kBranchOut, {condition}, target);
    }
  }
  void jump(i64 offset) {
    if (is_last()) end(IrOp::kJump, {}, source().place + offset);
  }
  void jump_indirect(Value target) {
    if (is_last()) end(IrOp::kJumpIndirect, {target}, 0);
  }

  bool csr_access(u16 csr, CsrOp op, Value operand, bool reads, bool writes, Value& old);
  bool ecall() { return decline(); }
  bool ebreak() { return decline(); }
  bool mret() { return decline(); }
  bool sret() { return decline(); }
  bool wfi() { return decline(); }
  bool sfence_vma(Value, Value, bool, bool) { return decline(); }
  bool sfence_inval() { return decline(); }
  void fence() {}
  void fence_i() { decline(); }
  bool illegal(const Insn&) { return decline(); }

  bool require_fp(const Insn& i) {
    node(has_flag(i.op, kWritesF) ? IrOp::kCheckFpDirty : IrOp::kCheckFp, {});
    return true;
  }
  template <FpOp Operation, FpFmt Format>
  bool fp(const Insn& i, Value a, Value b, Value c, Value& out) {
    if (!has_inline_fp(Operation, Format)) return decline(out);
    out = node(IrOp::kFp, {a, b, c}, FpSelector{Operation, Format, i.rm}.pack());
    return true;
  }

  Value node(IrOp op, std::initializer_list<Value> operands, i64 imm = 0);

 private:
  /// Whether the lowering knows it.
  static bool has_inline_fp(FpOp op, FpFmt format);
  const SourceInsn& source() const { return ir_.insns[guest_]; }
  bool is_last() const { return usize{guest_} + 1 == ir_.insns.size(); }
  void end(IrOp op, std::initializer_list<Value> operands, i64 imm) {
    ended_ = true;
    node(op, operands, imm);
  }
  i64 next_offset() const { return i64{ir_.page_offset} + source().behind(); }
  bool decline() {
    declined_ = true;
    return true;
  }
  bool decline(Value& out) {
    out = imm(0);
    return decline();
  }

  const Isa& isa_;
  Ir& ir_;
  u8 guest_;
  bool declined_ = false;
  bool ended_ = false;
};

}  // namespace quire::jit
