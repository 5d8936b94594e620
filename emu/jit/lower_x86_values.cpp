// Where values are: homes, temporaries, and stack slots when temporaries run out.
#include <bit>

#include "emu/base/assert.h"
#include "emu/jit/lower_x86.h"

namespace quire::jit {
namespace {

static_assert(kTemps[0] == x86::rax && kTemps[1] == x86::rcx && kTemps[2] == x86::rdx);
/// Which of the temporaries it is; negative: none.
int temp_index(const x86::Gp& host) { return host.id() < kTempCount ? static_cast<int>(host.id()) : -1; }

x86::Mem slot_memory(int slot) { return x86::qword_ptr(x86::rsp, -8 * (slot + 1)); }

bool fits_imm32(u64 value) {
  const i64 v = static_cast<i64>(value);
  return v >= INT32_MIN && v <= INT32_MAX;
}

}  // namespace

bool LowerX86::is_temp(x86::Gp host) { return temp_index(host) >= 0; }

asmjit::Operand LowerX86::place(Ref ref) {
  if (ref.is_constant()) {
    const u64 value = ir_.value_of(ref);
    if (fits_imm32(value)) return asmjit::Imm(static_cast<i64>(value));
    const x86::Gp host = temp();
    move_constant(host, value);
    temps_[static_cast<usize>(temp_index(host))].locked = true;
    return host;
  }
  if (definition(ref).op == IrOp::kPageBase) return state_field(offsetof(HartState, fetch_page), 8);
  const Held& held = held_[ref.index()];
  if (held.temp >= 0) {
    temp_of(held).locked = true;
    return kTemps[held.temp];
  }
  if (held.early.isValid()) return held.early;
  if (held.home != 0) {
    const x86::Gp host = pinned(held.home);
    if (host.isValid()) return host;
    return x_home(held.home);
  }
  if (held.slot >= 0) return slot_memory(held.slot);
  for (unsigned r = 0; r < f_now_.size(); ++r) {
    if (f_now_[r] == ref) return f_home(r);
  }
  QUIRE_UNREACHABLE();
}

asmjit::Operand LowerX86::reg_or_mem(Ref ref) {
  if (ref.is_constant()) return reg(ref);
  return place(ref);
}

x86::Gp LowerX86::reg(Ref ref) {
  if (!ref.is_constant()) {
    const asmjit::Operand found = place(ref);
    if (found.isReg()) return found.as<x86::Gp>();
  }
  const x86::Gp host = temp();
  move(host, ref);
  temps_[static_cast<usize>(temp_index(host))].locked = true;
  return host;
}

bool LowerX86::is_in(Ref ref, x86::Gp host) const {
  if (!ref.is_value()) return false;
  const Held& held = held_[ref.index()];
  if (held.temp >= 0) return kTemps[held.temp].id() == host.id();
  if (held.early.isValid()) return held.early.id() == host.id();
  return held.home != 0 && pinned(held.home).isValid() && pinned(held.home).id() == host.id();
}

void LowerX86::move_constant(x86::Gp to, u64 value) {
  if (value == 0) {
    as_.xor_(to.r32(), to.r32());
  } else if (value <= 0xffff'ffff) {
    as_.mov(to.r32(), asmjit::Imm(static_cast<u32>(value)));
  } else {
    as_.mov(to, asmjit::Imm(value));
  }
}

void LowerX86::move(x86::Gp to, Ref ref) {
  if (ref.is_constant()) return move_constant(to, ir_.value_of(ref));
  const asmjit::Operand from = place(ref);
  if (from.isReg() && from.as<x86::Gp>().id() == to.id()) return;
  as_.emit(x86::Inst::kIdMov, to, from);
}

void LowerX86::spill(unsigned index) {
  Temp& t = temps_[index];
  Held& held = held_[t.holds.index()];
  held.temp = -1;
  const bool elsewhere = held.home != 0 || held.early.isValid() || held.slot >= 0;
  if (!elsewhere) {
    unsigned slot = 0;
    while (slots_[slot].is_value()) ++slot;
    QUIRE_ASSERT(slot < kSpillSlots);
    slots_[slot] = t.holds;
    held.slot = static_cast<i8>(slot);
    as_.mov(slot_memory(held.slot), kTemps[index]);
  }
  t = {};
}

x86::Gp LowerX86::temp() {
  int chosen = -1;
  for (unsigned i = 0; i < kTempCount; ++i) {
    if (temps_[i].locked || (i == 2 && neighbours_.any())) continue;
    if (temps_[i].holds.is_none()) {
      temps_[i].locked = true;
      return kTemps[i];
    }
    chosen = static_cast<int>(i);
  }
  if (chosen < 0 && neighbours_.any()) return claim(kTemps[2]);
  QUIRE_ASSERT(chosen >= 0);
  spill(static_cast<unsigned>(chosen));
  temps_[static_cast<usize>(chosen)].locked = true;
  return kTemps[chosen];
}

x86::Gp LowerX86::claim(x86::Gp host) {
  const unsigned index = static_cast<unsigned>(temp_index(host));
  if (index == 2) neighbours_ = {};
  if (temps_[index].holds.is_value()) spill(index);
  temps_[index].locked = true;
  return host;
}

/// The value of node `at` is in `host` from now on.
void LowerX86::hold(usize at, x86::Gp host) {
  const int index = temp_index(host);
  if (index < 0) {
    held_[at].early = host;
    move_home_from(host);
    return;
  }
  temps_[static_cast<usize>(index)].holds = Ref::to_value(at);
  held_[at].temp = static_cast<i8>(index);
}

/// What the pinned register held before is looked for in another that has it, where there is one.
void LowerX86::move_home_from(x86::Gp host) {
  const u8 guest = pinned_in_[host.id()];
  const Ref old = x_now_[guest];
  if (!old.is_value() || held_[old.index()].home != guest) return;
  if (const u8 other = another_home(old, guest)) held_[old.index()].home = other;
}

/// The x register that the value of node `at` is written to in its instruction.
std::optional<unsigned> LowerX86::written_register(usize at) const {
  for (usize i = at + 1; i < ir_.nodes.size() && ir_.nodes[i].guest == guest_; ++i) {
    const Node& node = ir_.nodes[i];
    if (node.op == IrOp::kSetX && node.operand[0] == Ref::to_value(at))
      return static_cast<unsigned>(node.imm);
    if ((info(node.op).effects & (kMayCall | kCalls)) != 0) return {};
  }
  return {};
}

/// Whether the register may lose what it holds already at node `at`: nothing of the instruction needs that
/// any more, but for the node itself.
bool LowerX86::may_write_early(usize at, unsigned r) const {
  const Ref old = x_now_[r];
  if (!old.is_value()) return true;
  const Held& held = held_[old.index()];
  if (held.home != r || held.temp >= 0 || another_home(old, r) != 0) return true;
  unsigned here = 0;
  const auto count_in = [&](const Node& node, auto&& self) -> void {
    for (const Ref ref : ir_.operands(node)) {
      if (ref == old) ++here;
      if (is_deferred(ref)) self(definition(ref), self);
    }
  };
  count_in(ir_.nodes[at], count_in);
  return remaining_[old.index()] == here;
}

/// The pinned register that the value of node `at` is written to in its instruction, or that of the next
/// operation, if that one alone needs it; not valid: there is none, or it is still needed.
x86::Gp LowerX86::pinned_destination(usize at) const {
  const usize next = at + 1;
  auto r = written_register(at);
  if (!r && remaining_[at] == 1 && next < ir_.nodes.size() && info(ir_.nodes[next].op).effects == kPure &&
      ir_.nodes[next].operand[0] == Ref::to_value(at) && !deferred_[next]) {
    r = written_register(next);
  }
  return r && may_write_early(at, *r) ? pinned(*r) : x86::Gp{};
}

x86::Gp LowerX86::destination(usize at) {
  const x86::Gp host = pinned_destination(at);
  return host.isValid() ? host : temp();
}

/// Likewise, for an operation that may write over its first operand: where that ends, its temporary.
x86::Gp LowerX86::destination_in_place(usize at) {
  const x86::Gp host = pinned_destination(at);
  const Ref first = ir_.nodes[at].operand[0];
  if (host.isValid() || !last_use_here(first) || is_deferred(first)) return host.isValid() ? host : temp();
  const Held& held = held_[first.index()];
  if (held.temp < 0) return temp();
  temp_of(held).locked = true;
  return kTemps[held.temp];
}

u8 LowerX86::another_home(Ref ref, unsigned besides) const {
  u8 found = 0;
  for (u32 rest = held_[ref.index()].homes & ~(u32{1} << besides); rest != 0; rest &= rest - 1) {
    const unsigned r = static_cast<unsigned>(std::countr_zero(rest));
    if (x_now_[r] != ref) continue;
    found = static_cast<u8>(r);
    if (pinned(r).isValid()) break;
  }
  return found;
}

/// Whether the node at hand has the only use that is left.
bool LowerX86::last_use_here(Ref ref) const { return ref.is_value() && remaining_[ref.index()] == 1; }

void LowerX86::consume(Ref ref) {
  if (!ref.is_value()) return;
  if (is_deferred(ref)) {
    for (const Ref inner : ir_.operands(definition(ref))) consume(inner);
    return;
  }
  if (--remaining_[ref.index()] != 0) return;
  Held& held = held_[ref.index()];
  if (held.temp >= 0) {
    Temp& t = temp_of(held);
    if (t.holds == ref) t.holds = {};
    held.temp = -1;
  }
  if (held.slot >= 0) {
    slots_[static_cast<u8>(held.slot)] = {};
    held.slot = -1;
  }
}

/// Behind node `at`: every value that is still needed is somewhere, and nothing else is there.
void LowerX86::verify_places(usize at) const {
  for (usize i = 0; i < temps_.size(); ++i) {
    const Ref held = temps_[i].holds;
    QUIRE_ASSERT(held.is_none() || held_[held.index()].temp == static_cast<i8>(i));
  }
  for (usize i = 0; i < slots_.size(); ++i) {
    const Ref held = slots_[i];
    QUIRE_ASSERT(held.is_none() || held_[held.index()].slot == static_cast<i8>(i));
  }
  for (usize i = 0; i <= at; ++i) {
    const IrOp op = ir_.nodes[i].op;
    if (remaining_[i] == 0 || deferred_[i] != 0 || info(op).type == Type::kNone || op == IrOp::kPageBase)
      continue;
    const Ref value = Ref::to_value(i);
    const Held& held = held_[i];
    QUIRE_ASSERT(held.temp < 0 || temps_[static_cast<u8>(held.temp)].holds == value);
    QUIRE_ASSERT(held.slot < 0 || slots_[static_cast<u8>(held.slot)] == value);
    QUIRE_ASSERT(held.home == 0 || x_now_[held.home] == value);
    bool somewhere = held.temp >= 0 || held.slot >= 0 || held.home != 0 || held.early.isValid();
    for (const Ref in_f : f_now_) somewhere = somewhere || in_f == value;
    for (const HeldFp& in_xmm : held_fp_) somewhere = somewhere || in_xmm.value == value;
    QUIRE_ASSERT(somewhere);
  }
}

void LowerX86::end_node(const Node& node) {
  for (const Ref ref : ir_.operands(node)) consume(ref);
  for (Temp& t : temps_) t.locked = false;
}

}  // namespace quire::jit
