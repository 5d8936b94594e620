// Loads and stores: FastTlb::Bank::find() in line, and else the whole instruction by a call.
#include <algorithm>

#include "emu/jit/fast_tlb_x86.h"
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
  if (first == 0) {
    as_.rorx(x86::ecx, base.r32(), kEntryRotation);
  } else {
    as_.lea(x86::ecx, x86::ptr(base, first));
    as_.rorx(x86::ecx, x86::ecx, kEntryRotation);
  }
  as_.and_(x86::ecx, kEntryMask);
  as_.add(x86::rcx, state_field(offsetof(HartState, data_bank), 8));
  if (last != 0) {
    as_.lea(scratch, x86::ptr(base, last));
  } else {
    as_.mov(scratch, base);
  }
  as_.and_(scratch, -static_cast<i32>(kPageBytes));
  as_.cmp(scratch, entry_field(x86::rcx, access, offsetof(FastEntry, tag)));
  as_.jne(miss);
  as_.mov(x86::rcx, entry_field(x86::rcx, access, offsetof(FastEntry, payload)));
}

/// What to add to a guest address to have the host's of node `at`'s access, in rcx; the instruction is done
/// by a call where the FastTlb does not know. Misaligned accesses have to look there, too.
void LowerX86::find_host(x86::Gp base, i32 first, unsigned bytes, Access access, x86::Gp scratch, u8 guest) {
  const i32 last = first + static_cast<i32>(bytes) - 1;
  Window* const window = take_window(guest);
  const Label miss = slow_path(guest, Behind::kInBlock, window);
  if (window == nullptr) return look_up(base, first, last, access, scratch, miss);
  const Label outside = as_.newLabel();
  const Label found = as_.newLabel();
  first != 0 ? as_.lea(scratch, x86::ptr(base, first)) : as_.mov(scratch, base);
  as_.and_(scratch, -static_cast<i32>(kPageBytes) | static_cast<i32>(bytes - 1));
  as_.cmp(scratch, reach(&window->start));
  as_.jne(outside);
  as_.mov(x86::rcx, reach(&window->delta));
  as_.bind(found);
  cold_.push_back([=, this] {
    as_.bind(outside);
    as_.dec(reach(&window->patience));
    as_.js(miss);
    look_up(base, first, last, access, scratch, miss);
    refill(*window, base, first, last, scratch);
    as_.jmp(found);
  });
}

/// Where the access of node `at` is on the host, as base plus displacement; rax, rcx and rdx may be lost.
x86::Mem LowerX86::host_memory(usize at, unsigned bytes, Access access) {
  const Node& node = ir_.nodes[at];
  const auto [base_ref, first] = address_of(node.operand[0]);
  const x86::Gp home = home_register(base_ref);
  if (home.isValid()) {
    const i32 last = first + static_cast<i32>(bytes) - 1;
    if (neighbours_.covers(base_ref, first, last, access) || find_neighbours(at)) {
      return x86::ptr(home, x86::rdx, 0, first, bytes);
    }
  }
  claim(x86::rax);
  const x86::Gp base = home.isValid() ? home : kTemps[0];
  if (!home.isValid()) {
    move(base, base_ref);
    claim(x86::rdx);
  }
  claim(x86::rcx);
  find_host(base, first, bytes, access, home.isValid() ? kTemps[0] : kTemps[2], node.guest);
  return x86::ptr(base, x86::rcx, 0, first, bytes);
}

/// What neighbours add to their addresses, in rdx. Where it is not one for all the block is left: for another
/// that starts with this instruction.
void LowerX86::look_up_all(u8 guest) {
  const Access strictest = neighbours_.stored ? Access::kWrite : Access::kRead;
  const x86::Gp base = home_register(neighbours_.base);
  const i32 first = neighbours_.first;
  const i32 last = neighbours_.last;
  const Label none = as_.newLabel();
  cold_.push_back([=, this] {
    as_.bind(none);
    leave_before(guest);
  });
  claim(x86::rax);
  claim(x86::rcx);
  temps_[0].locked = temps_[1].locked = false;
  Window* const window = take_window(guest);
  if (window == nullptr) {
    look_up(base, first, last, strictest, kTemps[0], none);
    as_.mov(x86::rdx, x86::rcx);
    return;
  }
  const Label outside = as_.newLabel();
  const Label found = as_.newLabel();
  first != 0 ? as_.lea(x86::rax, x86::ptr(base, first)) : as_.mov(x86::rax, base);
  as_.sub(x86::rax, reach(&window->start));
  as_.cmp(x86::rax, reach(&window->limit));
  as_.jae(outside);
  as_.mov(x86::rdx, reach(&window->delta));
  as_.bind(found);
  const Label judged = slow_path(guest, Behind::kInBlock, window);
  cold_.push_back([=, this] {
    as_.bind(outside);
    as_.dec(reach(&window->patience));
    as_.js(judged);
    look_up(base, first, last, strictest, kTemps[0], none);
    refill(*window, base, first, last, kTemps[0]);
    as_.mov(x86::rdx, x86::rcx);
    as_.jmp(found);
  });
}

/// Behind a call, which may have changed everything: what neighbours that are still to come add.
void LowerX86::look_up_again(u8 guest) {
  const Neighbours& rest = neighbours_behind_[guest];
  if (!rest.any()) return;
  const u8 next = static_cast<u8>(guest + 1);
  if (!rest.home.isValid()) return leave_before(next);
  const Label none = as_.newLabel();
  const Label found = as_.newLabel();
  look_up(rest.home, rest.first, rest.last, rest.stored ? Access::kWrite : Access::kRead, kTemps[0], none);
  as_.mov(x86::rdx, x86::rcx);
  as_.jmp(found);
  as_.bind(none);
  leave_before(next);
  as_.bind(found);
}

/// What was counted and is not run is given back.
void LowerX86::leave_before(u8 guest) {
  as_.add(kLeft, static_cast<u32>(ir_.insns.size() - guest));
  go_to(ir_.insns[guest].place);
}

/// The pinned register where a value is at home; not valid: it has none.
x86::Gp LowerX86::home_register(Ref ref) const {
  if (!ref.is_value()) return {};
  const Held& held = held_[ref.index()];
  if (held.early.isValid()) return held.early;
  return held.home != 0 ? pinned(held.home) : x86::Gp{};
}

/// The accesses from node `at` on whose base is the same value, in a range that hardly ever crosses a page;
/// none where there is but one. They end where rdx is needed, and do not start where the block does: there
/// those come that were not together.
bool LowerX86::find_neighbours(usize at) {
  constexpr i32 kMaxSpan = 256;
  constexpr u8 kStops = kEnds | kCalls | kLeaves;  // what may not be run need not be there
  if (ir_.switches.has_off(Part::kNeighbours) || ir_.nodes[at].guest == 0) return false;
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
    found = {base, first, last, node.guest, found.stored || stores};
    ++count;
  }
  if (count < 2) return false;
  claim(kTemps[2]);
  neighbours_ = found;
  look_up_all(ir_.nodes[at].guest);
  return true;
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
  const x86::Gp d = direct ? pinned(*r) : is_known(from) ? temp() : kTemps[0];
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

/// Beside the registers that the address takes.
x86::Gp LowerX86::register_for_store(Ref value, const x86::Mem& to) {
  if (is_known(to)) return reg(value);
  if (!value.is_constant()) {
    const Operand found = place(value);
    if (found.isReg()) return found.as<x86::Gp>();
  }
  const x86::Gp free = to.baseId() == kTemps[0].id() ? kTemps[2] : kTemps[0];
  move(free, value);
  return free;
}

void LowerX86::store(usize at) {
  const Node& node = ir_.nodes[at];
  const unsigned bytes = static_cast<unsigned>(node.imm);
  const x86::Mem to = host_memory(at, bytes, Access::kWrite);
  const Ref value = node.operand[1];
  const HeldFp* const held = find_fp(value);
  if (held != nullptr && bytes >= 4 && (bytes == 4 || held->format == FpFmt::kDouble)) {
    bytes == 4 ? as_.vmovss(to, xmm_of(*held)) : as_.vmovsd(to, xmm_of(*held));
    return;
  }
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
  const x86::Gp from = register_for_store(value, to);
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

}  // namespace quire::jit
