#include "emu/hart/execute.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "emu/hart/arithmetic.h"
#include "tests/unit/emu/hart/system.h"

namespace quire {
namespace {

using namespace test;
using ExecuteTest = HartTest;

constexpr u64 kData = kRam + 0x8000;

TEST(PlainArithmetic, DivisionHasTheManualsResultsAtTheEdges) {
  using A = PlainArithmetic;
  constexpr u64 kMin = u64{1} << 63;
  EXPECT_EQ(A::div_s(5, 0), ~u64{0});
  EXPECT_EQ(A::rem_s(5, 0), 5u);
  EXPECT_EQ(A::div_u(5, 0), ~u64{0});
  EXPECT_EQ(A::rem_u(5, 0), 5u);
  EXPECT_EQ(A::div_s(kMin, ~u64{0}), kMin);
  EXPECT_EQ(A::rem_s(kMin, ~u64{0}), 0u);
  EXPECT_EQ(A::div_s(static_cast<u64>(-7), 2), static_cast<u64>(-3));
  EXPECT_EQ(A::rem_s(static_cast<u64>(-7), 2), static_cast<u64>(-1));
}

TEST(PlainArithmetic, HighProductsKeepTheirSigns) {
  using A = PlainArithmetic;
  EXPECT_EQ(A::mulh_ss(~u64{0}, ~u64{0}), 0u);
  EXPECT_EQ(A::mulh_uu(~u64{0}, ~u64{0}), ~u64{0} - 1);
  EXPECT_EQ(A::mulh_su(~u64{0}, ~u64{0}), ~u64{0});
  EXPECT_EQ(A::mulh_su(2, u64{1} << 63), 1u);
}

TEST_F(ExecuteTest, StoreConditionalNeedsTheReservationOnce) {
  ASSERT_TRUE(bus.store(PhysAddr(kData), 8, 5));
  state.x[10] = kData;
  state.x[11] = 6;
  run(sc_d(12, 10, 11));
  EXPECT_EQ(state.x[12], 1u);
  run(lr_d(13, 10));
  EXPECT_EQ(state.x[13], 5u);
  run(sc_d(12, 10, 11));
  EXPECT_EQ(state.x[12], 0u);
  run(sc_d(12, 10, 11));
  EXPECT_EQ(state.x[12], 1u);
  u64 value = 0;
  ASSERT_TRUE(bus.load(PhysAddr(kData), 8, value));
  EXPECT_EQ(value, 6u);
}

TEST_F(ExecuteTest, StoreConditionalElsewhereOrOfAnotherSizeFails) {
  state.x[10] = kData;
  state.x[11] = kData + 8;
  run(lr_d(12, 10));
  run(sc_d(12, 11, 0));
  EXPECT_EQ(state.x[12], 1u);
  run(lr_d(12, 10));
  run(sc_w(12, 10, 0));
  EXPECT_EQ(state.x[12], 1u);
}

TEST_F(ExecuteTest, WritesOfOthersBreakTheReservationTheyTouch) {
  state.x[10] = kData;
  const std::array<u8, 4> bytes{};
  run(lr_d(12, 10));
  ASSERT_TRUE(bus.write(kData + 8, bytes));
  run(sc_d(12, 10, 0));
  EXPECT_EQ(state.x[12], 0u);
  run(lr_d(12, 10));
  ASSERT_TRUE(bus.write(kData - 2, bytes));
  run(sc_d(12, 10, 0));
  EXPECT_EQ(state.x[12], 1u);
}

TEST_F(ExecuteTest, MisalignedAtomicsTrapMisalignedLoadsDoNot) {
  state.x[10] = kData + 2;
  EXPECT_TRUE(raises(lr_w(12, 10), Exception::kLoadMisaligned));
  EXPECT_EQ(csr(Csr::mtval), kData + 2);
  EXPECT_TRUE(raises(sc_w(12, 10, 11), Exception::kStoreMisaligned));
  EXPECT_TRUE(raises(amoadd_w(12, 10, 11), Exception::kStoreMisaligned));
  EXPECT_FALSE(raises(ld(12, 10), Exception::kLoadMisaligned));
}

TEST_F(ExecuteTest, AtomicsFaultAsStoresEvenWhereTheyRead) {
  tables.map(0x1000, kData, kPteValid | kPteRead | kPteAccessed);
  set_csr(Csr::satp, tables.satp().raw);
  enter(Privilege::kSupervisor);
  state.x[10] = 0x1000;
  EXPECT_TRUE(raises(amoadd_w(12, 10, 11), Exception::kStorePageFault));
  EXPECT_TRUE(raises(sc_w(12, 10, 11), Exception::kStorePageFault));  // without a reservation, too
  EXPECT_FALSE(raises(lr_w(12, 10), Exception::kStorePageFault));
  state.x[10] = 0x2000;
  EXPECT_TRUE(raises(lr_w(12, 10), Exception::kLoadPageFault));
}

TEST_F(ExecuteTest, TrapLeavesTheDestinationAlone) {
  state.x[10] = 0x10;
  state.x[12] = 42;
  EXPECT_TRUE(raises(ld(12, 10), Exception::kLoadAccessFault));
  EXPECT_EQ(state.x[12], 42u);
  EXPECT_EQ(state.x[0], 0u);
}

TEST_F(ExecuteTest, FloatingPointNeedsFsAndDirtiesIt) {
  EXPECT_TRUE(raises(fadd_d(1, 2, 3, 0), Exception::kIllegalInsn));
  set_csr(Csr::mstatus, 1 << 13);
  state.f[2] = 0x3ff0'0000'0000'0000;
  state.f[3] = 0x4000'0000'0000'0000;
  run(fadd_d(1, 2, 3, 0));
  EXPECT_EQ(state.f[1], 0x4008'0000'0000'0000u);
  EXPECT_EQ(bits(csr(Csr::mstatus), 14, 13), 3u);
  set_csr(Csr::frm, 5);
  EXPECT_TRUE(raises(fadd_d(1, 2, 3, 7), Exception::kIllegalInsn));
  EXPECT_FALSE(raises(fadd_d(1, 2, 3, 1), Exception::kIllegalInsn));
}

TEST_F(ExecuteTest, FetchFaultsCarryTheAddressOfTheHalfThatFaulted) {
  tables.map(0x1000, kRam + 0x5000, kPteValid | kPteExecute | kPteAccessed);
  set_csr(Csr::satp, tables.satp().raw);
  enter(Privilege::kSupervisor);
  const u32 addi = 0x0010'0093;
  ASSERT_TRUE(bus.store(PhysAddr(kRam + 0x5ffe), 2, addi & 0xffff));
  state.pc = 0x1ffe;
  EXPECT_FALSE(fetch(hart).has_value());
  EXPECT_EQ(csr(Csr::mcause), 12u);
  EXPECT_EQ(csr(Csr::mepc), 0x1ffeu);
  EXPECT_EQ(csr(Csr::mtval), 0x2000u);

  enter(Privilege::kSupervisor);
  tables.map(0x2000, kRam + 0x9000, kPteValid | kPteExecute | kPteAccessed);
  ASSERT_TRUE(bus.store(PhysAddr(kRam + 0x9000), 2, addi >> 16));
  state.pc = 0x1ffe;
  const auto insn = fetch(hart);
  ASSERT_TRUE(insn.has_value());
  EXPECT_EQ(insn->raw, addi);
}

TEST_F(ExecuteTest, HeldFetchPageIsLookedUpOnceAndDroppedByFences) {
  tables.map(0x1000, kRam + 0x5000, kPteValid | kPteExecute | kPteAccessed);
  set_csr(Csr::satp, tables.satp().raw);
  enter(Privilege::kSupervisor);
  state.pc = 0x1000;
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(enter_fetch_page(hart, 0x1000 + 4 * i));
  EXPECT_EQ(hart.mmu().tlb().stats().misses, 1u);
  EXPECT_EQ(hart.mmu().tlb().stats().hits, 0u);
  tables.set(0x1000, 0, Pte{});
  ASSERT_FALSE(enter_fetch_page(hart, 0x1000));
  run(sfence_vma(0, 0));
  EXPECT_EQ(enter_fetch_page(hart, 0x1004), (Trap{Exception::kInsnPageFault, 0x1004}));
}

TEST_F(ExecuteTest, InstructionsComeFromRamAlone) {
  state.pc = 0x1000;
  EXPECT_FALSE(fetch(hart).has_value());
  EXPECT_EQ(csr(Csr::mcause), 1u);
  EXPECT_EQ(csr(Csr::mtval), 0x1000u);
}

TEST_F(ExecuteTest, FenceOperandsAreSaidByRegisterNumber) {
  tables.map(0x1000, kData, kKernelData);
  set_csr(Csr::satp, tables.satp(1).raw);
  enter(Privilege::kSupervisor);
  state.x[10] = 0x1000;
  run(ld(12, 10));
  state.x[11] = 2;  // another ASID
  run(sfence_vma(0, 11));
  EXPECT_NE(hart.mmu().tlb().peek(VirtAddr(0x1000), 1), nullptr);
  state.x[11] = 1;
  run(sfence_vma(10, 11));
  EXPECT_EQ(hart.mmu().tlb().peek(VirtAddr(0x1000), 1), nullptr);
}

TEST_F(ExecuteTest, ArchitecturalStateTellsTlbContentsApart) {
  std::vector<u64> before, after;
  hart.append_architectural_state(before);
  tables.map(0x1000, kData, kKernelData);
  PhysAddr pa;
  ASSERT_FALSE(hart.mmu().translate(supervisor_mode(tables), VirtAddr(0x1000), Access::kRead, pa));
  hart.append_architectural_state(after);
  EXPECT_NE(before, after);
}

}  // namespace
}  // namespace quire
