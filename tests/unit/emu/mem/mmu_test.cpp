#include "emu/mem/mmu.h"

#include <string_view>

#include "emu/mem/faults.h"
#include "emu/mem/observer.h"
#include "tests/unit/emu/mem/mmu_fixture.h"

namespace quire {
namespace {

using namespace test;

class Port final : public Device {
 public:
  u64 value = 0x55;
  std::string_view name() const override { return "port"; }
  void reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  u64 read(u64, unsigned) override { return value; }
  void write(u64, unsigned, u64 v) override { value = v; }
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

}  // namespace
}  // namespace quire
