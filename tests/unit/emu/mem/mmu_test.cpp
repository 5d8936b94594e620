#include "emu/mem/mmu.h"

#include <gtest/gtest.h>

#include <random>

#include "emu/mem/faults.h"
#include "emu/mem/observer.h"
#include "tests/unit/emu/mem/page_tables.h"

namespace quire {
namespace {

using namespace test;

constexpr u64 kVa = 0x1000;
constexpr u64 kPage = kRam + 0x5000;
constexpr u64 kOther = kRam + 0x9000;

class Port final : public Device {
 public:
  u64 value = 0x55;
  std::string_view name() const override { return "port"; }
  void reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  u64 read(u64, unsigned) override { return value; }
  void write(u64, unsigned, u64 v) override { value = v; }
};

struct MmuTest : testing::Test {
  Ram ram{PhysAddr(kRam), 0x40'0000};
  Bus bus{ram};
  FastTlb fast;
  Mmu mmu{bus, fast, TlbConfig{}};
  PageTables tables{ram};
  MemoryMode user = user_mode(tables);
  u64 out = 0;

  void SetUp() override {
    mmu.pmp().allow_everything();
    fast.enter(user.satp.raw);
  }

  FastTlb::Bank& bank(const MemoryMode& mode) {
    fast.enter(mode.satp.raw);
    return fast.bank(FastTlb::bank_index(mode.privilege, mode.sum));
  }
  bool hits(Access access, u64 va, unsigned size = 8) {
    u8* host;
    return bank(user).find(access, va, size, host);
  }
  void poke(u64 pa, u64 value) { ASSERT_TRUE(bus.store(PhysAddr(pa), 8, value)); }
  u64 peek(u64 pa) {
    u64 value = 0;
    EXPECT_TRUE(bus.load(PhysAddr(pa), 8, value));
    return value;
  }
};

TEST_F(MmuTest, HardwareSetsAccessedAndDirty) {
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser);
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(tables.get(kVa).flags(), kPteValid | kPteRead | kPteWrite | kPteUser | kPteAccessed);
  EXPECT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 1));
  EXPECT_TRUE(tables.get(kVa).has(kPteAccessed | kPteDirty));
}

TEST_F(MmuTest, SoftwareIsAskedForAccessedAndDirtyWhereItWantsTo) {
  user.rules.ad_update = AdUpdate::kFault;
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser);
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa), 8, out), (Trap{Exception::kLoadPageFault, kVa}));
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser | kPteAccessed);
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(mmu.store(user, VirtAddr(kVa), 8, 1), (Trap{Exception::kStorePageFault, kVa}));
  EXPECT_EQ(tables.get(kVa).flags(), kPteValid | kPteRead | kPteWrite | kPteUser | kPteAccessed);
}

TEST_F(MmuTest, FaultsSetNeitherBit) {
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteUser);
  EXPECT_EQ(mmu.store(user, VirtAddr(kVa), 8, 1), (Trap{Exception::kStorePageFault, kVa}));
  EXPECT_EQ(tables.get(kVa).flags(), kPteValid | kPteRead | kPteUser);
}

TEST_F(MmuTest, StaleEntriesAnswerUntilFenced) {
  poke(kPage, 1);
  poke(kOther, 2);
  tables.map(kVa, kPage, kAll);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  tables.map(kVa, kOther, kAll);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 1u);
  tables.set(kVa, 0, Pte{});
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 1u);
  mmu.fence_page(VirtAddr(kVa));
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa), 8, out), (Trap{Exception::kLoadPageFault, kVa}));
}

TEST_F(MmuTest, StalePermissionsFaultUntilFenced) {
  tables.map(kVa, kPage, kAll & ~kPteWrite & ~kPteDirty);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  tables.map(kVa, kPage, kAll);
  EXPECT_TRUE(mmu.store(user, VirtAddr(kVa), 8, 1));
  mmu.fence_asid(0);
  EXPECT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 1));
}

TEST_F(MmuTest, FirstStoreWalksAgainForDirtyAndSeesTheTableAsItIs) {
  tables.map(kVa, kPage, kAll & ~kPteDirty);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  tables.map(kVa, kOther, kAll & ~kPteDirty);
  ASSERT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 0x77));
  EXPECT_EQ(peek(kOther), 0x77u);
  EXPECT_EQ(peek(kPage), 0u);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 0x77u);
}

TEST_F(MmuTest, FastEntriesGoWithTheEntryTheyWereMadeFrom) {
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

TEST_F(MmuTest, AGlobalEntryThatComesHidesWhatOtherSpacesHad) {
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

TEST_F(MmuTest, APageThatIsFoundAsDIsSetHidesTheSuperpageFromFastEntriesToo) {
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
TEST_F(MmuTest, StoresAreNotFastWhereACleanGlobalEntryAnswersBeforeTheirs) {
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

TEST_F(MmuTest, StoresAreNotFastWhereACleanSmallPageAnswersBeforeTheirSuperpage) {
  tables.map(kVa, kPage, kAll & ~u64{kPteDirty});
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  tables.map(0, kRam, kAll, 1);
  ASSERT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 7));
  EXPECT_EQ(peek(kRam + kVa), 7u);
  EXPECT_FALSE(hits(Access::kWrite, kVa));
}

TEST_F(MmuTest, WhatIsEvictedInOneSpaceIsGoneFromTheOther) {
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

TEST_F(MmuTest, FencingAPageOfASuperpageDropsAllItsFastEntries) {
  tables.map(0x60'0000, kRam + 0x20'0000, kAll, 1);
  ASSERT_FALSE(mmu.load(user, VirtAddr(0x60'0000), 8, out));
  ASSERT_FALSE(mmu.load(user, VirtAddr(0x61'0000), 8, out));
  mmu.fence_page(VirtAddr(0x60'0000));
  EXPECT_FALSE(hits(Access::kRead, 0x61'0000));
}

TEST_F(MmuTest, FastEntriesAreOfTheirModeOnly) {
  tables.map(kVa, kPage, kKernelData);
  const MemoryMode supervisor = supervisor_mode(tables);
  ASSERT_FALSE(mmu.load(supervisor, VirtAddr(kVa), 8, out));
  EXPECT_FALSE(hits(Access::kRead, kVa));
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa), 8, out), (Trap{Exception::kLoadPageFault, kVa}));
}

TEST_F(MmuTest, CrossingThePageNeverHitsTheFastTlb) {
  tables.map(kVa, kPage, kAll);
  tables.map(kVa + 0x1000, kOther, kAll);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa + 0x1000), 8, out));
  EXPECT_TRUE(hits(Access::kRead, kVa + 0xff8));
  EXPECT_FALSE(hits(Access::kRead, kVa + 0xff9));
  EXPECT_TRUE(hits(Access::kRead, kVa + 0xfff, 1));
}

TEST_F(MmuTest, MisalignedAccessesJoinTheirPages) {
  tables.map(kVa, kPage, kAll);
  tables.map(kVa + 0x1000, kOther, kAll);
  for (unsigned first = 1; first < 8; ++first) {
    const u64 va = kVa + 0x1000 - first;
    const u64 value = 0x1122'3344'5566'7788 * (first | 1);
    ASSERT_FALSE(mmu.store(user, VirtAddr(va), 8, value));
    ASSERT_FALSE(mmu.load(user, VirtAddr(va), 8, out));
    EXPECT_EQ(out, value);
    EXPECT_EQ(peek(kOther) & 0xff, bits(value, first * 8 + 7, first * 8));
  }
}

TEST_F(MmuTest, MisalignedStoreThatFaultsOnItsSecondPageWritesNothing) {
  tables.map(kVa, kPage, kAll);
  EXPECT_EQ(mmu.store(user, VirtAddr(kVa + 0xffc), 8, ~u64{0}),
            (Trap{Exception::kStorePageFault, kVa + 0x1000}));
  EXPECT_EQ(peek(kPage + 0xff8), 0u);
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa - 4), 8, out), (Trap{Exception::kLoadPageFault, kVa - 4}));
}

TEST_F(MmuTest, MachineModeIsUntranslated) {
  const MemoryMode machine;
  poke(kPage, 42);
  ASSERT_FALSE(mmu.load(machine, VirtAddr(kPage), 8, out));
  EXPECT_EQ(out, 42u);
  EXPECT_EQ(mmu.load(machine, VirtAddr(0x10), 8, out), (Trap{Exception::kLoadAccessFault, 0x10}));
  EXPECT_EQ(mmu.store(machine, VirtAddr(~u64{0} - 3), 8, 0),
            (Trap{Exception::kStoreAccessFault, ~u64{0} - 3}));
  EXPECT_EQ(mmu.tlb().stats().misses, 0u);
}

TEST_F(MmuTest, DevicesAreReachedAndNeverFast) {
  struct Observer final : DeviceCallObserver {
    int depth = 0, calls = 0;
    void before_device() override { ++depth, ++calls; }
    void after_device() override { --depth; }
  } observer;
  Port port;
  bus.add_device(PhysAddr(0x1000), 0x1000, &port);
  Mmu observed(bus, fast, TlbConfig{}, &observer);
  observed.pmp().allow_everything();
  tables.map(kVa, 0x1000, kAll);
  ASSERT_FALSE(observed.load(user, VirtAddr(kVa), 4, out));
  EXPECT_EQ(out, 0x55u);
  ASSERT_FALSE(observed.store(user, VirtAddr(kVa + 8), 4, 9));
  EXPECT_EQ(port.value, 9u);
  EXPECT_FALSE(hits(Access::kRead, kVa));
  EXPECT_FALSE(hits(Access::kWrite, kVa));
  EXPECT_EQ(observer.calls, 2);
  EXPECT_EQ(observer.depth, 0);
  EXPECT_EQ(observed.load(user, VirtAddr(kVa + 1), 4, out), (Trap{Exception::kLoadAccessFault, kVa + 1}));
  PhysAddr place;
  EXPECT_EQ(observed.atomic(user, VirtAddr(kVa), 4, Access::kWrite, place),
            (Trap{Exception::kStoreAccessFault, kVa}));
}

TEST_F(MmuTest, StoresToWatchedPagesMiss) {
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

TEST_F(MmuTest, NamedPoliciesCountEveryAccess) {
  Mmu lru(bus, fast, TlbConfig{.entries = 16, .ways = 4, .policy = TlbPolicy::kLru});
  lru.pmp().allow_everything();
  tables.map(kVa, kPage, kAll);
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(lru.load(user, VirtAddr(kVa), 8, out));
  EXPECT_FALSE(hits(Access::kRead, kVa));
  EXPECT_EQ(lru.tlb().stats().hits, 9u);
  EXPECT_EQ(lru.tlb().stats().misses, 1u);
  EXPECT_EQ(lru.tlb().stats().walks, 1u);
}

constexpr u8 kReadOnlyWord = Pmp::kRead | 2 << 3;

/// Entries 0.. as given, everything else allowed.
void protect(Mmu& mmu, std::initializer_list<std::pair<u64, u8>> entries) {
  mmu.pmp() = {};
  unsigned index = 0;
  for (const auto& [address, config] : entries) {
    mmu.pmp().set_address(index, address >> 2);
    mmu.pmp().set_config(index++, config);
  }
  mmu.pmp().set_address(index, ~u64{0});
  mmu.pmp().set_config(index, 0x1f);
  mmu.mode_changed();
}

TEST_F(MmuTest, ProtectionIsCheckedBehindTheTranslation) {
  tables.map(kVa, kPage, kAll);
  protect(mmu, {{kPage + 8, kReadOnlyWord}});
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa + 8), 4, out));
  EXPECT_EQ(mmu.store(user, VirtAddr(kVa + 8), 4, 1), (Trap{Exception::kStoreAccessFault, kVa + 8}));
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa + 8), 8, out), (Trap{Exception::kLoadAccessFault, kVa + 8}));
  PhysAddr place;
  EXPECT_EQ(mmu.atomic(user, VirtAddr(kVa + 8), 4, Access::kWrite, place),
            (Trap{Exception::kStoreAccessFault, kVa + 8}));
  EXPECT_FALSE(mmu.store(user, VirtAddr(kVa + 16), 4, 1));
  EXPECT_FALSE(hits(Access::kRead, kVa)) << "a page that is not uniform must not become fast";
  protect(mmu, {});
  EXPECT_FALSE(mmu.store(user, VirtAddr(kVa + 8), 4, 1));
  EXPECT_TRUE(hits(Access::kWrite, kVa));
}

TEST_F(MmuTest, ProtectionBindsTheWalk) {
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser);
  const u64 leaf = tables.pte_address(kVa, 0).value;
  protect(mmu, {{leaf, 3 << 3}});  // eight bytes that nobody may touch
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa), 8, out), (Trap{Exception::kLoadAccessFault, kVa}));
  EXPECT_EQ(mmu.store(user, VirtAddr(kVa), 8, 1), (Trap{Exception::kStoreAccessFault, kVa}));
  protect(mmu, {{leaf, 3 << 3 | Pmp::kRead}});
  EXPECT_EQ(mmu.load(user, VirtAddr(kVa), 8, out), (Trap{Exception::kLoadAccessFault, kVa}))
      << "A cannot be set";
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser | kPteAccessed);
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(mmu.store(user, VirtAddr(kVa), 8, 1), (Trap{Exception::kStoreAccessFault, kVa})) << "nor D";
}

TEST_F(MmuTest, ObserversSeeEvictionsAsTheCountersDo) {
  struct Observer final : MmuObserver {
    void on_walk(const MemoryMode&, VirtAddr, Access, const PageWalk&) override {}
    void on_fill(const TlbEntry&) override { ++fills; }
    void on_evict(const TlbEntry&) override { ++evictions; }
    void on_fence(std::optional<VirtAddr>, std::optional<u16>) override {}
    unsigned fills = 0, evictions = 0;
  } observer;
  mmu.set_observer(&observer);
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteWrite | kPteUser);
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_FALSE(mmu.store(user, VirtAddr(kVa), 8, 1)) << "fills the entry anew, with D";
  EXPECT_EQ(observer.fills, 2u);
  EXPECT_EQ(observer.evictions, 0u);
  EXPECT_EQ(mmu.tlb().stats().evictions, 0u);
  mmu.set_observer(nullptr);
}

TEST_F(MmuTest, OperationsOnBlocksAreProtected) {
  tables.map(kVa, kPage, kAll);
  const Trap refused{Exception::kStoreAccessFault, kVa};
  protect(mmu, {{kPage + 0x1c, Pmp::kRead | 3 << 3}});  // 64 bytes, naturally aligned
  EXPECT_EQ(mmu.zero_block(user, VirtAddr(kVa), 64), refused);
  EXPECT_FALSE(mmu.manage_block(user, VirtAddr(kVa), 64)) << "read access is enough for these";
  EXPECT_FALSE(mmu.zero_block(user, VirtAddr(kVa + 64), 64)) << "the next block is not in it";
  protect(mmu, {{kPage + 8, 2 << 3}});
  EXPECT_EQ(mmu.manage_block(user, VirtAddr(kVa), 64), refused) << "one word may not be touched";
}

TEST_F(MmuTest, EachPartOfAnAccessAcrossPagesIsProtected) {
  tables.map(kVa, kPage, kAll);
  tables.map(kVa + kPageBytes, kOther, kAll);
  protect(mmu, {{kOther, 2 << 3}});
  const u64 va = kVa + kPageBytes - 4;
  EXPECT_EQ(mmu.load(user, VirtAddr(va), 8, out), (Trap{Exception::kLoadAccessFault, kVa + kPageBytes}));
  EXPECT_EQ(mmu.store(user, VirtAddr(va), 8, ~u64{0}),
            (Trap{Exception::kStoreAccessFault, kVa + kPageBytes}));
  EXPECT_EQ(peek(kPage + kPageBytes - 8), 0u);
}

TEST_F(MmuTest, NapotPagesAreOneEntryOfTheTlb) {
  user.rules.napot = true;
  constexpr u64 kNapotVa = 0x40'0000;
  constexpr u64 kFrame = kRam + 0x3'0000;
  for (u64 page = 0; page < 16; ++page) {
    Pte pte = Pte::make(PhysAddr(kFrame + 0x8000), kAll);
    pte.raw |= kPteNapot;
    tables.set(kNapotVa + page * kPageBytes, 0, pte);
  }
  poke(kFrame + 0xf008, 42);
  ASSERT_FALSE(mmu.load(user, VirtAddr(kNapotVa + 0x1000), 8, out));
  ASSERT_FALSE(mmu.load(user, VirtAddr(kNapotVa + 0xf008), 8, out));
  EXPECT_EQ(out, 42u);
  EXPECT_EQ(mmu.tlb().stats().walks, 1u);
}

TEST_F(MmuTest, EveryHitIsComparedUnderTheFenceChecker) {
  FenceChecker checker([] { return FenceChecker::Place{0x1234, 7}; });
  mmu.set_fence_checker(&checker);
  tables.map(kVa, kPage, kAll);
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(checker.report().hits_checked, 2u);
  EXPECT_EQ(mmu.tlb().stats().hits, 2u);
  EXPECT_TRUE(checker.report().findings.empty());
  tables.map(kVa, kOther, kAll);
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(mmu.load(user, VirtAddr(kVa + 8), 8, out));
  ASSERT_EQ(checker.report().findings.size(), 1u);
  EXPECT_EQ(checker.report().findings[0].count, 3u);
  mmu.fence_page(VirtAddr(kVa));
  ASSERT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(checker.report().stale_uses, 3u);
}

TEST_F(MmuTest, ProbeLeavesNoTrace) {
  tables.map(kVa, kPage, kPteValid | kPteRead | kPteUser);
  EXPECT_EQ(mmu.probe(user, VirtAddr(kVa), Access::kRead).fault, WalkFault::kNone);
  EXPECT_EQ(tables.get(kVa).flags(), kPteValid | kPteRead | kPteUser);
  EXPECT_EQ(mmu.tlb().peek(VirtAddr(kVa), 0), nullptr);
  EXPECT_EQ(mmu.tlb().stats().walks, 0u);
}

TEST_F(MmuTest, AddressSpacesDoNotMix) {
  PageTables second(ram, PhysAddr(kRam + 0x20'0000));
  poke(kPage, 1);
  poke(kOther, 2);
  tables.map(kVa, kPage, kAll);
  second.map(kVa, kOther, kAll);
  const MemoryMode in_first = user_mode(tables, 1);
  const MemoryMode in_second = user_mode(second, 2);
  ASSERT_FALSE(mmu.load(in_first, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 1u);
  mmu.mode_changed();
  ASSERT_FALSE(mmu.load(in_second, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 2u);
  mmu.fence_asid(2);
  EXPECT_NE(mmu.tlb().peek(VirtAddr(kVa), 1), nullptr);
  EXPECT_EQ(mmu.tlb().peek(VirtAddr(kVa), 2), nullptr);
}

struct LosesFences final : MmuFaults {
  bool loses = true;
  bool loses_fence() override { return loses; }
};

TEST_F(MmuTest, AfterALostFenceStaleEntriesGoOnAnswering) {
  LosesFences faults;
  tables.map(kVa, kPage, kAll);
  poke(kPage, 1);
  poke(kOther, 2);
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  tables.map(kVa, kOther, kAll);
  mmu.set_faults(&faults);
  mmu.fence_all();
  mmu.fence_page(VirtAddr(kVa));
  mmu.fence_asid(static_cast<u16>(user.satp.asid()));
  mmu.fence_page_asid(VirtAddr(kVa), static_cast<u16>(user.satp.asid()));
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 1u);
  faults.loses = false;
  mmu.fence_all();
  EXPECT_FALSE(mmu.load(user, VirtAddr(kVa), 8, out));
  EXPECT_EQ(out, 2u);
}

TEST_F(MmuTest, AChangedEntryAnswersAtOnceForFastAccessesToo) {
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
TEST_F(MmuTest, FastEntriesAgreeWithTheTlbWhateverIsGlobalWhere) {
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
            if (access == Access::kWrite && (entry->flags & kPteDirty) == 0) continue;  // the table says
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
