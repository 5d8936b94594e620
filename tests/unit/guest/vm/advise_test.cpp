// madvise, msync, mincore, mlock, and the two ranges that grow: brk and stacks (guest/vm/advise.cpp,
// lock.cpp).
#include "guest/fs/tmpfs.h"
#include "tests/unit/guest/vm/address_space_fixture.h"

namespace kernel {
namespace {

TEST_F(AddressSpaceTest, DontNeedZeroesAndFileMappingsReadTheFileAgain) {
  {
    const VirtAddr va = must(map(3));
    store(va + kPage, 5);
    must(space_->advise(va + kPage, kPage, kMadvDontNeed));
    EXPECT_EQ(space_->counters().rss(), 0U);
    EXPECT_EQ(load(va + kPage), 0);
    const auto file = open("/f");
    write_at(*file, 0, "f");
    const VirtAddr priv = must(map(1, kRw, kMapPrivate, file));
    store(priv, 'p');
    must(space_->advise(priv, kPage, kMadvDontNeed));
    EXPECT_EQ(load(priv), 'f');
    EXPECT_EQ(error_of(space_->advise(va, kPage, 77)), "EINVAL");
    EXPECT_EQ(error_of(space_->advise(va + 1, kPage, kMadvDontNeed)), "EINVAL");
    EXPECT_EQ(error_of(space_->advise(va, ~u64{0}, kMadvDontNeed)), "EINVAL");
    EXPECT_EQ(error_of(space_->advise(priv, kPage, kMadvFree)), "EINVAL");
    EXPECT_EQ(error_of(space_->advise(VirtAddr(0x1000), kPage, kMadvDontNeed)), "ENOMEM");
    must(space_->lock_range(va, kPage, false));
    EXPECT_EQ(error_of(space_->advise(va, kPage, kMadvDontNeed)), "EINVAL");
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, RemoveAdvicePunchesTheFile) {
  const auto file = must(memfd_create("x", 0, {}));
  must(file->truncate(3 * static_cast<i64>(kPage)));
  const VirtAddr va = must(map(3, kRw, kMapShared, file));
  store(va + kPage, 5);
  must(space_->advise(va + kPage, kPage, kMadvRemove));
  EXPECT_EQ(load(va + kPage), 0);
  EXPECT_EQ(error_of(space_->advise(must(map(1)), kPage, kMadvRemove)), "EINVAL");
}

TEST_F(AddressSpaceTest, AHoleTakesTheFilesPagesButNotPrivateCopies) {
  const auto file = must(memfd_create("x", 0, {}));
  must(file->truncate(2 * static_cast<i64>(kPage)));
  write_at(*file, 0, "ab");
  const VirtAddr va = must(map(2, kRw, kMapPrivate, file));
  store(va, 'P');
  EXPECT_EQ(load(va + kPage), 0);
  must(file->allocate(kFallocPunchHole | kFallocKeepSize, 0, 2 * static_cast<i64>(kPage)));
  EXPECT_EQ(load(va), 'P');
  EXPECT_EQ(load(va + 1), 'b');
  must(file->truncate(0));
  EXPECT_EQ(touch(va, Access::kRead), FaultKind::k_bus_adrerr);
}

TEST_F(AddressSpaceTest, PopulateAdviceGivesPagesAndReportsWhyNot) {
  const VirtAddr va = must(map(4));
  must(space_->advise(va, 4 * kPage, kMadvPopulateWrite));
  EXPECT_EQ(space_->counters().rss_anon, 4U);
  must(space_->protect(va, kPage, kProtRead));
  EXPECT_EQ(error_of(space_->advise(va, 4 * kPage, kMadvPopulateWrite)), "EINVAL");
  EXPECT_EQ(error_of(space_->advise(va + 3 * kPage, 2 * kPage, kMadvPopulateRead)), "ENOMEM");
  const auto empty = must(memfd_create("empty", 0, {}));
  const VirtAddr beyond = must(map(1, kRw, kMapShared, empty));
  EXPECT_EQ(error_of(space_->advise(beyond, kPage, kMadvPopulateRead)), "EFAULT");
}

TEST_F(AddressSpaceTest, SyncChecksItsArguments) {
  const VirtAddr va = must(map(2));
  must(space_->sync(va, 2 * kPage, kMsSync));
  EXPECT_EQ(error_of(space_->sync(va, kPage, kMsSync | kMsAsync)), "EINVAL");
  EXPECT_EQ(error_of(space_->sync(va, kPage, 0x10)), "EINVAL");
  EXPECT_EQ(error_of(space_->sync(va + 1, kPage, kMsSync)), "EINVAL");
  EXPECT_EQ(error_of(space_->sync(va, 3 * kPage, kMsSync)), "ENOMEM");
  must(space_->lock_range(va, kPage, false));
  EXPECT_EQ(error_of(space_->sync(va, kPage, kMsInvalidate)), "EBUSY");
}

TEST_F(AddressSpaceTest, MincoreTellsWhatIsThere) {
  const VirtAddr va = must(map(3));
  store(va + kPage, 1);
  u8 residency[3] = {9, 9, 9};
  must(space_->residency(va, residency));
  EXPECT_EQ(residency[0], 0);
  EXPECT_EQ(residency[1], 1);
  EXPECT_EQ(residency[2], 0);
  u8 more[4];
  EXPECT_EQ(error_of(space_->residency(va, more)), "ENOMEM");
}

TEST_F(AddressSpaceTest, MincoreSeesTheCacheOfAFileFromAnyPageOn) {
  const auto file = open("/f");
  must(file->truncate(static_cast<i64>(6 * kPage)));
  const VirtAddr whole = must(map(6, kProtRead, kMapShared, open("/f", kOpenReadOnly)));
  touch(whole + 2 * kPage, Access::kRead);
  touch(whole + 4 * kPage, Access::kRead);
  const VirtAddr part = must(map(3, kProtRead, kMapPrivate, open("/f", kOpenReadOnly), kPage));
  u8 residency[3] = {9, 9, 9};
  must(space_->residency(part, residency));
  EXPECT_EQ(residency[0], 0);
  EXPECT_EQ(residency[1], 1);
  EXPECT_EQ(residency[2], 0);
  must(space_->unmap(whole, 6 * kPage));
  must(space_->unmap(part, 3 * kPage));
  remove("/f");
}

TEST_F(AddressSpaceTest, LockingGivesThePagesAndCounts) {
  const VirtAddr va = must(map(4));
  must(space_->lock_range(va + 1, kPage, false));  // touches two pages
  EXPECT_EQ(space_->counters().rss_anon, 2U);
  EXPECT_EQ(space_->counters().locked_pages, 2U);
  // What comes before a hole is locked all the same.
  EXPECT_EQ(error_of(space_->lock_range(va, 5 * kPage, false)), "ENOMEM");
  EXPECT_EQ(space_->counters().locked_pages, 4U);
  must(space_->protect(va, kPage, kProtNone));
  EXPECT_EQ(error_of(space_->lock_range(va, kPage, false)), "ENOMEM");
  must(space_->protect(va, kPage, kRw));
  must(space_->unlock_range(va, 4 * kPage));
  space_->limits().may_exceed_locked = false;
  space_->limits().locked = 3 * kPage;
  EXPECT_EQ(error_of(space_->lock_range(va, 4 * kPage, false)), "ENOMEM");
  must(space_->unlock_all());
  EXPECT_EQ(space_->counters().locked_pages, 0U);
  EXPECT_EQ(space_->vma_count(), 1U);
  space_->limits().may_exceed_locked = true;
  must(space_->lock_all(kMclFuture));
  const VirtAddr future = must(map(2));
  EXPECT_EQ(space_->counters().rss_anon, 4U);
  EXPECT_EQ(touch(future, Access::kWrite), FaultKind::k_spurious);
  EXPECT_EQ(error_of(space_->lock_all(0)), "EINVAL");
  EXPECT_EQ(error_of(space_->lock_all(kMclOnFault)), "EINVAL");
}

TEST_F(AddressSpaceTest, TheBreakMovesBothWaysAndStopsAtMappings) {
  const VirtAddr start(0x40'0000);
  space_->set_heap_start(start);
  EXPECT_EQ(space_->set_break(VirtAddr(0)), start);
  EXPECT_EQ(space_->set_break(start + 100), start + 100);
  store(start, 1);
  EXPECT_NE(maps().find("[heap]"), std::string::npos);
  EXPECT_EQ(space_->set_break(start + 5 * kPage), start + 5 * kPage);
  EXPECT_EQ(load(start), 1);
  EXPECT_EQ(space_->vma_count(), 1U);
  must(map(1, kProtRead, kAnon | kMapFixed, {}, 0, start + 8 * kPage));
  EXPECT_EQ(space_->set_break(start + 8 * kPage), start + 5 * kPage);
  EXPECT_EQ(space_->set_break(start + 7 * kPage), start + 7 * kPage);
  EXPECT_EQ(space_->set_break(start), start);
  EXPECT_EQ(touch(start, Access::kRead), FaultKind::k_segv_maperr);
  space_->limits().data = kPage;
  EXPECT_EQ(space_->set_break(start + 2 * kPage), start);
}

TEST_F(AddressSpaceTest, StacksGrowDownToTheirLimit) {
  const VirtAddr top = kUserTop - 16 * kPage;
  must(space_->map_stack(top, 2 * kPage, false));
  EXPECT_NE(maps().find("[stack]"), std::string::npos);
  EXPECT_EQ(touch(top - 100 * kPage, Access::kWrite), FaultKind::k_anon);
  EXPECT_EQ(space_->counters().stack_pages, 100U);
  EXPECT_EQ(touch(top - (8 << 20) - kPage, Access::kWrite), FaultKind::k_segv_maperr);
  EXPECT_EQ(touch(top - (8 << 20), Access::kWrite), FaultKind::k_anon);
}

TEST_F(AddressSpaceTest, AStackKeepsItsDistanceFromWhatIsBelow) {
  const VirtAddr top(0x30'0000'0000);
  must(space_->map_stack(top, kPage, false));
  const VirtAddr below = top - 300 * kPage;
  must(map(1, kRw, kAnon | kMapFixed, {}, 0, below));
  EXPECT_EQ(touch(below + kPage + kStackGuardBytes, Access::kWrite), FaultKind::k_anon);
  EXPECT_EQ(touch(below + kStackGuardBytes, Access::kWrite), FaultKind::k_segv_maperr);
  must(space_->protect(below, kPage, kProtNone));
  EXPECT_EQ(touch(below + kPage, Access::kWrite), FaultKind::k_anon);
}

}  // namespace
}  // namespace kernel
