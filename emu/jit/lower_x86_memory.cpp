// Loads and stores: FastTlb::Bank::find() in line, and else the whole instruction by a call.
#include "emu/base/assert.h"
#include "emu/jit/lower_x86.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Operand;

LowerX86::Address LowerX86::address_of(Ref ref) const {
  if (!is_deferred(ref)) return {ref, 0};
  const Node& sum = definition(ref);
  return {sum.operand[0], static_cast<i32>(static_cast<i64>(ir_.value_of(sum.operand[1])))};
}

/// Where the access is on the host; rcx and rdx are lost, and rax if the base is in no register.
x86::Mem LowerX86::host_memory(Ref address, unsigned bytes, Access access, u8 guest) {
  const auto [base_ref, displacement] = address_of(address);
  claim(x86::rax);
  const Operand from = base_ref.is_constant() ? Operand() : place(base_ref);
  const bool in_register = from.isReg() && !is_temp(from.as<x86::Gp>());
  const x86::Gp base = in_register ? from.as<x86::Gp>() : kTemps[0];
  if (!in_register) move(base, base_ref);
  claim(x86::rcx);
  claim(x86::rdx);
  // The entry is that of the first byte, the tag that of the last: one compare also says that both are in one
  // page.
  constexpr unsigned kIndexShift = kPageShift - 4;
  static_assert(sizeof(FastEntry) == 1 << 4);
  constexpr u32 kIndexMask = (FastTlb::kEntries - 1) * sizeof(FastEntry);
  if (displacement == 0) {
    as_.rorx(x86::ecx, base.r32(), kIndexShift);
  } else {
    as_.lea(x86::ecx, x86::ptr(base, displacement));
    as_.rorx(x86::ecx, x86::ecx, kIndexShift);
  }
  as_.and_(x86::ecx, kIndexMask);
  as_.add(x86::rcx, state_field(offsetof(HartState, data_bank), 8));
  const i32 last = displacement + static_cast<i32>(bytes) - 1;
  if (last != 0) {
    as_.lea(x86::rdx, x86::ptr(base, last));
  } else {
    as_.mov(x86::rdx, base);
  }
  as_.and_(x86::rdx, -static_cast<i32>(kPageBytes));
  const i32 table = static_cast<i32>(static_cast<unsigned>(access) * FastTlb::kEntries * sizeof(FastEntry));
  as_.cmp(x86::rdx, x86::qword_ptr(x86::rcx, table + static_cast<i32>(offsetof(FastEntry, tag))));
  as_.jne(slow_path(guest));
  as_.mov(x86::rcx, x86::qword_ptr(x86::rcx, table + static_cast<i32>(offsetof(FastEntry, payload))));
  return x86::ptr(base, x86::rcx, 0, displacement, bytes);
}

void LowerX86::load(usize at) {
  const Node& node = ir_.nodes[at];
  const unsigned bytes = static_cast<unsigned>(node.imm);
  const x86::Mem from = host_memory(node.operand[0], bytes, Access::kRead, node.guest);
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
  const x86::Mem to = host_memory(node.operand[0], bytes, Access::kWrite, node.guest);
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
  move_if_memory(value, x86::rdx);
  const Operand found = value.is_constant() ? Operand(x86::rdx) : place(value);
  const x86::Gp from = found.isReg() ? found.as<x86::Gp>() : kTemps[2];
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
