#include "emu/mem/tlb.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/mem/page_tables.h"

namespace quire {
namespace {

using namespace test;

Pte leaf(u64 pa, u64 flags = kAll) { return Pte::make(PhysAddr(pa), flags); }
VirtAddr page(u64 number) { return VirtAddr(number << kPageShift); }

TEST(Tlb, AnswersForTheWholePageInItsAddressSpace) {
  Tlb tlb({.entries = 16, .ways = 4, .policy = TlbPolicy::kLru});
  tlb.insert(VirtAddr(0x1234), 7, leaf(0x8000'5000), 0);
  const TlbEntry* entry = tlb.lookup(VirtAddr(0x1fff), 7, Access::kRead, true);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->translate(VirtAddr(0x1fff)).value, 0x8000'5fffu);
  EXPECT_EQ(tlb.lookup(VirtAddr(0x2000), 7, Access::kRead, true), nullptr);
  EXPECT_EQ(tlb.lookup(VirtAddr(0x1000), 8, Access::kWrite, true), nullptr);
  EXPECT_EQ(tlb.lookup(VirtAddr(0x1000 | u64{1} << 63), 7, Access::kExecute, true), nullptr);
  EXPECT_EQ(tlb.stats().hits, 1u);
  EXPECT_EQ(tlb.stats().misses, 3u);
  EXPECT_EQ(tlb.stats().hits_by_access[0], 1u);
  for (const u64 misses : tlb.stats().misses_by_access) EXPECT_EQ(misses, 1u);
}

TEST(Tlb, SuperpagesAnswerForAllTheyMap) {
  Tlb tlb({});
  tlb.insert(VirtAddr(0x4012'3456), 1, leaf(0x8020'0000), 1);
  tlb.insert(VirtAddr(0x8000'0000), 1, leaf(0xc000'0000), 2);
  ASSERT_NE(tlb.peek(VirtAddr(0x401f'ffff), 1), nullptr);
  EXPECT_EQ(tlb.peek(VirtAddr(0x401f'ffff), 1)->translate(VirtAddr(0x401f'ffff)).value, 0x803f'ffffu);
  EXPECT_EQ(tlb.peek(VirtAddr(0x4020'0000), 1), nullptr);
  EXPECT_EQ(tlb.peek(VirtAddr(0xbfff'ffff), 1)->translate(VirtAddr(0xbfff'ffff)).value, 0xffff'ffffu);
}

TEST(Tlb, NapotEntriesAnswerForSixteenPagesAndAreFencedByAnyOfThem) {
  Tlb tlb({});
  Pte napot = leaf(0x8001'8000);  // 0b1000 in the frame's low bits: 64 KiB at 0x80010000
  napot.raw |= kPteNapot;
  tlb.insert(VirtAddr(0x4002'3000), 1, napot, 0);
  ASSERT_NE(tlb.peek(VirtAddr(0x4002'f123), 1), nullptr);
  EXPECT_EQ(tlb.peek(VirtAddr(0x4002'f123), 1)->translate(VirtAddr(0x4002'f123)).value, 0x8001'f123u);
  EXPECT_EQ(tlb.peek(VirtAddr(0x4003'0000), 1), nullptr);
  EXPECT_FALSE(tlb.flush_page(VirtAddr(0x4002'0000)));
  EXPECT_EQ(tlb.peek(VirtAddr(0x4002'f123), 1), nullptr);
}

TEST(Tlb, GlobalEntriesAnswerEveryAddressSpaceAndSurviveItsFence) {
  Tlb tlb({});
  tlb.insert(page(1), 1, leaf(0x8000'0000, kAll | kPteGlobal), 0);
  tlb.insert(page(2), 1, leaf(0x8000'1000), 0);
  EXPECT_NE(tlb.peek(page(1), 2), nullptr);
  tlb.flush_asid(1);
  EXPECT_NE(tlb.peek(page(1), 1), nullptr);
  EXPECT_EQ(tlb.peek(page(2), 1), nullptr);
  tlb.flush_page_asid(page(1), 1);
  EXPECT_NE(tlb.peek(page(1), 1), nullptr);
  tlb.flush_page(page(1));
  EXPECT_EQ(tlb.peek(page(1), 1), nullptr);
}

TEST(Tlb, AnAddressSpaceIsFencedWhereverItsEntriesHaveCome) {
  Tlb tlb({.entries = 16, .ways = 4});
  for (u64 round = 0; round < 100; ++round) {
    for (u64 number = 0; number < 40; ++number) {
      tlb.insert(page(number), static_cast<u16>(1 + number % 2), leaf(0x8000'0000 + (number << kPageShift)),
                 0);
    }
  }
  EXPECT_NE(tlb.peek(page(38), 1), nullptr);
  tlb.flush_asid(1);
  for (u64 number = 0; number < 40; number += 2) EXPECT_EQ(tlb.peek(page(number), 1), nullptr) << number;
  EXPECT_NE(tlb.peek(page(39), 2), nullptr);
  tlb.insert(page(2), 1, leaf(0x8000'2000), 0);
  ASSERT_TRUE(tlb.change(page(2), 1, {.asid = {.flip = 4}}));
  tlb.flush_asid(1);
  EXPECT_NE(tlb.peek(page(2), 5), nullptr);
  tlb.flush_asid(5);
  EXPECT_EQ(tlb.peek(page(2), 5), nullptr);
}

TEST(Tlb, FencesDropNoMoreThanTheyName) {
  Tlb tlb({});
  for (u16 asid = 1; asid <= 2; ++asid) {
    for (u64 number = 1; number <= 2; ++number) tlb.insert(page(number), asid, leaf(0x8000'0000), 0);
  }
  tlb.flush_page_asid(page(1), 1);
  EXPECT_EQ(tlb.peek(page(1), 1), nullptr);
  EXPECT_NE(tlb.peek(page(2), 1), nullptr);
  EXPECT_NE(tlb.peek(page(1), 2), nullptr);
  tlb.flush_page(page(2));
  EXPECT_EQ(tlb.peek(page(2), 1), nullptr);
  EXPECT_EQ(tlb.peek(page(2), 2), nullptr);
  tlb.flush_all();
  EXPECT_EQ(tlb.peek(page(1), 2), nullptr);
  EXPECT_EQ(tlb.stats().flushes_page, 1u);
  EXPECT_EQ(tlb.stats().flushes_page_asid, 1u);
  EXPECT_EQ(tlb.stats().flushes_all, 1u);
}

TEST(Tlb, FencingAPageOfASuperpageDropsTheSuperpage) {
  Tlb tlb({});
  tlb.insert(VirtAddr(0x40'0000), 1, leaf(0x8020'0000), 1);
  EXPECT_FALSE(tlb.flush_page(VirtAddr(0x5f'f000)));
  EXPECT_EQ(tlb.peek(VirtAddr(0x40'0000), 1), nullptr);
  EXPECT_TRUE(tlb.flush_page(VirtAddr(0x5f'f000)));
}

TEST(Tlb, SamePageIsReplacedNotDoubled) {
  Tlb tlb({.entries = 16, .ways = 4, .policy = TlbPolicy::kDefault});
  tlb.insert(page(1), 1, leaf(0x8000'0000), 0);
  const auto before = tlb.insert(page(1), 1, leaf(0x8000'1000), 0);
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(before->frame, 0x8000'0000u);
  EXPECT_EQ(tlb.stats().evictions, 0u);
  unsigned count = 0;
  tlb.for_each([&count](const TlbEntry&) { ++count; });
  EXPECT_EQ(count, 1u);
}

TEST(Tlb, SetsHoldAsManyAsTheyHaveWays) {
  Tlb tlb({.entries = 8, .ways = 2, .policy = TlbPolicy::kFifo});  // four sets
  EXPECT_FALSE(tlb.insert(page(0), 1, leaf(0x8000'0000), 0));
  EXPECT_FALSE(tlb.insert(page(4), 1, leaf(0x8000'0000), 0));
  EXPECT_FALSE(tlb.insert(page(1), 1, leaf(0x8000'0000), 0));
  const auto evicted = tlb.insert(page(8), 1, leaf(0x8000'0000), 0);
  ASSERT_TRUE(evicted.has_value());
  EXPECT_EQ(evicted->first_va(), page(0).value);
  EXPECT_EQ(tlb.stats().evictions, 1u);
  EXPECT_NE(tlb.peek(page(4), 1), nullptr);
}

TEST(Tlb, LruKeepsWhatWasUsedAndFifoDoesNot) {
  for (const TlbPolicy policy : {TlbPolicy::kLru, TlbPolicy::kFifo}) {
    Tlb tlb({.entries = 2, .ways = 2, .policy = policy});
    tlb.insert(page(1), 1, leaf(0x8000'0000), 0);
    tlb.insert(page(2), 1, leaf(0x8000'0000), 0);
    tlb.lookup(page(1), 1, Access::kRead, true);
    tlb.insert(page(3), 1, leaf(0x8000'0000), 0);
    EXPECT_EQ(tlb.peek(page(1), 1) != nullptr, policy == TlbPolicy::kLru);
    EXPECT_EQ(tlb.peek(page(2), 1) != nullptr, policy == TlbPolicy::kFifo);
    EXPECT_TRUE(tlb.sees_every_access());
  }
  EXPECT_FALSE(Tlb({}).sees_every_access());
}

TEST(Tlb, RandomReplacementRepeatsAndReachesEveryWay) {
  const auto run = [] {
    Tlb tlb({.entries = 4, .ways = 4, .policy = TlbPolicy::kRandom});
    std::vector<u64> evicted;
    for (u64 number = 0; number < 100; ++number) {
      if (const auto old = tlb.insert(page(number), 1, leaf(0x8000'0000), 0)) evicted.push_back(old->tag);
    }
    return evicted;
  };
  EXPECT_EQ(run(), run());
  EXPECT_EQ(run().size(), 96u);
}

TEST(Tlb, FreeWaysAreTakenBeforeAnythingIsEvicted) {
  Tlb tlb({.entries = 4, .ways = 4, .policy = TlbPolicy::kDefault});
  for (u64 number = 0; number < 4; ++number) tlb.insert(page(number), 1, leaf(0x8000'0000), 0);
  tlb.flush_page(page(2));
  EXPECT_FALSE(tlb.insert(page(9), 1, leaf(0x8000'0000), 0));
}

TEST(Tlb, AChangedEntryTranslatesOtherwiseOrIsFoundElsewhere) {
  Tlb tlb({.entries = 16, .ways = 4});
  tlb.insert(page(3), 7, leaf(0x8000'5000), 0);
  EXPECT_FALSE(tlb.change(page(4), 7, {.entry = {.flip = kPteWrite}}));
  EXPECT_TRUE(tlb.change(page(3), 7, {.entry = {.flip = u64{1} << 11}}));
  EXPECT_EQ(tlb.peek(page(3), 7)->frame, 0x8000'7000u);
  EXPECT_TRUE(tlb.change(page(3), 7, {.entry = {.clear = kPteWrite}}));
  EXPECT_EQ(tlb.peek(page(3), 7)->flags & kPteWrite, 0);
  EXPECT_TRUE(tlb.change(page(3), 7, {.vpn = {.flip = 4}}));
  EXPECT_EQ(tlb.peek(page(3), 7), nullptr);
  ASSERT_NE(tlb.peek(page(7), 7), nullptr);
  EXPECT_TRUE(tlb.change(page(7), 7, {.asid = {.flip = 1}}));
  EXPECT_EQ(tlb.peek(page(7), 7), nullptr);
  ASSERT_NE(tlb.peek(page(7), 6), nullptr);
  EXPECT_TRUE(tlb.flush_page(page(7)));
  EXPECT_EQ(tlb.peek(page(7), 6), nullptr);
}

TEST(Tlb, TheHighestBitOfATagMakesItAnAddressOfTheOtherHalf) {
  Tlb tlb({});
  tlb.insert(page(3), 1, leaf(0x8000'5000), 0);
  EXPECT_TRUE(tlb.change(page(3), 1, {.vpn = {.flip = u64{1} << 26}, .va_bits = 39}));
  EXPECT_NE(tlb.peek(VirtAddr(0xffff'ffc0'0000'3000), 1), nullptr);
}

TEST(Tlb, AnEntryChangedToNoneIsGoneAndOneChangedToAnotherReplacesIt) {
  Tlb tlb({.entries = 4, .ways = 4});
  tlb.insert(page(1), 1, leaf(0x8000'1000), 0);
  tlb.insert(page(3), 1, leaf(0x8000'3000), 0);
  EXPECT_TRUE(tlb.change(page(1), 1, {.vpn = {.flip = 2}}));
  EXPECT_EQ(tlb.peek(page(3), 1)->frame, 0x8000'1000u);
  unsigned entries = 0;
  tlb.for_each([&entries](const TlbEntry&) { ++entries; });
  EXPECT_EQ(entries, 1u);
  EXPECT_TRUE(tlb.change(page(3), 1, {.entry = {.clear = kPteValid}}));
  EXPECT_EQ(tlb.peek(page(3), 1), nullptr);
}

TEST(Tlb, ASuperpageHasNoLowFrameBitsToChange) {
  Tlb tlb({});
  tlb.insert(VirtAddr(0x4000'0000), 1, leaf(0x8020'0000), 1);
  EXPECT_TRUE(tlb.change(VirtAddr(0x4000'0000), 1, {.entry = {.flip = u64{1} << 10}}));
  EXPECT_EQ(tlb.peek(VirtAddr(0x4000'1234), 1)->translate(VirtAddr(0x4000'1234)).value, 0x8020'1234u);
}

}  // namespace
}  // namespace quire
