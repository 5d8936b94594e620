#include <gtest/gtest.h>

#include "tests/unit/emu/hart/system.h"

namespace quire {
namespace {

using namespace test;
using TrapTest = HartTest;

constexpr u64 bit_of(Interrupt i) { return u64{1} << static_cast<unsigned>(i); }

TEST_F(TrapTest, ExceptionEntersMachineModeByDefault) {
  state.pc = kRam + 0x40;
  enter(Privilege::kUser);
  set_csr(Csr::mstatus, kStatusMie);
  run(kEcall);
  EXPECT_EQ(state.privilege, Privilege::kMachine);
  EXPECT_EQ(state.pc, kRam + 0x100);
  EXPECT_EQ(csr(Csr::mcause), 8u);
  EXPECT_EQ(csr(Csr::mepc), kRam + 0x40);
  EXPECT_EQ(csr(Csr::mtval), 0u);
  EXPECT_EQ(csr(Csr::mstatus) & (kStatusMie | kStatusMpie | kStatusMpp), u64{kStatusMpie});
  run(kMret);
  EXPECT_EQ(state.privilege, Privilege::kUser);
  EXPECT_EQ(state.pc, kRam + 0x40);
  EXPECT_EQ(csr(Csr::mstatus) & (kStatusMie | kStatusMpie | kStatusMpp), u64{kStatusMie | kStatusMpie});
}

TEST_F(TrapTest, DelegatedExceptionEntersSupervisor) {
  set_csr(Csr::medeleg, 1 << 8 | 1 << 2);
  set_csr(Csr::mstatus, kStatusSie);
  enter(Privilege::kUser);
  state.pc = kRam + 0x40;
  run(kEcall);
  EXPECT_EQ(state.privilege, Privilege::kSupervisor);
  EXPECT_EQ(state.pc, kRam + 0x200);
  EXPECT_EQ(csr(Csr::scause), 8u);
  EXPECT_EQ(csr(Csr::sepc), kRam + 0x40);
  EXPECT_EQ(csr(Csr::sstatus) & (kStatusSie | kStatusSpie | kStatusSpp), u64{kStatusSpie});
  run(kSret);
  EXPECT_EQ(state.privilege, Privilege::kUser);
  EXPECT_EQ(csr(Csr::sstatus) & (kStatusSie | kStatusSpie | kStatusSpp), u64{kStatusSie | kStatusSpie});
}

TEST_F(TrapTest, MachineModeTrapsAreNeverDelegated) {
  set_csr(Csr::medeleg, ~u64{0});
  run(0);
  EXPECT_EQ(state.privilege, Privilege::kMachine);
  EXPECT_EQ(csr(Csr::mcause), 2u);
  EXPECT_EQ(csr(Csr::mstatus) & kStatusMpp, u64{kStatusMpp});
}

TEST_F(TrapTest, VectoredHandlersAreForInterruptsAlone) {
  set_csr(Csr::mtvec, (kRam + 0x1000) | 1);
  set_csr(Csr::mie, bit_of(Interrupt::kMachineTimer));
  set_csr(Csr::mstatus, kStatusMie);
  run(kEcall);
  EXPECT_EQ(state.pc, kRam + 0x1000);
  set_csr(Csr::mstatus, kStatusMie);
  hart.set_interrupt(Interrupt::kMachineTimer, true);
  ASSERT_TRUE(hart.take_pending_interrupt());
  EXPECT_EQ(state.pc, kRam + 0x1000 + 4 * 7);
  EXPECT_EQ(csr(Csr::mcause), kInterruptFlag | 7);
}

TEST_F(TrapTest, InterruptsDoNotCountAsInstructions) {
  set_csr(Csr::mie, 0xaaa);
  set_csr(Csr::mstatus, kStatusMie);
  hart.set_interrupt(Interrupt::kMachineSoftware, true);
  ASSERT_TRUE(hart.take_pending_interrupt());
  EXPECT_EQ(state.icount, 0u);
  EXPECT_EQ(state.trap_count, 0u);
  EXPECT_EQ(state.interrupt_count, 1u);
}

TEST_F(TrapTest, MoreUrgentInterruptsComeFirst) {
  set_csr(Csr::mie, 0xaaa);
  const Interrupt order[] = {Interrupt::kMachineExternal,    Interrupt::kMachineSoftware,
                             Interrupt::kMachineTimer,       Interrupt::kSupervisorExternal,
                             Interrupt::kSupervisorSoftware, Interrupt::kSupervisorTimer};
  for (const Interrupt i : order) hart.set_interrupt(i, true);
  for (const Interrupt i : order) {
    set_csr(Csr::mstatus, kStatusMie);
    ASSERT_TRUE(hart.take_pending_interrupt());
    EXPECT_EQ(csr(Csr::mcause), kInterruptFlag | static_cast<u64>(i));
    hart.set_interrupt(i, false);
  }
  set_csr(Csr::mstatus, kStatusMie);
  EXPECT_FALSE(hart.take_pending_interrupt());
}

TEST_F(TrapTest, EnablesDependOnPrivilege) {
  set_csr(Csr::mie, 0xaaa);
  set_csr(Csr::mideleg, 0x222);
  hart.set_interrupt(Interrupt::kSupervisorTimer, true);
  set_csr(Csr::mstatus, kStatusMie | kStatusSie);
  EXPECT_FALSE(hart.interrupt_pending());  // in M-mode a delegated interrupt waits
  enter(Privilege::kSupervisor);
  EXPECT_TRUE(hart.interrupt_pending());
  set_csr(Csr::mstatus, 0);
  EXPECT_FALSE(hart.interrupt_pending());
  hart.set_interrupt(Interrupt::kMachineTimer, true);
  EXPECT_TRUE(hart.interrupt_pending());  // below M-mode its interrupts are always enabled
  hart.set_interrupt(Interrupt::kMachineTimer, false);
  enter(Privilege::kUser);
  EXPECT_TRUE(hart.interrupt_pending());
  ASSERT_TRUE(hart.take_pending_interrupt());
  EXPECT_EQ(state.privilege, Privilege::kSupervisor);
  EXPECT_EQ(csr(Csr::scause), kInterruptFlag | 5);
}

TEST_F(TrapTest, ReturnsAreForTheirLevelAndAbove) {
  enter(Privilege::kSupervisor);
  EXPECT_TRUE(raises(kMret, Exception::kIllegalInsn));
  state.mstatus |= kStatusTsr;
  EXPECT_TRUE(raises(kSret, Exception::kIllegalInsn));
  enter(Privilege::kUser);
  EXPECT_TRUE(raises(kSret, Exception::kIllegalInsn));
  enter(Privilege::kMachine);
  EXPECT_FALSE(raises(kSret, Exception::kIllegalInsn));  // TSR binds S-mode alone
}

TEST_F(TrapTest, MprvLendsMachineModeTheEyesOfMpp) {
  tables.map(0x1000, kRam + 0x5000, kKernelData);
  ASSERT_TRUE(bus.store(PhysAddr(kRam + 0x5000), 8, 99));
  set_csr(Csr::satp, tables.satp().raw);
  set_csr(Csr::mstatus, kStatusMprv | u64{1} << kStatusMppShift);
  state.x[5] = 0x1000;
  run(ld(6, 5));
  EXPECT_EQ(state.x[6], 99u);
  set_csr(Csr::mstatus, kStatusMprv | kStatusMpp);
  EXPECT_TRUE(raises(ld(6, 5), Exception::kLoadAccessFault));
  set_csr(Csr::mstatus, kStatusMprv | u64{1} << kStatusMppShift);
  run(kMret);
  EXPECT_EQ(csr(Csr::mstatus) & kStatusMprv, 0u);
}

TEST_F(TrapTest, WfiWaitsForAnEnabledInterruptWhateverTheGlobalEnable) {
  set_csr(Csr::mie, bit_of(Interrupt::kMachineTimer));
  run(kWfi);
  EXPECT_TRUE(hart.waiting());
  hart.set_interrupt(Interrupt::kMachineSoftware, true);
  EXPECT_TRUE(hart.waiting());
  hart.set_interrupt(Interrupt::kMachineTimer, true);
  EXPECT_FALSE(hart.waiting());
  enter(Privilege::kUser);
  EXPECT_TRUE(raises(kWfi, Exception::kIllegalInsn));
  enter(Privilege::kSupervisor);
  state.mstatus |= kStatusTw;
  EXPECT_TRUE(raises(kWfi, Exception::kIllegalInsn));
}

TEST_F(TrapTest, SbiAnswersInPlaceOrLetsTheCallTrap) {
  enter(Privilege::kSupervisor);
  state.pc = kRam + 0x40;
  env.answers_sbi = true;
  run(kEcall);
  EXPECT_EQ(state.pc, kRam + 0x44);
  EXPECT_EQ(state.x[11], 77u);
  EXPECT_EQ(state.trap_count, 0u);
  env.answers_sbi = false;
  EXPECT_TRUE(raises(kEcall, Exception::kEcallSupervisor));
}

TEST_F(TrapTest, BreakpointsCarryTheirAddress) {
  state.pc = kRam + 0x40;
  EXPECT_TRUE(raises(kEbreak, Exception::kBreakpoint));
  EXPECT_EQ(csr(Csr::mtval), kRam + 0x40);
}

}  // namespace
}  // namespace quire
