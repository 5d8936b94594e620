// What the Mmu puts into the FastTlb: never more than its TLB answers.
#include <random>
#include <utility>

#include "tests/unit/emu/mem/mmu_fixture.h"

namespace quire {
namespace {

using namespace test;

using MmuFast = MmuTest;

TEST_F(MmuFast, FastEntriesGoWithTheEntryTheyWereMadeFrom) {
  tables.map(kVa, kPage, kAll);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_TRUE(hits(Access::kRead, kVa));
  EXPECT_FALSE(hits(Access::kWrite, kVa));
  mmu.fence_page_asid(VirtAddr(kVa), 0);
  EXPECT_FALSE(hits(Access::kRead, kVa));

  Mmu tiny(bus, fast, TlbConfig{.entries = 1, .ways = 1, .policy = TlbPolicy::kDefault});
  tiny.pmp().allow_everything();
  tables.map(0x2000, kOther, kAll);
  ASSERT_FALSE(tiny.load(user, VirtAddr(kVa), 8, out));
  EXPECT_TRUE(hits(Access::kRead, kVa));
  ASSERT_FALSE(tiny.load(user, VirtAddr(0x2000), 8, out));
  EXPECT_FALSE(hits(Access::kRead, kVa));
  EXPECT_TRUE(hits(Access::kRead, 0x2000));
}

TEST_F(MmuFast, AGlobalEntryThatComesHidesWhatOtherSpacesHad) {
  const auto in_space = [&](u16 asid) {
    MemoryMode mode = user;
    mode.satp = Satp::make(user.satp.mode(), asid, user.satp.root());
    fast.enter(mode.satp.raw);
    return mode;
  };
  tables.map(kVa, kPage, kAll);
  ASSERT_FALSE(mmu.load(in_space(1), VirtAddr(kVa), 8, out));
  tables.map(kVa, kOther, kAll | kPteGlobal);
  poke(kOther, 7);
  ASSERT_FALSE(mmu.load(in_space(2), VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 7u);
  const MemoryMode first = in_space(1);
  u8* host;
  EXPECT_FALSE(fast.bank(FastTlb::bank_index(first.privilege, first.sum)).find(Access::kRead, kVa, 8, host));
}

TEST_F(MmuFast, APageThatIsFoundAsDIsSetHidesTheSuperpageFromFastEntriesToo) {
  tables.map(0x60'0000, kRam + 0x20'0000, kAll & ~u64{kPteDirty}, 1);
  ASSERT_FALSE(mmu.load(user, VirtAddr(0x60'0000), 8, out));
  ASSERT_FALSE(mmu.load(user, VirtAddr(0x61'0000), 8, out));
  tables.set(0x60'0000, 1, Pte{});
  tables.map(0x60'0000, kOther, kAll);
  ASSERT_FALSE(mmu.store(user, VirtAddr(0x60'0000), 8, 5));
  EXPECT_FALSE(hits(Access::kRead, 0x60'0000));
  ASSERT_FALSE(mmu.load(user, VirtAddr(0x60'0000), 8, out));
  EXPECT_EQ(out, 5u);
}

// Which the rule of G (12.3.1) forbids; what happens is the same however much the fast entries remember.
TEST_F(MmuFast, StoresAreNotFastWhereACleanGlobalEntryAnswersBeforeTheirs) {
  PageTables others(ram, PhysAddr(kRam + 0x20'0000));
  const MemoryMode other = user_mode(others, 5);
  user = user_mode(tables, 1);
  poke(kPage, 1);
  others.map(kVa, kPage, (kAll | kPteGlobal) & ~u64{kPteDirty});
  tables.map(kVa, kOther, kAll);
  bank(other);
  ASSERT_FALSE(mmu.load(other, VirtAddr(kVa), 8, out));
  bank(user);
  ASSERT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 7));
  EXPECT_EQ(peek(kOther), 7u);
  EXPECT_FALSE(hits(Access::kWrite, kVa)) << "the next store looks at the table again";
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 1u) << "the global entry answers";
}

TEST_F(MmuFast, StoresAreNotFastWhereACleanSmallPageAnswersBeforeTheirSuperpage) {
  tables.map(kVa, kPage, kAll & ~u64{kPteDirty});
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  tables.map(0, kRam, kAll, 1);
  ASSERT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 7));
  EXPECT_EQ(peek(kRam + kVa), 7u);
  EXPECT_FALSE(hits(Access::kWrite, kVa));
}

TEST_F(MmuFast, WhatIsEvictedInOneSpaceIsGoneFromTheOther) {
  Mmu tiny(bus, fast, TlbConfig{.entries = 1, .ways = 1, .policy = TlbPolicy::kDefault});
  tiny.pmp().allow_everything();
  tables.map(kVa, kPage, kAll);
  tables.map(0x2000, kOther, kAll);
  ASSERT_FALSE(tiny.load(user, VirtAddr(kVa), 8, out));
  MemoryMode other = user;
  other.satp = Satp::make(user.satp.mode(), 5, user.satp.root());
  fast.enter(other.satp.raw);
  ASSERT_FALSE(tiny.load(other, VirtAddr(0x2000), 8, out));
  EXPECT_FALSE(hits(Access::kRead, kVa));
}

TEST_F(MmuFast, FencingAPageOfASuperpageDropsAllItsFastEntries) {
  tables.map(0x60'0000, kRam + 0x20'0000, kAll, 1);
  ASSERT_FALSE(mmu.load(user, VirtAddr(0x60'0000), 8, out));
  ASSERT_FALSE(mmu.load(user, VirtAddr(0x61'0000), 8, out));
  mmu.fence_page(VirtAddr(0x60'0000));
  EXPECT_FALSE(hits(Access::kRead, 0x61'0000));
}

TEST_F(MmuFast, FastEntriesAreOfTheirModeOnly) {
  tables.map(kVa, kPage, kKernelData);
  const MemoryMode supervisor = supervisor_mode(tables);
  ASSERT_FALSE(mmu.load(supervisor, VirtAddr(kVa), 8, out));
  EXPECT_FALSE(hits(Access::kRead, kVa));
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa), 8, out), (Trap{Exception::kLoadPageFault, kVa}));
}

TEST_F(MmuFast, CrossingThePageNeverHitsTheFastTlb) {
  tables.map(kVa, kPage, kAll);
  tables.map(kVa + 0x1000, kOther, kAll);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa + 0x1000), 8, out));
  EXPECT_TRUE(hits(Access::kRead, kVa + 0xff8));
  EXPECT_FALSE(hits(Access::kRead, kVa + 0xff9));
  EXPECT_TRUE(hits(Access::kRead, kVa + 0xfff, 1));
}

TEST_F(MmuFast, StoresToWatchedPagesMiss) {
  tables.map(kVa, kPage, kAll);
  ram.set_has_code(PhysAddr(kPage), true);
  ASSERT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 1));
  EXPECT_FALSE(hits(Access::kWrite, kVa));
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_TRUE(hits(Access::kRead, kVa));
  ram.set_has_code(PhysAddr(kPage), false);
  ASSERT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 1));
  EXPECT_TRUE(hits(Access::kWrite, kVa));
}

TEST_F(MmuFast, NamedPoliciesCountEveryAccess) {
  Mmu lru(bus, fast, TlbConfig{.entries = 16, .ways = 4, .policy = TlbPolicy::kLru});
  lru.pmp().allow_everything();
  tables.map(kVa, kPage, kAll);
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(lru.load(user, VirtAddr(kVa), 8, out));
  EXPECT_FALSE(hits(Access::kRead, kVa));
  EXPECT_EQ(lru.tlb().stats().hits, 9u);
  EXPECT_EQ(lru.tlb().stats().misses, 1u);
  EXPECT_EQ(lru.tlb().stats().walks, 1u);
}

TEST_F(MmuFast, AChangedEntryAnswersAtOnceForFastAccessesToo) {
  tables.map(kVa, kPage, kAll);
  poke(kPage, 1);
  poke(kPage ^ 0x2000, 2);
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_TRUE(hits(Access::kRead, kVa));
  const u16 asid = static_cast<u16>(user.satp.asid());
  EXPECT_TRUE(mmu.change_entry(VirtAddr(kVa), asid, {.entry = {.flip = u64{1} << 11}}));
  EXPECT_FALSE(hits(Access::kRead, kVa));
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 2u);
  EXPECT_TRUE(mmu.change_entry(VirtAddr(kVa), asid, {.entry = {.flip = kPteRead}}));
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa), 8, out), (Trap{Exception::kLoadPageFault, kVa}));
}

/// Whatever is global in one space and not in another, and however little of it is fenced: what a fast entry
/// says, the TLB says.
TEST_F(MmuFast, FastEntriesAgreeWithTheTlbWhateverIsGlobalWhere) {
  std::mt19937_64 random(11);
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  constexpr u64 kBases[] = {0x20'0000, 0x20'0000, 0xffff'ffc0'0020'0000};
  const auto any_va = [&] {
    return kBases[random() % 3] + random() % 5 * kPageBytes + (one_in(6) ? 0x20'0000 : 0);
  };
  Mmu small(bus, fast, TlbConfig{.entries = 16, .ways = 4});
  small.pmp().allow_everything();
  PageTables spaces[] = {PageTables(ram, PhysAddr(kRam + 0x10'0000)),
                         PageTables(ram, PhysAddr(kRam + 0x18'0000)),
                         PageTables(ram, PhysAddr(kRam + 0x20'0000))};
  usize now = 0;
  u64 checked = 0;
  for (unsigned round = 0; round < 60'000; ++round) {
    const u64 va = any_va();
    const u16 asid = static_cast<u16>(now + 1);
    if (one_in(4)) {
      const u64 flags =
          kPteValid | kPteRead | kPteAccessed | (random() & (kPteWrite | kPteUser | kPteGlobal | kPteDirty));
      const bool large = va % 0x40'0000 == 0;
      spaces[random() % 3].map(va, large ? kRam : kRam + random() % 16 * kPageBytes, flags, large ? 1 : 0);
    }
    if (one_in(5)) now = random() % 3;
    if (one_in(60)) small.fence_page(VirtAddr(va));
    if (one_in(60)) small.fence_page_asid(VirtAddr(va), asid);
    if (one_in(200)) small.fence_asid(asid);
    if (one_in(900)) small.fence_all();
    fast.enter(spaces[now].satp(static_cast<u64>(now + 1)).raw);
    for (const auto& [privilege, sum] :
         {std::pair(Privilege::kUser, false), std::pair(Privilege::kSupervisor, false),
          std::pair(Privilege::kSupervisor, true)}) {
      const MemoryMode mode = {spaces[now].satp(now + 1), privilege, sum, false, {}};
      for (const u64 base : {kBases[0], kBases[2]}) {
        for (u64 page = 0; page < 5; ++page) {
          const VirtAddr at(base + page * kPageBytes);
          for (const Access access : {Access::kRead, Access::kWrite}) {
            u8* host;
            if (!fast.bank(FastTlb::bank_index(privilege, sum)).find(access, at.value, 8, host)) continue;
            const TlbEntry* const entry = small.tlb().peek(at, static_cast<u16>(now + 1));
            ASSERT_NE(entry, nullptr) << round;
            ASSERT_TRUE(access != Access::kWrite || (entry->flags & kPteDirty) != 0) << round;
            ASSERT_EQ(host, ram.host(entry->translate(at))) << round;
            ASSERT_EQ(check_permission(entry->flags, access, mode), WalkFault::kNone) << round;
            ++checked;
          }
        }
      }
      if (one_in(2)) continue;
      one_in(2) ? small.load(mode, VirtAddr(va), 8, out) : small.store(mode, VirtAddr(va), 8, 0);
    }
  }
  EXPECT_GT(checked, 100'000u);
}

}  // namespace
}  // namespace quire
