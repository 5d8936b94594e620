#include "emu/mem/walk.h"

#include <gtest/gtest.h>

#include "emu/mem/trap.h"
#include "tests/unit/emu/mem/page_tables.h"

namespace quire {
namespace {

using namespace test;

constexpr u64 kVa = 0x40'1234;
constexpr u64 kPage = kRam + 0x5000;

struct WalkTest : testing::Test {
  Ram ram{PhysAddr(kRam), 0x40'0000};
  PageTables tables{ram};
  MemoryMode user = user_mode(tables);
  MemoryMode supervisor = supervisor_mode(tables);

  WalkFault fault(Access access, const MemoryMode& mode, u64 va = kVa) {
    return walk(ram, VirtAddr(va), access, mode).fault;
  }
};

TEST_F(WalkTest, FollowsThreeLevelsAndReportsEach) {
  tables.map(kVa, kPage, kAll);
  const PageWalk found = walk(ram, VirtAddr(kVa), Access::kRead, user);
  ASSERT_EQ(found.fault, WalkFault::kNone);
  ASSERT_EQ(found.step_count, 3u);
  EXPECT_EQ(found.steps[0].address, tables.root());
  EXPECT_EQ(found.steps[0].level, 2u);
  EXPECT_EQ(found.leaf().level, 0u);
  EXPECT_EQ(found.leaf().address, tables.pte_address(kVa, 0));
  EXPECT_EQ(leaf_address(found.leaf().pte, 0, VirtAddr(kVa)).value, kPage + 0x234);
}

TEST_F(WalkTest, SuperpagesTakeTheRestOfTheAddress) {
  tables.map(0x60'0000, kRam + 0x20'0000, kAll, 1);
  tables.map(0x8000'0000, 0x8000'0000, kAll, 2);
  const PageWalk mega = walk(ram, VirtAddr(0x73'4567), Access::kWrite, user);
  ASSERT_EQ(mega.fault, WalkFault::kNone);
  EXPECT_EQ(leaf_address(mega.leaf().pte, 1, VirtAddr(0x73'4567)).value, kRam + 0x33'4567);
  const PageWalk giga = walk(ram, VirtAddr(0x9abc'def0), Access::kWrite, user);
  ASSERT_EQ(giga.fault, WalkFault::kNone);
  EXPECT_EQ(giga.step_count, 1u);
  EXPECT_EQ(leaf_address(giga.leaf().pte, 2, VirtAddr(0x9abc'def0)).value, 0x9abc'def0u);
}

TEST_F(WalkTest, MisalignedSuperpagesFault) {
  tables.map(0x60'0000, kRam + 0x20'1000, kAll, 1);
  tables.map(0x8000'0000, 0x8020'0000, kAll, 2);
  EXPECT_EQ(fault(Access::kRead, user, 0x60'0000), WalkFault::kMisalignedSuperpage);
  EXPECT_EQ(fault(Access::kRead, user, 0x8000'0000), WalkFault::kMisalignedSuperpage);
}

TEST_F(WalkTest, AddressesMustBeSignExtended) {
  tables.map(0xffff'ffc0'0000'0000, kPage, kAll);
  EXPECT_EQ(fault(Access::kRead, user, 0xffff'ffc0'0000'0000), WalkFault::kNone);
  EXPECT_EQ(fault(Access::kRead, user, 0x40'0000'0000), WalkFault::kNotCanonical);
  EXPECT_EQ(fault(Access::kRead, user, 0xffff'ff80'0000'0000), WalkFault::kNotCanonical);
  EXPECT_EQ(fault(Access::kRead, user, 0x8000'0000'0000'0000), WalkFault::kNotCanonical);
}

TEST_F(WalkTest, InvalidAndReservedEntriesFault) {
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kInvalid);
  tables.map(kVa, kPage, kAll & ~kPteValid);
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kInvalid);
  tables.map(kVa, kPage, kAll & ~kPteRead);  // W without R
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kReserved);
  EXPECT_EQ(fault(Access::kExecute, user), WalkFault::kReserved);
  for (unsigned bit = 54; bit < 64; ++bit) {
    tables.set(kVa, 0, Pte{Pte::make(PhysAddr(kPage), kAll).raw | u64{1} << bit});
    EXPECT_EQ(fault(Access::kRead, user), WalkFault::kReserved) << bit;
  }
  tables.map(kVa, kPage, kPteValid);
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kNoLeaf);
}

TEST_F(WalkTest, PointersWithLeafBitsAreReserved) {
  tables.map(kVa, kPage, kAll);
  const Pte pointer = tables.get(kVa, 1);
  for (const u64 flag : {kPteAccessed, kPteDirty, kPteUser}) {
    tables.set(kVa, 1, Pte{pointer.raw | flag});
    EXPECT_EQ(fault(Access::kRead, user), WalkFault::kReserved) << flag;
  }
  tables.set(kVa, 1, Pte{pointer.raw | kPteGlobal | kPteSoftware0});
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kNone);
}

TEST_F(WalkTest, TablesOutsideRamAreAccessFaults) {
  tables.map(kVa, kPage, kAll);
  tables.set(kVa, 1, Pte::make(PhysAddr(0x1000'0000), kPteValid));
  EXPECT_EQ(fault(Access::kExecute, user), WalkFault::kTableOutsideRam);
  EXPECT_EQ(exception_of(WalkFault::kTableOutsideRam, Access::kExecute), Exception::kInsnAccessFault);
  EXPECT_EQ(exception_of(WalkFault::kTableOutsideRam, Access::kWrite), Exception::kStoreAccessFault);
  EXPECT_EQ(exception_of(WalkFault::kInvalid, Access::kWrite), Exception::kStorePageFault);
}

TEST_F(WalkTest, UserAndSupervisorPagesAreApart) {
  tables.map(kVa, kPage, kAll);
  EXPECT_EQ(fault(Access::kRead, supervisor), WalkFault::kUserPage);
  supervisor.sum = true;
  EXPECT_EQ(fault(Access::kRead, supervisor), WalkFault::kNone);
  EXPECT_EQ(fault(Access::kWrite, supervisor), WalkFault::kNone);
  EXPECT_EQ(fault(Access::kExecute, supervisor), WalkFault::kUserPage);  // SUM or not
  tables.map(kVa, kPage, kAll & ~kPteUser);
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kSupervisorPage);
  EXPECT_EQ(fault(Access::kExecute, supervisor), WalkFault::kNone);
}

TEST_F(WalkTest, PermissionsFollowTheAccess) {
  tables.map(kVa, kPage, kPteValid | kPteExecute | kPteUser);
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kNotReadable);
  EXPECT_EQ(fault(Access::kWrite, user), WalkFault::kNotWritable);
  EXPECT_EQ(fault(Access::kExecute, user), WalkFault::kNone);
  user.mxr = true;
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kNone);
  EXPECT_EQ(fault(Access::kWrite, user), WalkFault::kNotWritable);
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteUser);
  EXPECT_EQ(fault(Access::kWrite, user), WalkFault::kNotWritable);
  EXPECT_EQ(fault(Access::kExecute, user), WalkFault::kNotExecutable);
}

TEST_F(WalkTest, SoftwareManagedBitsAreFaults) {
  user.rules.ad_update = AdUpdate::kFault;
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser);
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kAccessedClear);
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser | kPteAccessed);
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kNone);
  EXPECT_EQ(fault(Access::kWrite, user), WalkFault::kDirtyClear);
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteUser);
  EXPECT_EQ(fault(Access::kWrite, user), WalkFault::kNotWritable);  // before A and D are looked at
}

TEST_F(WalkTest, NapotEntriesAreThoseOf64KiBAtTheLowestLevel) {
  Pte pte = Pte::make(PhysAddr((kPage & ~u64{0xffff}) | 0x8000), kAll);
  pte.raw |= kPteNapot;
  tables.set(kVa, 0, pte);
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kReserved);
  user.rules.napot = true;
  EXPECT_EQ(fault(Access::kRead, user), WalkFault::kNone);
  EXPECT_EQ(leaf_address(pte, 0, VirtAddr(0xa123)).value, (kPage & ~u64{0xffff}) + 0xa123);
  for (const u64 low : {0x0000, 0x1000, 0x4000, 0xc000}) {
    Pte bad = Pte::make(PhysAddr((kPage & ~u64{0xffff}) | low), kAll);
    bad.raw |= kPteNapot;
    tables.set(kVa, 0, bad);
    EXPECT_EQ(fault(Access::kRead, user), WalkFault::kBadNapot) << low;
  }
}

TEST_F(WalkTest, MemoryTypesNeedTheirEnableAndTypeThreeIsReserved) {
  for (u64 type = 1; type <= 3; ++type) {
    Pte pte = Pte::make(PhysAddr(kPage), kAll);
    pte.raw |= type << 61;
    tables.set(kVa, 0, pte);
    user.rules.pbmt = false;
    EXPECT_EQ(fault(Access::kRead, user), WalkFault::kReserved);
    user.rules.pbmt = true;
    EXPECT_EQ(fault(Access::kRead, user), type == 3 ? WalkFault::kReserved : WalkFault::kNone);
  }
}

TEST_F(WalkTest, DeeperModesAreTheSameWalkFromHigherUp) {
  tables.map(kVa, kPage, kAll);
  PhysAddr next(kRam + 0x30'0000);
  PhysAddr below = tables.root();
  for (const SatpMode mode : {SatpMode::kSv48, SatpMode::kSv57}) {
    const Pte pointer = Pte::make(below, kPteValid);
    std::memcpy(ram.host(next), &pointer, sizeof pointer);
    user.satp = Satp::make(mode, 0, next);
    const PageWalk found = walk(ram, VirtAddr(kVa), Access::kRead, user);
    EXPECT_EQ(found.fault, WalkFault::kNone);
    EXPECT_EQ(found.step_count, levels_of(mode));
    // The first address that the mode cannot express, and the last of the upper half.
    const u64 top = u64{1} << (levels_of(mode) * kPteIndexBits + kPageShift - 1);
    EXPECT_EQ(walk(ram, VirtAddr(top), Access::kRead, user).fault, WalkFault::kNotCanonical);
    EXPECT_EQ(walk(ram, VirtAddr(~u64{0}), Access::kRead, user).fault, WalkFault::kInvalid);
    below = next;
    next += kPageBytes;
  }
}

TEST_F(WalkTest, ChangesNothing) {
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser);
  EXPECT_EQ(fault(Access::kWrite, user), WalkFault::kNone);
  EXPECT_EQ(tables.get(kVa).flags(), kPteValid | kPteRead | kPteWrite | kPteUser);
}

TEST_F(WalkTest, EveryFaultHasWords) {
  for (unsigned i = 0; i <= static_cast<unsigned>(WalkFault::kDirtyClear); ++i) {
    EXPECT_STRNE(describe(static_cast<WalkFault>(i)), "");
  }
}

}  // namespace
}  // namespace quire
