#include "emu/jit/system_stubs.h"

#include "emu/jit/fetch_x86.h"

namespace quire::jit {
namespace {

using asmjit::Imm;
using asmjit::Label;

constexpr unsigned kSumShift = 18;
constexpr unsigned kSppShift = 8;
constexpr unsigned kPreviousShift = 4;  // from SIE to SPIE
static_assert(kStatusSum == u64{1} << kSumShift && kStatusSpp == u64{1} << kSppShift &&
              kStatusSpie == u64{kStatusSie} << kPreviousShift);

x86::Mem u8_field(usize offset) { return state_field(offset, 1); }
x86::Mem u64_field(usize offset) { return state_field(offset, 8); }
/// All bits of sstatus that are written but SD are in its low half.
x86::Mem status() { return state_field(offsetof(HartState, mstatus), 4); }
x86::Mem privilege() { return u8_field(offsetof(HartState, privilege)); }

class SystemStubWriter {
 public:
  SystemStubWriter(x86::Assembler& as, const Label& call_last, const Label& miss)
      : as_(as), call_last_(call_last), miss_(miss) {}

  SystemLabels write() {
    labels_ = {as_.newLabel(), as_.newLabel(), as_.newLabel()};
    enter_ = as_.newLabel();
    write_ecall();
    write_sret();
    write_enter();
    write_status();
    return labels_;
  }

 private:
  void only_in(Privilege wanted) {
    as_.cmp(privilege(), static_cast<u8>(wanted));
    as_.jne(call_last_);
    as_.cmp(u8_field(offsetof(HartState, observed)), 0);
    as_.jne(call_last_);
  }

  /// No interrupt can have become due: those of M-mode were enabled before, those of S-mode are not now.
  void write_ecall() {
    as_.bind(labels_.ecall);
    only_in(Privilege::kUser);
    constexpr u32 kCause = static_cast<u32>(Exception::kEcallUser);
    as_.test(state_field(offsetof(HartState, medeleg), 4), 1U << kCause);
    as_.jz(call_last_);
    as_.movzx(x86::eax, x86::word_ptr(x86::rcx, offsetof(CallSite, page_offset)));
    as_.add(x86::rax, u64_field(offsetof(HartState, fetch_page)));
    as_.mov(u64_field(offsetof(HartState, sepc)), x86::rax);
    as_.mov(u64_field(offsetof(HartState, scause)), kCause);
    as_.mov(u64_field(offsetof(HartState, stval)), 0);
    as_.inc(u64_field(offsetof(HartState, trap_count)));
    as_.mov(privilege(), static_cast<u8>(Privilege::kSupervisor));
    as_.mov(x86::eax, status());
    as_.mov(x86::edx, x86::eax);
    as_.and_(x86::eax, ~static_cast<i32>(kStatusSie | kStatusSpie | kStatusSpp));
    as_.and_(x86::edx, static_cast<u32>(kStatusSie));
    as_.shl(x86::edx, kPreviousShift);
    as_.or_(x86::eax, x86::edx);
    as_.mov(status(), x86::eax);
    as_.mov(x86::edx, 1);
    choose_banks();
    as_.mov(x86::rax, u64_field(offsetof(HartState, stvec)));
    as_.and_(x86::rax, -4);
    as_.jmp(enter_);
  }

  void write_sret() {
    as_.bind(labels_.sret);
    only_in(Privilege::kSupervisor);
    as_.test(status(), static_cast<u32>(kStatusTsr));
    as_.jnz(call_last_);
    test_pending(as_, x86::rax);
    as_.jnz(call_last_);
    as_.mov(x86::eax, status());
    as_.mov(x86::ecx, x86::eax);
    as_.mov(x86::edx, x86::eax);
    as_.and_(x86::eax, ~static_cast<i32>(kStatusSie | kStatusSpp | kStatusMprv));
    as_.and_(x86::ecx, static_cast<u32>(kStatusSpie));
    as_.shr(x86::ecx, kPreviousShift);
    as_.or_(x86::eax, x86::ecx);
    as_.or_(x86::eax, static_cast<u32>(kStatusSpie));
    as_.mov(status(), x86::eax);
    as_.shr(x86::edx, kSppShift);
    as_.and_(x86::edx, 1);
    as_.mov(privilege(), x86::dl);
    static_assert(static_cast<u8>(Privilege::kSupervisor) == 1);
    choose_banks();
    as_.mov(x86::rax, u64_field(offsetof(HartState, sepc)));
    as_.jmp(enter_);
  }

  /// Hart::choose_banks() of the privilege in edx, U or S, and the mstatus in eax; all three are lost.
  void choose_banks() {
    static_assert(FastTlb::bank_index(Privilege::kUser, true) == 1 &&
                  FastTlb::bank_index(Privilege::kSupervisor, false) == 2 &&
                  FastTlb::bank_index(Privilege::kSupervisor, true) == 3);
    as_.shr(x86::eax, kSumShift);
    as_.and_(x86::eax, x86::edx);
    as_.inc(x86::edx);
    as_.add(x86::eax, x86::edx);
    const i32 banks = static_cast<i32>(offsetof(HartState, banks)) - kStateBias;
    as_.mov(x86::rdx, x86::ptr(kState, x86::rdx, 3, banks, 8));
    as_.mov(u64_field(offsetof(HartState, fetch_bank)), x86::rdx);
    as_.mov(x86::rax, x86::ptr(kState, x86::rax, 3, banks, 8));
    set_data_bank(x86::rax);
  }

  void set_data_bank(x86::Gp bank) { as_.mov(u64_field(offsetof(HartState, data_bank)), bank); }

  /// To the pc in rax, with no page held.
  void write_enter() {
    const Label miss = as_.newLabel();
    as_.bind(enter_);
    as_.mov(x86::rcx, x86::rax);
    as_.and_(x86::rcx, -static_cast<i32>(kPageBytes));
    as_.and_(x86::eax, static_cast<u32>(kPageBytes - 1));
    enter_page(as_, miss);
    as_.jmp(code_in_page());
    as_.bind(miss);
    as_.or_(x86::rax, x86::rcx);
    as_.mov(fetch_page_field(), Imm(FastTlb::kNoPage));
    as_.jmp(miss_);
  }

  /// In M-mode, the bank may be that of MPP.
  void write_status() {
    const Label refuse = as_.newLabel();
    const Label quiet = as_.newLabel();
    as_.bind(labels_.status);
    as_.test(x86::edx, static_cast<u32>(kStatusMxr));
    as_.jnz(refuse);
    as_.cmp(privilege(), static_cast<u8>(Privilege::kSupervisor));
    as_.jne(refuse);
    as_.mov(x86::ecx, status());
    as_.xor_(x86::ecx, x86::edx);
    as_.test(x86::ecx, static_cast<u32>(kStatusSie));
    as_.jz(quiet);
    test_pending(as_, x86::rcx);
    as_.jnz(refuse);
    as_.bind(quiet);
    change_fs();
    change_sum();
    as_.and_(x86::edx, kStatusInline | static_cast<u32>(kStatusSum));
    as_.xor_(status(), x86::edx);
    as_.clc();
    as_.ret();
    as_.bind(refuse);
    as_.stc();
    as_.ret();
  }

  /// FS, and fp::set_fs_dirty(); rcx is lost.
  void change_fs() {
    const auto env = [](usize offset) { return u8_field(offsetof(HartState, fp) + offset); };
    const Label same = as_.newLabel();
    as_.test(x86::edx, static_cast<u32>(kStatusFs));
    as_.jz(same);
    as_.mov(x86::ecx, x86::edx);
    as_.shr(x86::ecx, kStatusFsShift);
    as_.and_(x86::ecx, 3);
    as_.xor_(x86::cl, u8_field(offsetof(HartState, fp_status)));
    as_.mov(u8_field(offsetof(HartState, fp_status)), x86::cl);
    as_.cmp(x86::cl, 3);
    as_.sete(x86::cl);
    as_.mov(env(offsetof(fp::Env, fs_dirty)), x86::cl);
    as_.neg(x86::cl);
    as_.and_(x86::cl, env(offsetof(fp::Env, ready_rm)));
    as_.mov(env(offsetof(fp::Env, fast_rm)), x86::cl);
    as_.bind(same);
  }

  /// To the bank of S-mode with it, or without; mstatus is as before.
  void change_sum() {
    const auto bank = [](unsigned index) {
      return u64_field(offsetof(HartState, banks) + index * sizeof(FastTlb::Bank*));
    };
    const Label same = as_.newLabel();
    as_.test(x86::edx, static_cast<u32>(kStatusSum));
    as_.jz(same);
    as_.mov(x86::rcx, bank(FastTlb::bank_index(Privilege::kSupervisor, true)));
    as_.test(status(), static_cast<u32>(kStatusSum));
    as_.cmovnz(x86::rcx, bank(FastTlb::bank_index(Privilege::kSupervisor, false)));
    set_data_bank(x86::rcx);
    as_.bind(same);
  }

  x86::Assembler& as_;
  const Label& call_last_;
  const Label& miss_;
  SystemLabels labels_;
  Label enter_;
};

}  // namespace

SystemLabels write_system_stubs(x86::Assembler& as, const Label& call_last, const Label& miss) {
  return SystemStubWriter(as, call_last, miss).write();
}

}  // namespace quire::jit
