#include "emu/mem/fast_tlb.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace quire {
namespace {

constexpr unsigned kUser = 1;
constexpr u64 kVa = 0x4000'5000;

u64 satp_of(u16 asid) { return Satp::make(SatpMode::kSv39, asid, PhysAddr(0x8000'0000)).raw; }

struct FastTlbTest : testing::Test {
  FastTlb fast;
  u8* host = nullptr;

  bool hits(Access access, u64 va, unsigned size = 8) {
    return fast.bank(kUser).find(access, va, size, host);
  }
  void fill(Access access, u64 va, u64 payload = 0) { fast.fill(kUser, access, va, payload); }
};

TEST_F(FastTlbTest, NothingIsThereAtFirst) {
  for (const u64 va : {u64{0}, u64{8}, kVa, ~u64{0} - 7, ~u64{0} - 3}) {
    EXPECT_FALSE(hits(Access::kRead, va)) << va;
    EXPECT_FALSE(hits(Access::kWrite, va)) << va;
  }
}

TEST_F(FastTlbTest, AnAccessHitsWhereAllItsBytesAreInThePage) {
  fill(Access::kRead, kVa, 0x1000);
  EXPECT_TRUE(hits(Access::kRead, kVa + 0xff8));
  EXPECT_EQ(reinterpret_cast<u64>(host), kVa + 0x1ff8);
  EXPECT_FALSE(hits(Access::kRead, kVa + 0xff9));
  EXPECT_FALSE(hits(Access::kWrite, kVa));
}

TEST_F(FastTlbTest, ComingBackToASpaceFindsWhatItHeld) {
  fast.enter(satp_of(1));
  fill(Access::kRead, kVa, 0x10);
  fast.enter(satp_of(2));
  EXPECT_FALSE(hits(Access::kRead, kVa));
  fast.enter(satp_of(1));
  EXPECT_TRUE(hits(Access::kRead, kVa));
}

TEST_F(FastTlbTest, OfManySpacesTheCurrentOneStays) {
  for (u16 round = 0; round < 3; ++round) {
    for (u16 asid = 1; asid <= 3 * FastTlb::kSpaces; ++asid) {
      fast.enter(satp_of(asid));
      fill(Access::kRead, kVa + asid * kPageBytes, asid);
      EXPECT_TRUE(hits(Access::kRead, kVa + asid * kPageBytes));
      EXPECT_FALSE(hits(Access::kRead, kVa + (asid - 1U) * kPageBytes));
    }
  }
}

TEST_F(FastTlbTest, APageIsClearedInEverySpaceOrInThoseOfAnAsid) {
  for (const u16 asid : {1, 2}) {
    fast.enter(satp_of(asid));
    fill(Access::kRead, kVa);
    fill(Access::kWrite, kVa + kPageBytes);
  }
  fast.clear_page(VirtAddr(kVa + 8), 1);
  EXPECT_TRUE(hits(Access::kRead, kVa));
  fast.clear_page(VirtAddr(kVa + kPageBytes));
  EXPECT_FALSE(hits(Access::kWrite, kVa + kPageBytes));
  fast.enter(satp_of(1));
  EXPECT_FALSE(hits(Access::kRead, kVa));
  EXPECT_FALSE(hits(Access::kWrite, kVa + kPageBytes));
}

TEST_F(FastTlbTest, AnAsidIsClearedInAllItsSpaces) {
  const u64 other_root = Satp::make(SatpMode::kSv39, 1, PhysAddr(0x8000'1000)).raw;
  for (const u64 satp : {satp_of(1), other_root, satp_of(2)}) {
    fast.enter(satp);
    fill(Access::kRead, kVa);
  }
  fast.clear_asid(1);
  EXPECT_TRUE(hits(Access::kRead, kVa));
  fast.enter(other_root);
  EXPECT_FALSE(hits(Access::kRead, kVa));
  fast.enter(satp_of(1));
  EXPECT_FALSE(hits(Access::kRead, kVa));
}

TEST_F(FastTlbTest, ARangeIsClearedAndNothingBesideIt) {
  constexpr u64 kBytes = 4 * kPageBytes;
  for (u64 at = 0; at < 6; ++at) fill(Access::kRead, kVa + at * kPageBytes);
  fast.clear_range(VirtAddr(kVa + kPageBytes), kBytes);
  for (u64 at = 0; at < 6; ++at)
    EXPECT_EQ(hits(Access::kRead, kVa + at * kPageBytes), at == 0 || at == 5) << at;
}

TEST_F(FastTlbTest, StoresToAPageAreClearedWhereverItIsMapped) {
  u8 page[8];
  const u64 at = reinterpret_cast<u64>(page);
  for (const u64 va : {kVa, kVa + 0x10'0000}) {
    fill(Access::kWrite, va, at - va);
    fill(Access::kRead, va, at - va);
  }
  fill(Access::kWrite, kVa + kPageBytes, 1);
  fast.clear_stores_to(page);
  EXPECT_FALSE(hits(Access::kWrite, kVa));
  EXPECT_FALSE(hits(Access::kWrite, kVa + 0x10'0000));
  EXPECT_TRUE(hits(Access::kRead, kVa));
  EXPECT_TRUE(hits(Access::kWrite, kVa + kPageBytes));
  fast.clear_stores();
  EXPECT_FALSE(hits(Access::kWrite, kVa + kPageBytes));
}

// Copies of entries are good as long as the bank's key is the same.
struct FastTlbCopies : FastTlbTest {
  u64 key() { return fast.bank(kUser).key; }
  void fill_and_copy(u64 va) {
    fill(Access::kRead, va);
    FastTlb::Bank& bank = fast.bank(kUser);
    const u64 index = (va >> kPageShift) & (FastTlb::kEntries - 1);
    bank.copied[index / 64] |= u64{1} << (index % 64);
    bank.any_copied = 1;
  }
};

TEST_F(FastTlbCopies, EndWithTheirEntry) {
  const std::function<void()> ways[] = {[&] { fast.clear(); },
                                        [&] { fast.clear_asid(0); },
                                        [&] { fast.clear_page(VirtAddr(kVa + 8)); },
                                        [&] { fast.clear_page(VirtAddr(kVa), 0); },
                                        [&] { fast.clear_range(VirtAddr(kVa), kPageBytes); },
                                        [&] { fast.clear_range(VirtAddr(kVa), kPageBytes, 0); },
                                        [&] { fast.clear_stores(); }};
  for (const auto& clear : ways) {
    fill_and_copy(kVa);
    const u64 before = key();
    clear();
    EXPECT_NE(key(), before) << &clear - ways;
  }
}

TEST_F(FastTlbCopies, EndAlsoWhereTheirEntryHasMadeRoom) {
  fill_and_copy(kVa);
  fill(Access::kRead, kVa + FastTlb::kEntries * kPageBytes);
  const u64 before = key();
  fast.clear_page(VirtAddr(kVa));
  EXPECT_NE(key(), before);
}

TEST_F(FastTlbCopies, StayWhereOthersAreCleared) {
  fill_and_copy(kVa);
  fill(Access::kRead, kVa + kPageBytes);
  const u64 before = key();
  fast.clear_page(VirtAddr(kVa + kPageBytes));
  fast.clear_page(VirtAddr(kVa), 7);
  EXPECT_EQ(key(), before);
}

TEST_F(FastTlbCopies, AreOfOneSpaceAndOneBank) {
  fast.enter(satp_of(1));
  fill_and_copy(kVa);
  std::set<u64> keys;
  for (u16 asid = 1; asid <= FastTlb::kSpaces; ++asid) {
    fast.enter(satp_of(asid));
    for (unsigned index = 0; index < FastTlb::kBanks; ++index) keys.insert(fast.bank(index).key);
  }
  EXPECT_EQ(keys.size(), FastTlb::kSpaces * (FastTlb::kBanks - 1) + 1);  // they share one
  fast.enter(satp_of(1));
  const u64 before = key();
  for (u16 asid = 100; asid < 100 + FastTlb::kSpaces; ++asid) fast.enter(satp_of(asid));
  for (u16 asid = 100; asid < 100 + FastTlb::kSpaces; ++asid) {
    fast.enter(satp_of(asid));
    EXPECT_NE(key(), before) << asid;  // one of these is where the first was
  }
}

TEST_F(FastTlbTest, WhatWasClearedCanBeFilledAgainWithoutEnd) {
  for (unsigned round = 0; round < 20 * FastTlb::kEntries; ++round) {
    fill(Access::kRead, kVa);
    ASSERT_TRUE(hits(Access::kRead, kVa));
    fast.clear_page(VirtAddr(kVa));
  }
  fill(Access::kRead, kVa);
  fast.clear();
  EXPECT_FALSE(hits(Access::kRead, kVa));
}

TEST_F(FastTlbTest, WhatReachesEverySpaceIsFoundInAllAndTheRestOfItsBankLeavesWithItsSpace) {
  const auto found = [&](u64 va) { return fast.bank(FastTlb::kSharedBank).find(Access::kRead, va, 8, host); };
  fast.enter(satp_of(1));
  fast.fill(FastTlb::kSharedBank, Access::kRead, kVa, 0x1000, FastTlb::Reach::kEverySpace);
  fast.fill(FastTlb::kSharedBank, Access::kRead, kVa + kPageBytes, 0x2000, FastTlb::Reach::kThisSpace);
  EXPECT_TRUE(found(kVa) && found(kVa + kPageBytes));
  fast.enter(satp_of(2));
  EXPECT_TRUE(found(kVa));
  EXPECT_FALSE(found(kVa + kPageBytes));
  fast.clear_asid(2);
  EXPECT_TRUE(found(kVa));
  fast.enter(Satp{}.raw);  // nothing is translated
  EXPECT_FALSE(found(kVa));
  fast.enter(satp_of(1));
  EXPECT_TRUE(found(kVa));
  fast.clear_page(VirtAddr(kVa), 1);
  EXPECT_FALSE(found(kVa));
}

}  // namespace
}  // namespace quire
