#include "emu/jit/record.h"

#include "emu/base/assert.h"
#include "emu/hart/csr.h"
#include "emu/hart/state.h"
#include "emu/isa/sem/sem.h"
#include "emu/jit/record_context.h"

namespace quire::jit {

static_assert(SemContext<RecordContext>);

bool ends_translation(Op op) {
  const Format format = op_info(op).format;
  return ends_block(op) && format != Format::Csr && format != Format::CsrImm;
}

bool may_trap_for_target(const Isa& isa, const Insn& insn) {
  const u64 rest = isa.alignment_bytes() - 2;
  const bool is_direct = has_flag(insn.op, kBranch) || insn.op == Op::jal;
  return rest != 0 && (insn.op == Op::jalr || (is_direct && (static_cast<u64>(insn.imm) & rest) != 0));
}

namespace {

/// Those that are no more than a field of HartState, and sstatus.
bool has_inline_csr(u16 csr) {
  switch (static_cast<Csr>(csr)) {
    case Csr::sstatus:
    case Csr::sscratch:
    case Csr::sepc:
    case Csr::scause:
    case Csr::stval:
      return true;
    default:
      return false;
  }
}

}  // namespace

Value RecordContext::node(IrOp op, std::initializer_list<Value> operands, i64 imm) {
  // Field by field, in its place: copied from the stack, it would wait there for its parts to be written.
  Node& made = ir_.nodes.emplace_back();
  made.op = op;
  made.guest = guest_;
  made.imm = imm;
  usize at = 0;
  for (const Value& operand : operands) made.operand[at++] = operand.ref;
  return {this, Ref::to_value(ir_.nodes.size() - 1)};
}

Value operator+(Value a, Value b) { return a.context->node(IrOp::kAdd, {a, b}); }
Value operator-(Value a, Value b) { return a.context->node(IrOp::kSub, {a, b}); }
Value operator&(Value a, Value b) { return a.context->node(IrOp::kAnd, {a, b}); }
Value operator|(Value a, Value b) { return a.context->node(IrOp::kOr, {a, b}); }
Value operator^(Value a, Value b) { return a.context->node(IrOp::kXor, {a, b}); }
Value operator~(Value a) { return a.context->node(IrOp::kNot, {a}); }

bool RecordContext::csr_access(u16 csr, CsrOp op, Value operand, bool /*reads*/, bool writes, Value& old) {
  if (!has_inline_csr(csr)) return decline(old);
  node(IrOp::kCheckSupervisor, {});
  old = node(IrOp::kGetCsr, {}, csr);
  if (!writes) return true;
  if (csr == number_of(Csr::sstatus)) {
    // FS stays off where there is no floating point.
    if (!isa_.has(Extension::F)) operand = operand & imm(~static_cast<i64>(kStatusFs));
    node(op == CsrOp::kWrite ? IrOp::kSetStatus
         : op == CsrOp::kSet ? IrOp::kSetStatusBits
                             : IrOp::kClearStatusBits,
         {operand});
    return true;
  }
  Value value = operand;
  if (op == CsrOp::kSet) value = old | operand;
  if (op == CsrOp::kClear) value = old & ~operand;
  if (csr == number_of(Csr::sepc)) value = value & imm(-static_cast<i64>(isa_.alignment_bytes()));
  node(IrOp::kSetCsr, {value}, csr);
  return true;
}

bool RecordContext::has_inline_fp(FpOp op, FpFmt format) {
  if (format == FpFmt::kHalf) return false;
  switch (op) {
    case FpOp::kAdd:
    case FpOp::kSub:
    case FpOp::kMul:
    case FpOp::kDiv:
    case FpOp::kSqrt:
    case FpOp::kMadd:
    case FpOp::kMsub:
    case FpOp::kNmsub:
    case FpOp::kNmadd:
    case FpOp::kToW:
    case FpOp::kToL:
    case FpOp::kFromW:
    case FpOp::kFromWu:
    case FpOp::kFromL:
    case FpOp::kFromSingle:
    case FpOp::kFromDouble:
    case FpOp::kSgnj:
    case FpOp::kSgnjn:
    case FpOp::kSgnjx:
    case FpOp::kEq:
    case FpOp::kLt:
    case FpOp::kLe:
      return true;
    default:
      return false;
  }
}

namespace {

template <Op O>
void run_body(RecordContext& context, const Insn& insn) {
  sem<O>(context, insn);
}

void dispatch(RecordContext& context, const Insn& insn) {
  switch (insn.op) {
    case Op::illegal:
      return run_body<Op::illegal>(context, insn);
#define QUIRE_INSN(name, pattern, format, group, flags) \
  case Op::name:                                        \
    return run_body<Op::name>(context, insn);
#include "emu/isa/isa.inc"
    case Op::kCount:
      break;
  }
  QUIRE_UNREACHABLE();
}

IrOp end_by_call(Op op) {
  switch (op) {
    case Op::ecall:
      return IrOp::kEcall;
    case Op::sret:
      return IrOp::kSret;
    default:
      return IrOp::kCallAndLeave;
  }
}

/// Whether it ended the block.
bool record_one(const Isa& isa, Ir& ir, u8 guest) {
  const Insn& insn = ir.insns[guest].insn;
  const usize start = ir.nodes.size();
  RecordContext context(isa, ir, guest);
  const bool by_call = ir.switches.has_off(insn);
  if (ends_translation(insn.op) &&
      (by_call || has_flag(insn.op, kSystem) || may_trap_for_target(isa, insn))) {
    context.node(by_call || ir.switches.has_off(Part::kTraps) ? IrOp::kCallAndLeave : end_by_call(insn.op),
                 {});
    return true;
  }
  if (!by_call) dispatch(context, insn);
  if (by_call || context.declined()) {
    ir.nodes.resize(start);
    context.node(IrOp::kCall, {});
  }
  return context.ended();
}

}  // namespace

Ir record(const Isa& isa, i16 page_offset, std::vector<SourceInsn> insns, const Switches& switches) {
  Ir ir{.page_offset = page_offset,
        .insns = std::move(insns),
        .nodes = {},
        .constants = {},
        .switches = switches};
  constexpr usize kUsualNodes = 4;  // of an instruction
  ir.nodes.reserve(kUsualNodes * ir.insns.size());
  ir.constants.reserve(ir.insns.size());
  bool ended = false;
  for (usize i = 0; i < ir.insns.size(); ++i) ended = record_one(isa, ir, static_cast<u8>(i));
  if (!ended) RecordContext(isa, ir, static_cast<u8>(ir.insns.size() - 1)).node(IrOp::kFallThrough, {});
  return ir;
}

}  // namespace quire::jit
