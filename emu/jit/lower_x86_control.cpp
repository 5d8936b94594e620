// The ways out of a block. Within the page: a jump, patched once its target is known. To other pages: what
// emu/interp's enter() does, in line: the fetch entry of the new page leads to its code, and the page is held
// from then on (HartState::fetch_page).
#include "emu/base/assert.h"
#include "emu/jit/lower_x86.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Label;

void LowerX86::branch(const Node& node) {
  const x86::CondCode code = condition(node.operand[0]);
  const i64 offset = i64{ir_.page_offset} + node.imm;
  if (offset >= 0 && offset < static_cast<i64>(kPageBytes)) {
    jump_in_page(static_cast<u16>(offset), code);
  } else {
    const Label taken = as_.newLabel();
    as_.j(code, taken);
    cold_.push_back([this, taken, offset] {
      as_.bind(taken);
      go_to_other_page(offset);
    });
  }
  go_to(ir_.length_bytes());
}

void LowerX86::go_to(i64 displacement) {
  const i64 offset = i64{ir_.page_offset} + displacement;
  if (offset >= 0 && offset < static_cast<i64>(kPageBytes)) {
    jump_in_page(static_cast<u16>(offset), {});
  } else {
    go_to_other_page(offset);
  }
}

/// Where `code` holds, or always.
void LowerX86::jump_in_page(u16 page_offset, std::optional<x86::CondCode> code) {
  const auto jump = [&](const auto& to) { code ? as_.j(*code, to) : as_.jmp(to); };
  if (page_offset == ir_.page_offset) return jump(start_);
  const Label stub = as_.newLabel();
  as_.long_();
  jump(stub);
  target_.links.push_back({.page = &target_.page,
                           .patch_at = target_.code_offset + static_cast<u32>(as_.offset()) - 4,
                           .unlinked_at = 0,
                           .page_offset = page_offset});
  Link* const link = &target_.links.back();
  cold_.push_back([this, stub, link] {
    as_.bind(stub);
    link->unlinked_at = target_.code_offset + static_cast<u32>(as_.offset());
    as_.mov(x86::rcx, Imm(reinterpret_cast<u64>(link)));
    as_.jmp(Imm(target_.stubs.link));
  });
}

void LowerX86::go_to_other_page(i64 page_offset) {
  const i64 page = page_offset & -static_cast<i64>(kPageBytes);
  as_.mov(x86::rcx, state_field(offsetof(HartState, fetch_page), 8));
  as_.add(x86::rcx, static_cast<i32>(page));
  as_.mov(x86::eax, static_cast<u32>(page_offset & (kPageBytes - 1)));
  enter_page(static_cast<u32>(page_offset & (kPageBytes - 1)));
}

void LowerX86::jump_indirect(const Node& node) {
  claim(x86::rax);
  move(x86::rax, node.operand[0]);
  claim(x86::rcx);
  claim(x86::rdx);
  const Label other = as_.newLabel();
  as_.mov(x86::rcx, x86::rax);
  as_.and_(x86::rcx, -static_cast<i32>(kPageBytes));
  as_.and_(x86::eax, static_cast<u32>(kPageBytes - 1));
  as_.cmp(x86::rcx, state_field(offsetof(HartState, fetch_page), 8));
  as_.jne(other);
  as_.mov(x86::rdx, state_field(offsetof(HartState, fetch_blocks), 8));
  as_.jmp(x86::ptr(x86::rdx, x86::rax, 2, static_cast<i32>(offsetof(TranslatedPage, code)), 8));
  as_.bind(other);
  enter_page({});
}

/// To the page at rcx, which is another than the held one, at the offset in eax. Not before the instruction
/// there is due: a held page is architectural.
void LowerX86::enter_page(std::optional<u32> known_offset) {
  constexpr unsigned kIndexShift = kPageShift - 4;
  constexpr u32 kIndexMask = (FastTlb::kEntries - 1) * sizeof(FastEntry);
  constexpr i32 kTable = static_cast<i32>(static_cast<usize>(Access::kExecute) * FastTlb::kTableBytes);
  const Label miss = as_.newLabel();
  as_.test(kLeft, kLeft);
  as_.jz(miss);
  as_.rorx(x86::edx, x86::ecx, kIndexShift);
  as_.and_(x86::edx, kIndexMask);
  as_.add(x86::rdx, state_field(offsetof(HartState, fetch_bank), 8));
  as_.cmp(x86::rcx, x86::qword_ptr(x86::rdx, kTable + static_cast<i32>(offsetof(FastEntry, tag))));
  as_.jne(miss);
  as_.mov(x86::rdx, x86::qword_ptr(x86::rdx, kTable + static_cast<i32>(offsetof(FastEntry, payload))));
  as_.mov(state_field(offsetof(HartState, fetch_page), 8), x86::rcx);
  as_.mov(x86::rcx, x86::qword_ptr(x86::rdx, static_cast<i32>(offsetof(TranslatedPage, frame))));
  as_.mov(state_field(offsetof(HartState, fetch_blocks), 8), x86::rdx);
  as_.mov(state_field(offsetof(HartState, fetch_frame), 8), x86::rcx);
  constexpr i32 kCode = static_cast<i32>(offsetof(TranslatedPage, code));
  if (known_offset) {
    as_.jmp(x86::qword_ptr(x86::rdx, kCode + static_cast<i32>(*known_offset * 4)));
  } else {
    as_.jmp(x86::ptr(x86::rdx, x86::rax, 2, kCode, 8));
  }
  cold_.push_back([this, miss] {
    as_.bind(miss);
    as_.or_(x86::rax, x86::rcx);
    as_.jmp(Imm(target_.stubs.miss));
  });
}

}  // namespace quire::jit
