#include "emu/mem/fence_checker.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/mem/page_tables.h"

namespace quire {
namespace {

using namespace test;

constexpr u64 kVa = 0x1000;
constexpr u64 kPage = kRam + 0x5000;
constexpr u64 kOther = kRam + 0x9000;

struct FenceCheckerTest : testing::Test {
  Ram ram{PhysAddr(kRam), 0x40'0000};
  PageTables tables{ram};
  Tlb tlb{TlbConfig{}};
  MemoryMode user = user_mode(tables, 3);
  FenceChecker::Place place{0x8000'1000, 100};
  FenceChecker checker{[this] { return place; }};

  const FenceReport& report() { return checker.report(); }
  /// The TLB holds `before`, the table `after`; then the access hits.
  void use(Pte before, Pte after, Access access) {
    tlb.flush_all();
    tlb.insert(VirtAddr(kVa), 3, before, 0);
    tables.set(kVa, 0, after);
    checker.check(*tlb.peek(VirtAddr(kVa), 3), user, VirtAddr(kVa + 8), access,
                  walk(ram, VirtAddr(kVa + 8), access, user));
  }
  static Pte pte(u64 frame, u64 flags) { return Pte::make(PhysAddr(frame), flags); }
};

TEST_F(FenceCheckerTest, WhatTheTableStillSaysIsNoFinding) {
  use(pte(kPage, kAll), pte(kPage, kAll), Access::kWrite);
  EXPECT_EQ(report().hits_checked, 1u);
  EXPECT_EQ(report().stale_uses, 0u);
}

TEST_F(FenceCheckerTest, UsesThatAFreshWalkWouldAnswerOtherwiseAreFindings) {
  use(pte(kPage, kAll), pte(kPage, 0), Access::kRead);
  use(pte(kPage, kAll), pte(kOther, kAll), Access::kRead);
  use(pte(kPage, kAll), pte(kPage, kAll & ~kPteWrite), Access::kWrite);
  use(pte(kPage, kAll), pte(kPage, kAll & ~kPteDirty), Access::kWrite);
  ASSERT_EQ(report().findings.size(), 4u);
  EXPECT_EQ(report().findings[0].use, StaleUse::kUnmapped);
  EXPECT_EQ(report().findings[1].use, StaleUse::kRemapped);
  EXPECT_EQ(report().findings[2].use, StaleUse::kPermission);
  EXPECT_EQ(report().findings[3].use, StaleUse::kDirtyCleared);
  const FenceFinding& remapped = report().findings[1];
  EXPECT_EQ(remapped.pc, 0x8000'1000u);
  EXPECT_EQ(remapped.va, kVa + 8);
  EXPECT_EQ(remapped.asid, 3u);
  EXPECT_EQ(remapped.cached_physical, kPage + 8);
  EXPECT_EQ(remapped.table_physical, kOther + 8);
  EXPECT_EQ(remapped.table_pte_address, tables.pte_address(kVa, 0).value);
  EXPECT_EQ(
      remapped.describe(),
      "missing sfence.vma: load of 0x1008 at pc 0x80001000 (U-mode, ASID 3, instruction 100) used a stale "
      "TLB entry: it has 0x80005008 vrwxu-ad, the table has 0x80009008 vrwxu-ad, entry at 0x80102008");
}

TEST_F(FenceCheckerTest, SpuriousFaultsAndClearedAccessedBitsAreOnlyCounted) {
  use(pte(kPage, kAll & ~kPteWrite), pte(kPage, kAll), Access::kWrite);
  EXPECT_EQ(report().spurious_faults, 1u);
  use(pte(kPage, kAll), pte(kPage, kAll & ~kPteAccessed), Access::kRead);
  EXPECT_EQ(report().accessed_cleared, 1u);
  user.rules.ad_update = AdUpdate::kFault;
  use(pte(kPage, kAll), pte(kPage, kAll & ~kPteAccessed), Access::kRead);
  EXPECT_EQ(report().accessed_cleared, 2u);
  use(pte(kPage, kAll & ~kPteDirty), pte(kOther, kAll), Access::kWrite);  // walked anew for D
  use(pte(kPage, kAll), pte(kPage, kAll & ~kPteDirty), Access::kRead);    // D is of no use to a load
  EXPECT_EQ(report().stale_uses, 0u);
}

TEST_F(FenceCheckerTest, OneInstructionAndPageIsOneFindingAndTheListIsBounded) {
  for (int i = 0; i < 5; ++i) use(pte(kPage, kAll), pte(kOther, kAll), Access::kRead);
  ASSERT_EQ(report().findings.size(), 1u);
  EXPECT_EQ(report().findings[0].count, 5u);
  EXPECT_EQ(report().findings[0].describe().substr(report().findings[0].describe().size() - 9), "; 5 times");
  for (u64 i = 1; i <= FenceReport::kMaxFindings; ++i) {
    place.pc += 4;
    use(pte(kPage, kAll), pte(kOther, kAll), Access::kRead);
  }
  EXPECT_EQ(report().findings.size(), FenceReport::kMaxFindings);
  EXPECT_EQ(report().unlisted, 1u);
  EXPECT_EQ(report().stale_uses, 5 + FenceReport::kMaxFindings);
}

}  // namespace
}  // namespace quire
