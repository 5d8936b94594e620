// Windows (emu/jit/windows.h): a block's table is good for the bank whose key it has. That is looked at when
// the block is entered, behind each call, and where SUM changes, for these alone change the bank or its key.
#include <cstddef>

#include "emu/jit/lower_x86.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Label;

/// Leaves the bank's key in rax, and the flags say whether it is the table's.
void LowerX86::compare_key() {
  as_.mov(x86::rax, state_field(offsetof(HartState, data_bank), 8));
  as_.mov(x86::rax, x86::qword_ptr(x86::rax, static_cast<i32>(offsetof(FastTlb::Bank, key))));
  as_.cmp(x86::rax, reach(&target_.windows->key));
}

/// On entry: no temporary is in use.
void LowerX86::check_windows() {
  if (target_.windows == nullptr) return;
  reset_ = as_.newLabel();
  const Label other = as_.newLabel();
  const Label back = as_.newLabel();
  compare_key();
  as_.jne(other);
  as_.bind(back);
  cold_.push_back([this, other, back] {
    as_.bind(other);
    as_.call(reset_);
    as_.jmp(back);
  });
}

/// Likewise.
void LowerX86::check_windows_behind_call() {
  if (target_.windows == nullptr) return;
  const Label same = as_.newLabel();
  compare_key();
  as_.je(same);
  as_.call(reset_);
  as_.bind(same);
}

/// In mid-instruction, where SUM has changed: keeps rax and the carry.
void LowerX86::check_windows_of_another_bank() {
  as_.push(x86::rax);
  as_.pushfq();
  check_windows_behind_call();
  as_.popfq();
  as_.pop(x86::rax);
}

/// The table's windows know nothing then, and its key is what is in rax.
void LowerX86::emit_reset() {
  if (target_.windows == nullptr) return;
  const Label next = as_.newLabel();
  as_.bind(reset_);
  as_.mov(reach(&target_.windows->key), x86::rax);
  if (windows_taken_ == 0) {
    as_.ret();
    return;
  }
  as_.lea(x86::rcx, reach(&target_.windows->windows().front()));
  as_.mov(x86::eax, static_cast<u32>(windows_taken_));
  as_.bind(next);
  as_.mov(x86::qword_ptr(x86::rcx, static_cast<i32>(offsetof(Window, start))), Imm(Window::kNowhere));
  as_.mov(x86::qword_ptr(x86::rcx, static_cast<i32>(offsetof(Window, limit))), Imm(0));
  as_.add(x86::rcx, static_cast<i32>(sizeof(Window)));
  as_.dec(x86::eax);
  as_.jnz(next);
  as_.ret();
}

Window* LowerX86::take_window(u8 guest) {
  if (target_.windows == nullptr) return nullptr;
  const u16 place = static_cast<u16>(ir_.page_offset + ir_.insns[guest].place);
  if (target_.plain->test(place / 2) || windows_taken_ == target_.windows->count) return nullptr;
  Window* const window = &target_.windows->windows()[windows_taken_++];
  window->place = place;
  return window;
}

/// Copies the entry that look_up() has just found, whose payload is in rcx and stays there.
void LowerX86::refill(const Window& window, x86::Gp base, i32 first, i32 last, x86::Gp scratch) {
  as_.mov(reach(&window.delta), x86::rcx);
  as_.mov(reach(&window.limit), Imm(static_cast<i32>(kPageBytes) - (last - first)));
  as_.lea(scratch, x86::ptr(base, first));
  as_.and_(scratch, -static_cast<i32>(kPageBytes));
  as_.mov(reach(&window.start), scratch);
  as_.shr(scratch, kPageShift);
  as_.and_(scratch.r32(), FastTlb::kEntries - 1);
  as_.mov(x86::rcx, state_field(offsetof(HartState, data_bank), 8));
  as_.bts(x86::qword_ptr(x86::rcx, static_cast<i32>(offsetof(FastTlb::Bank, copied))), scratch);
  as_.mov(x86::qword_ptr(x86::rcx, static_cast<i32>(offsetof(FastTlb::Bank, any_copied))), Imm(1));
  as_.mov(x86::rcx, reach(&window.delta));
}

}  // namespace quire::jit
