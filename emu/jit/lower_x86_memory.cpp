// Loads and stores: FastTlb::Bank::find() in line, and else the whole instruction by a call.
#include <algorithm>

#include "emu/base/assert.h"
#include "emu/jit/lower_x86.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Label;
using asmjit::Operand;

LowerX86::Address LowerX86::address_of(Ref ref) const {
  if (!is_deferred(ref)) return {ref, 0};
  const Node& sum = definition(ref);
  return {sum.operand[0], static_cast<i32>(static_cast<i64>(ir_.value_of(sum.operand[1])))};
}

/// What to add to a guest address to have the host's, in rcx; to `miss` where the FastTlb does not know. The
/// entry is that of the first byte, the tag that of the last: one compare also says that both are in one
/// page. `scratch` is lost.
void LowerX86::look_up(x86::Gp base, i32 first, i32 last, Access access, x86::Gp scratch,
                       asmjit::Label miss) {
  constexpr unsigned kIndexShift = kPageShift - 4;
  static_assert(sizeof(FastEntry) == 1 << 4);
  constexpr u32 kIndexMask = (FastTlb::kEntries - 1) * sizeof(FastEntry);
  if (first == 0) {
    as_.rorx(x86::ecx, base.r32(), kIndexShift);
  } else {
    as_.lea(x86::ecx, x86::ptr(base, first));
    as_.rorx(x86::ecx, x86::ecx, kIndexShift);
  }
  as_.and_(x86::ecx, kIndexMask);
  as_.add(x86::rcx, state_field(offsetof(HartState, data_bank), 8));
  if (last != 0) {
    as_.lea(scratch, x86::ptr(base, last));
  } else {
    as_.mov(scratch, base);
  }
  as_.and_(scratch, -static_cast<i32>(kPageBytes));
  const i32 table = static_cast<i32>(static_cast<usize>(access) * FastTlb::kTableBytes);
  as_.cmp(scratch, x86::qword_ptr(x86::rcx, table + static_cast<i32>(offsetof(FastEntry, tag))));
  as_.jne(miss);
  as_.mov(x86::rcx, x86::qword_ptr(x86::rcx, table + static_cast<i32>(offsetof(FastEntry, payload))));
}

/// Where the access of node `at` is on the host; rcx is lost, and rax and rdx may be.
x86::Mem LowerX86::host_memory(usize at, unsigned bytes, Access access) {
  const Node& node = ir_.nodes[at];
  const auto [base_ref, first] = address_of(node.operand[0]);
  const i32 last = first + static_cast<i32>(bytes) - 1;
  claim(x86::rax);
  const Operand from = base_ref.is_constant() ? Operand() : place(base_ref);
  const bool in_register = from.isReg() && !is_temp(from.as<x86::Gp>());
  const x86::Gp base = in_register ? from.as<x86::Gp>() : kTemps[0];
  if (!in_register) move(base, base_ref);
  claim(x86::rcx);
  const bool known = in_register && neighbours_.covers(base_ref, first, last, access);
  if (in_register && !known) find_neighbours(at);
  if (in_register && neighbours_.covers(base_ref, first, last, access)) {
    neighbour_memory(base, first, last, access, node.guest, known);
  } else {
    if (!in_register) claim(x86::rdx);
    look_up(base, first, last, access, in_register ? kTemps[0] : kTemps[2], slow_path(node.guest));
  }
  return x86::ptr(base, x86::rcx, 0, first, bytes);
}

/// One of several accesses off one base: the first looks all of them up and keeps what to add in rdx, where 0
/// says that it is not known; then each is on its own.
void LowerX86::neighbour_memory(x86::Gp base, i32 first, i32 last, Access access, u8 guest, bool known) {
  const Label alone = as_.newLabel();
  const Label found = as_.newLabel();
  if (known) {
    as_.test(x86::rdx, x86::rdx);
    as_.jz(alone);
    as_.mov(x86::rcx, x86::rdx);
  } else {
    const Access strictest = neighbours_.stored ? Access::kWrite : Access::kRead;
    look_up(base, neighbours_.first, neighbours_.last, strictest, kTemps[0], alone);
    as_.mov(x86::rdx, x86::rcx);
  }
  as_.bind(found);
  const Label miss = slow_path(guest);
  cold_.push_back([=, this] {
    as_.bind(alone);
    as_.xor_(x86::edx, x86::edx);
    look_up(base, first, last, access, kTemps[0], miss);
    as_.jmp(found);
  });
}

/// The accesses from node `at` on whose base is the same value, in a range that hardly ever crosses a page;
/// none where there is but one. They end where rdx is needed.
void LowerX86::find_neighbours(usize at) {
  constexpr i32 kMaxSpan = 256;
  constexpr u8 kStops = kEnds | kCalls;
  const Ref base = address_of(ir_.nodes[at].operand[0]).base;
  Neighbours found{.base = base, .first = INT32_MAX, .last = INT32_MIN};
  unsigned count = 0;
  for (usize i = at; i < ir_.nodes.size() && (info(ir_.nodes[i].op).effects & kStops) == 0; ++i) {
    const Node& node = ir_.nodes[i];
    if (node.op >= IrOp::kMulhSS && node.op <= IrOp::kRemU) break;
    if (node.op >= IrOp::kLoadReserved && node.op <= IrOp::kZeroBlock) break;
    const bool stores = node.op == IrOp::kStore;
    if (!stores && node.op != IrOp::kLoad && node.op != IrOp::kLoadSigned) continue;
    const Address address = address_of(node.operand[0]);
    if (address.base != base) continue;
    const i32 first = std::min(found.first, address.displacement);
    const i32 last = std::max(found.last, address.displacement + static_cast<i32>(node.imm) - 1);
    if (i64{last} - first >= kMaxSpan) break;
    found = {base, first, last, found.stored || stores};
    ++count;
  }
  neighbours_ = count > 1 ? found : Neighbours{};
  if (count > 1) claim_neighbours();
}

void LowerX86::claim_neighbours() {
  Temp& t = temps_[2];
  if (t.holds.is_value()) spill(2);
  t = {};
}

void LowerX86::load(usize at) {
  const Node& node = ir_.nodes[at];
  const unsigned bytes = static_cast<unsigned>(node.imm);
  const x86::Mem from = host_memory(at, bytes, Access::kRead);
  if (const auto format = loads_fp(at)) {
    const x86::Xmm to = fresh_fp();
    load_f(to, from, *format);
    return hold_fp(at, to, *format);
  }
  const bool is_signed = node.op == IrOp::kLoadSigned;
  const auto r = written_register(at);
  const bool direct = r && pinned(*r).isValid() && may_write_early(at, *r);
  const x86::Gp d = direct ? pinned(*r) : kTemps[0];
  switch (bytes) {
    case 8:
      as_.mov(d, from);
      break;
    case 4:
      is_signed ? as_.movsxd(d, from) : as_.mov(d.r32(), from);
      break;
    default:
      is_signed ? as_.movsx(d, from) : as_.movzx(d.r32(), from);
  }
  hold(at, d);
}

void LowerX86::store(usize at) {
  const Node& node = ir_.nodes[at];
  const unsigned bytes = static_cast<unsigned>(node.imm);
  const x86::Mem to = host_memory(at, bytes, Access::kWrite);
  const Ref value = node.operand[1];
  if (value.is_constant()) {
    const i64 bits = static_cast<i64>(ir_.value_of(value));
    if (bytes < 8 || (bits >= INT32_MIN && bits <= INT32_MAX)) {
      const i64 cut = bytes == 1   ? i64{static_cast<i8>(bits)}
                      : bytes == 2 ? i64{static_cast<i16>(bits)}
                                   : i64{static_cast<i32>(bits)};
      as_.emit(x86::Inst::kIdMov, to, Imm(cut));
      return;
    }
  }
  const HeldFp* const held = find_fp(value);
  if (held != nullptr && bytes >= 4 && (bytes == 4 || held->format == FpFmt::kDouble)) {
    bytes == 4 ? as_.vmovss(to, xmm_of(*held)) : as_.vmovsd(to, xmm_of(*held));
    return;
  }
  // Where the base is in a register of its own, rdx may be its neighbours'.
  const x86::Gp free = to.baseId() == x86::rax.id() ? kTemps[2] : kTemps[0];
  move_if_memory(value, free);
  const Operand found = value.is_constant() ? Operand(free) : place(value);
  const x86::Gp from = found.isReg() ? found.as<x86::Gp>() : free;
  switch (bytes) {
    case 8:
      as_.mov(to, from);
      break;
    case 4:
      as_.mov(to, from.r32());
      break;
    case 2:
      as_.mov(to, from.r16());
      break;
    default:
      as_.mov(to, from.r8());
  }
}

/// Into `host` what is in no register.
void LowerX86::move_if_memory(Ref ref, x86::Gp host) {
  if (ref.is_constant() || place(ref).isMem()) move(host, ref);
}

}  // namespace quire::jit
