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
LowerX86::Host LowerX86::host_memory(usize at, unsigned bytes, Access access) {
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
  const x86::Mem memory = x86::ptr(base, x86::rcx, 0, first, bytes);
  if (!in_register || !neighbours_.covers(base_ref, first, last, access)) {
    if (!in_register) claim(x86::rdx);
    find_host(base, first, bytes, access, in_register ? kTemps[0] : kTemps[2], node.guest);
    return {memory};
  }
  Host result{x86::ptr(base, x86::rdx, 0, first, bytes), as_.newLabel(), as_.newLabel(), {}, access};
  if (known) {
    as_.test(x86::rdx, x86::rdx);
    as_.jz(result.alone);
  } else {
    find_all(base, node.guest, result.alone);
  }
  result.miss = slow_path(node.guest);
  return result;
}

/// What neighbours add to their addresses, in rdx; or else 0, and to `alone`.
void LowerX86::find_all(x86::Gp base, u8 guest, Label alone) {
  const Label none = as_.newLabel();
  const Label found = as_.newLabel();
  const Access strictest = neighbours_.stored ? Access::kWrite : Access::kRead;
  const i32 first = neighbours_.first;
  const i32 last = neighbours_.last;
  Window* const window = take_window(guest);
  if (window == nullptr) {
    look_up(base, first, last, strictest, kTemps[0], none);
    as_.mov(x86::rdx, x86::rcx);
  } else {
    const Label outside = as_.newLabel();
    first != 0 ? as_.lea(x86::rax, x86::ptr(base, first)) : as_.mov(x86::rax, base);
    as_.sub(x86::rax, reach(&window->start));
    as_.cmp(x86::rax, reach(&window->limit));
    as_.jae(outside);
    as_.mov(x86::rdx, reach(&window->delta));
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
  as_.bind(found);
  cold_.push_back([=, this] {
    as_.bind(none);
    as_.xor_(x86::edx, x86::edx);
    as_.jmp(alone);
  });
}

/// The accesses from node `at` on whose base is the same value, in a range that hardly ever crosses a page;
/// none where there is but one. They end where rdx is needed.
void LowerX86::find_neighbours(usize at) {
  constexpr i32 kMaxSpan = 256;
  constexpr u8 kStops = kEnds | kCalls;
  neighbours_ = {};
  if (ir_.switches.has_off(Part::kNeighbours)) return;
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
  if (count < 2) return;
  neighbours_ = found;
  claim_neighbours();
}

void LowerX86::claim_neighbours() {
  Temp& t = temps_[2];
  if (t.holds.is_value()) spill(2);
  t = {};
}

/// `access` is given the operand, once for each way.
template <class Emit>
void LowerX86::at_host(const Host& host, Emit&& access) {
  access(host.memory);
  if (!host.alone.isValid()) return;
  as_.bind(host.done);
  cold_.push_back([=, this] {
    as_.bind(host.alone);
    const i32 first = static_cast<i32>(host.memory.offset());
    const i32 last = first + static_cast<i32>(host.memory.size()) - 1;
    look_up(host.memory.baseReg().as<x86::Gp>(), first, last, host.access, kTemps[0], host.miss);
    x86::Mem memory = host.memory;
    memory.setIndex(x86::rcx);
    access(memory);
    as_.jmp(host.done);
  });
}

void LowerX86::load(usize at) {
  const Node& node = ir_.nodes[at];
  const unsigned bytes = static_cast<unsigned>(node.imm);
  const Host host = host_memory(at, bytes, Access::kRead);
  if (const auto format = loads_fp(at)) {
    const x86::Xmm to = fresh_fp();
    at_host(host, [=, this](const x86::Mem& from) { load_f(to, from, *format); });
    return hold_fp(at, to, *format);
  }
  const bool is_signed = node.op == IrOp::kLoadSigned;
  const auto r = written_register(at);
  const bool direct = r && pinned(*r).isValid() && may_write_early(at, *r);
  const x86::Gp d = direct ? pinned(*r) : kTemps[0];
  at_host(host, [=, this](const x86::Mem& from) {
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
  });
  hold(at, d);
}

void LowerX86::store(usize at) {
  const Node& node = ir_.nodes[at];
  const unsigned bytes = static_cast<unsigned>(node.imm);
  const Host host = host_memory(at, bytes, Access::kWrite);
  const Ref value = node.operand[1];
  const HeldFp* const held = find_fp(value);
  if (held != nullptr && bytes >= 4 && (bytes == 4 || held->format == FpFmt::kDouble)) {
    at_host(host, [this, bytes, from = xmm_of(*held)](const x86::Mem& to) {
      bytes == 4 ? as_.vmovss(to, from) : as_.vmovsd(to, from);
    });
    return;
  }
  // Where the base is in a register of its own, rdx may be its neighbours'.
  const x86::Gp free = host.memory.baseId() == x86::rax.id() ? kTemps[2] : kTemps[0];
  if (value.is_constant()) {
    return at_host(host, [this, bytes, free, bits = ir_.value_of(value)](const x86::Mem& to) {
      store_constant(to, bytes, bits, free);
    });
  }
  const Operand found = place(value);
  at_host(host, [=, this](const x86::Mem& to) {
    if (found.isMem()) as_.emit(x86::Inst::kIdMov, free, found);
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
  });
}

void LowerX86::store_constant(const x86::Mem& to, unsigned bytes, u64 value, x86::Gp free) {
  const i64 bits = static_cast<i64>(value);
  if (bytes == 8 && (bits < INT32_MIN || bits > INT32_MAX)) {
    move_constant(free, value);
    as_.mov(to, free);
    return;
  }
  const i64 cut = bytes == 1   ? i64{static_cast<i8>(bits)}
                  : bytes == 2 ? i64{static_cast<i16>(bits)}
                               : i64{static_cast<i32>(bits)};
  as_.emit(x86::Inst::kIdMov, to, Imm(cut));
}

}  // namespace quire::jit
