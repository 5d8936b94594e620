#include "emu/hart/csr.h"

#include <gtest/gtest.h>

#include "emu/hart/envcfg.h"
#include "tests/unit/emu/hart/system.h"

namespace quire {
namespace {

using namespace test;
using CsrTest = HartTest;

TEST_F(CsrTest, WarlFieldsKeepLegalValues) {
  set_csr(Csr::mtvec, ~u64{0});
  EXPECT_EQ(csr(Csr::mtvec), ~u64{2});
  set_csr(Csr::mepc, ~u64{0});
  EXPECT_EQ(csr(Csr::mepc), ~u64{1});
  set_csr(Csr::medeleg, ~u64{0});
  EXPECT_EQ(csr(Csr::medeleg), 0xb3ffu);
  set_csr(Csr::mideleg, ~u64{0});
  EXPECT_EQ(csr(Csr::mideleg), 0x222u);
  set_csr(Csr::mie, ~u64{0});
  EXPECT_EQ(csr(Csr::mie), 0xaaau);
  set_csr(Csr::mcounteren, ~u64{0});
  EXPECT_EQ(csr(Csr::mcounteren), 7u);
  set_csr(Csr::misa, 0);
  EXPECT_EQ(csr(Csr::misa), 0x8000'0000'0014'112dULL);
  set_csr(Csr::mcountinhibit, ~u64{0});
  EXPECT_EQ(csr(Csr::mcountinhibit), 5u);
  set_csr(Csr::menvcfg, ~u64{0});
  EXPECT_EQ(csr(Csr::menvcfg), u64{7} << 61 | 0xf1);
  EXPECT_EQ(csr(Csr::mhartid), 3u);
  EXPECT_EQ(csr(Csr::time), 1234u);
}

TEST_F(CsrTest, MstatusHasNoModeTwoAndFixedXlen) {
  set_csr(Csr::mstatus, ~u64{0});
  EXPECT_EQ(csr(Csr::mstatus), 0x8000'000a'007e'79aaULL);
  set_csr(Csr::mstatus, u64{2} << 11);
  EXPECT_EQ(csr(Csr::mstatus), 0x0000'000a'0000'1800ULL);  // MPP keeps M
  set_csr(Csr::mstatus, 0);
  EXPECT_EQ(csr(Csr::mstatus), 0x0000'000a'0000'0000ULL);
}

TEST_F(CsrTest, SstatusIsAWindowOnMstatus) {
  set_csr(Csr::mstatus, ~u64{0});
  EXPECT_EQ(csr(Csr::sstatus), 0x8000'0002'000c'6122ULL);
  set_csr(Csr::sstatus, 0);
  EXPECT_EQ(csr(Csr::mstatus), 0x0000'000a'0072'1888ULL);
}

TEST_F(CsrTest, SieAndSipShowWhatIsDelegated) {
  set_csr(Csr::mie, 0x222);
  EXPECT_EQ(csr(Csr::sie), 0u);
  set_csr(Csr::mideleg, 0x202);
  EXPECT_EQ(csr(Csr::sie), 0x202u);
  set_csr(Csr::sie, 0x020);
  EXPECT_EQ(csr(Csr::mie), 0x020u);
  set_csr(Csr::mip, ~u64{0});
  EXPECT_EQ(csr(Csr::mip), 0x222u);
  EXPECT_EQ(csr(Csr::sip), 0x202u);
  set_csr(Csr::sip, 0);
  EXPECT_EQ(csr(Csr::mip), 0x220u);  // SSIP alone is the supervisor's to clear
}

TEST_F(CsrTest, SettingBitsDoesNotLatchTheControllersLine) {
  hart.set_interrupt(Interrupt::kSupervisorExternal, true);
  state.x[5] = 0x2;
  run(csrrs(6, Csr::mip, 5));
  EXPECT_EQ(state.x[6], 0x200u);
  hart.set_interrupt(Interrupt::kSupervisorExternal, false);
  EXPECT_EQ(csr(Csr::mip), 0x2u);
}

TEST_F(CsrTest, SatpIgnoresModesThatDoNotExist) {
  const u64 sv39 = tables.satp(0xffff).raw;
  set_csr(Csr::satp, sv39);
  EXPECT_EQ(csr(Csr::satp), sv39);
  set_csr(Csr::satp, u64{11} << 60);
  EXPECT_EQ(csr(Csr::satp), sv39);
  set_csr(Csr::satp, u64{10} << 60 | 7);
  EXPECT_EQ(csr(Csr::satp), u64{10} << 60 | 7);
  set_csr(Csr::satp, 0);
  EXPECT_EQ(csr(Csr::satp), 0u);
}

TEST_F(CsrTest, PrivilegeAndReadOnlyNumbersAreChecked) {
  enter(Privilege::kSupervisor);
  EXPECT_TRUE(raises(csrrs(5, Csr::mstatus, 0), Exception::kIllegalInsn));
  EXPECT_EQ(csr(Csr::mtval), csrrs(5, Csr::mstatus, 0));
  run(csrrs(5, Csr::sstatus, 0));
  EXPECT_EQ(state.x[5], csr(Csr::sstatus));
  enter(Privilege::kUser);
  EXPECT_TRUE(raises(csrrs(5, Csr::sstatus, 0), Exception::kIllegalInsn));
  enter(Privilege::kMachine);
  EXPECT_TRUE(raises(csrrw(0, Csr::mhartid, 0), Exception::kIllegalInsn));
  EXPECT_FALSE(raises(csrrs(5, Csr::mhartid, 0), Exception::kIllegalInsn));
  EXPECT_TRUE(raises(csr_insn(2, 5, static_cast<Csr>(0x7c0), 0), Exception::kIllegalInsn));
}

TEST_F(CsrTest, CounterenGatesEachLevelBelow) {
  const u32 read_cycle = csrrs(5, Csr::cycle, 0);
  enter(Privilege::kSupervisor);
  EXPECT_TRUE(raises(read_cycle, Exception::kIllegalInsn));
  set_csr(Csr::mcounteren, 1);
  EXPECT_FALSE(raises(read_cycle, Exception::kIllegalInsn));
  EXPECT_TRUE(raises(csrrs(5, Csr::instret, 0), Exception::kIllegalInsn));
  enter(Privilege::kUser);
  EXPECT_TRUE(raises(read_cycle, Exception::kIllegalInsn));
  set_csr(Csr::scounteren, 1);
  EXPECT_FALSE(raises(read_cycle, Exception::kIllegalInsn));
}

TEST_F(CsrTest, FloatCsrsNeedAndDirtyFs) {
  EXPECT_TRUE(raises(csrrs(5, Csr::fcsr, 0), Exception::kIllegalInsn));
  set_csr(Csr::mstatus, 1 << 13);
  run(csrrs(5, Csr::fcsr, 0));
  EXPECT_EQ(bits(csr(Csr::mstatus), 14, 13), 1u);
  state.x[5] = 0xff;
  run(csrrw(6, Csr::fcsr, 5));
  EXPECT_EQ(bits(csr(Csr::mstatus), 14, 13), 3u);
  EXPECT_EQ(bits(csr(Csr::mstatus), 63, 63), 1u);
  EXPECT_EQ(csr(Csr::fflags), 0x1fu);
  EXPECT_EQ(csr(Csr::frm), 7u);
}

TEST_F(CsrTest, InstretSkipsTrapsAndTakesTheWrittenValue) {
  const u64 before = csr(Csr::minstret);
  run(kNop);
  run(kEcall);
  EXPECT_EQ(csr(Csr::minstret), before + 1);
  EXPECT_EQ(state.icount, 2u);
  state.x[5] = 1000;
  run(csrrw(0, Csr::minstret, 5));
  run(csrrs(6, Csr::minstret, 0));
  EXPECT_EQ(state.x[6], 1000u);
  run(csrrw(0, Csr::mcycle, 5));
  run(kNop);
  run(csrrs(6, Csr::mcycle, 0));
  EXPECT_EQ(state.x[6], 1001u);
}

TEST_F(CsrTest, TvmGuardsSatpFromTheSupervisor) {
  enter(Privilege::kSupervisor);
  EXPECT_FALSE(raises(csrrs(5, Csr::satp, 0), Exception::kIllegalInsn));
  state.mstatus |= kStatusTvm;
  EXPECT_TRUE(raises(csrrs(5, Csr::satp, 0), Exception::kIllegalInsn));
  EXPECT_TRUE(raises(sfence_vma(0, 0), Exception::kIllegalInsn));
}

TEST_F(CsrTest, LockedPmpEntriesAndTheLowerEndsOfTheirRangesKeepTheirValues) {
  set_csr(Csr::pmpaddr2, ~u64{0});
  EXPECT_EQ(csr(Csr::pmpaddr2), (u64{1} << 54) - 1);
  set_csr(Csr::pmpaddr3, 7);
  set_csr(Csr::pmpcfg0, 0x7fULL << 16 | 0x8fULL << 24);  // entry 2 reserved bits, entry 3 a locked range
  EXPECT_EQ(csr(Csr::pmpcfg0) >> 16, 0x8f1fu);
  set_csr(Csr::pmpaddr2, 1);
  set_csr(Csr::pmpaddr3, 1);
  EXPECT_EQ(csr(Csr::pmpaddr2), (u64{1} << 54) - 1);
  EXPECT_EQ(csr(Csr::pmpaddr3), 7u);
  set_csr(Csr::pmpcfg0, 0x1a00);  // entry 1 with W and not R keeps what it had
  EXPECT_EQ(csr(Csr::pmpcfg0) >> 8 & 0xff, 0u);
  EXPECT_EQ(csr(Csr::pmpcfg0) >> 24, 0x8fu);
  set_csr(Csr::pmpcfg2, 0x0f);
  EXPECT_EQ(csr(Csr::pmpcfg2), 0x0fu);
  EXPECT_FALSE(hart.read_csr(number_of(Csr::pmpcfg0) + 1));
}

TEST_F(CsrTest, InhibitedCountersStandStill) {
  set_csr(Csr::mcountinhibit, 1);
  const u64 cycle = csr(Csr::mcycle);
  const u64 instret = csr(Csr::minstret);
  run(kNop);
  EXPECT_EQ(csr(Csr::mcycle), cycle);
  EXPECT_EQ(csr(Csr::minstret), instret + 1);
  state.x[5] = 1000;
  run(csrrw(0, Csr::mcycle, 5));
  EXPECT_EQ(csr(Csr::mcycle), 1000u);
  set_csr(Csr::mcountinhibit, 0);
  run(kNop);
  EXPECT_EQ(csr(Csr::mcycle), 1001u);
}

TEST_F(CsrTest, StimecmpNeedsBothEnablesBelowMachineMode) {
  set_csr(Csr::stimecmp, 5);
  EXPECT_FALSE(env.compare);
  const u32 read = csrrs(6, Csr::stimecmp, 0);
  enter(Privilege::kSupervisor);
  EXPECT_TRUE(raises(read, Exception::kIllegalInsn));
  set_csr(Csr::menvcfg, u64{kEnvcfgStce});
  EXPECT_EQ(env.compare, 5u);
  EXPECT_TRUE(raises(read, Exception::kIllegalInsn));
  set_csr(Csr::mcounteren, 2);
  EXPECT_FALSE(raises(read, Exception::kIllegalInsn));
  EXPECT_EQ(state.x[6], 5u);
  state.x[5] = 77;
  run(csrrw(0, Csr::stimecmp, 5));
  EXPECT_EQ(env.compare, 77u);
  enter(Privilege::kUser);
  EXPECT_TRUE(raises(read, Exception::kIllegalInsn));
}

TEST_F(CsrTest, StipIsReadOnlyUnderSstc) {
  set_csr(Csr::mip, 0x222);
  set_csr(Csr::menvcfg, u64{kEnvcfgStce});
  EXPECT_EQ(csr(Csr::mip), 0x202u);
  set_csr(Csr::mip, 0x222);
  EXPECT_EQ(csr(Csr::mip), 0x202u);
  hart.set_interrupt(Interrupt::kSupervisorTimer, true);
  EXPECT_EQ(csr(Csr::mip), 0x222u);
}

TEST_F(CsrTest, WithoutTheExtensionsTheirBitsAndCsrsAreAbsent) {
  const auto plain = std::make_unique<Hart>(0, bus, TlbConfig{}, env, ExtensionSet{Extension::Svade});
  plain->write_csr(number_of(Csr::menvcfg), ~u64{0});
  EXPECT_EQ(plain->read_csr(number_of(Csr::menvcfg)), 1u);
  EXPECT_FALSE(plain->read_csr(number_of(Csr::stimecmp)));
  EXPECT_EQ(plain->data_mode().rules, (PteRules{.ad_update = AdUpdate::kFault}));
  const auto neither = std::make_unique<Hart>(0, bus, TlbConfig{}, env, ExtensionSet{});
  EXPECT_EQ(neither->data_mode().rules, (PteRules{.ad_update = AdUpdate::kHardware}));
  const auto both =
      std::make_unique<Hart>(0, bus, TlbConfig{}, env, ExtensionSet{Extension::Svade, Extension::Svadu});
  EXPECT_EQ(both->data_mode().rules.ad_update, AdUpdate::kFault);
  both->write_csr(number_of(Csr::menvcfg), ~u64{0});
  EXPECT_EQ(both->data_mode().rules.ad_update, AdUpdate::kHardware);
}

TEST_F(CsrTest, SvinvalFencesAreForTheSupervisorWhateverTvm) {
  constexpr u32 kSinvalVma = 11u << 25 | 0x73;
  constexpr u32 kSfenceWInval = 12u << 25 | 0x73;
  constexpr u32 kSfenceInvalIr = 12u << 25 | 1u << 20 | 0x73;
  enter(Privilege::kSupervisor);
  for (const u32 raw : {kSinvalVma, kSfenceWInval, kSfenceInvalIr}) {
    EXPECT_FALSE(raises(raw, Exception::kIllegalInsn));
  }
  state.mstatus |= kStatusTvm;
  EXPECT_TRUE(raises(kSinvalVma, Exception::kIllegalInsn));
  EXPECT_FALSE(raises(kSfenceWInval, Exception::kIllegalInsn));
  EXPECT_FALSE(raises(kSfenceInvalIr, Exception::kIllegalInsn));
  enter(Privilege::kUser);
  for (const u32 raw : {kSinvalVma, kSfenceWInval, kSfenceInvalIr}) {
    EXPECT_TRUE(raises(raw, Exception::kIllegalInsn));
  }
}

TEST_F(CsrTest, HostSeesThemAllAndOnlyThose) {
  unsigned count = 0;
  for (unsigned number = 0; number < 4096; ++number) {
    EXPECT_EQ(hart.read_csr(number).has_value(), csr_exists(number));
    count += csr_exists(number) ? 1 : 0;
  }
  EXPECT_GT(count, 60u);
  EXPECT_FALSE(hart.write_csr(number_of(Csr::mhartid), 1));
  EXPECT_FALSE(hart.write_csr(0x7c0, 1));
}

}  // namespace
}  // namespace quire
