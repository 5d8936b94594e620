// mmap, munmap and mprotect: placing, merging, and the errnos of bad requests (guest/vm/map.cpp,
// protect.cpp).
#include "tests/unit/guest/vm/address_space_fixture.h"

namespace kernel {
namespace {

TEST_F(AddressSpaceTest, EqualNeighboursMerge) {
  const VirtAddr first = must(map(2));
  const VirtAddr second = must(map(2));
  EXPECT_EQ(second.value + 2 * kPage, first.value);
  EXPECT_EQ(space_->vma_count(), 1U);
  must(space_->protect(second + kPage, 2 * kPage, kProtRead));
  EXPECT_EQ(space_->vma_count(), 3U);
  must(space_->protect(second + kPage, 2 * kPage, kRw));
  EXPECT_EQ(space_->vma_count(), 1U);
  must(space_->unmap(second + kPage, kPage));
  EXPECT_EQ(space_->vma_count(), 2U);
}

TEST_F(AddressSpaceTest, FileNeighboursMergeOnlyWhenPagesFollow) {
  {
    const auto file = open("/f");
    must(file->truncate(8 * static_cast<i64>(kPage)));
    const VirtAddr va = must(map(8, kProtRead, kMapPrivate, file));
    must(map(1, kProtRead, kMapPrivate | kMapFixed, file, 3 * kPage, va + 3 * kPage));
    EXPECT_EQ(space_->vma_count(), 1U);
    must(map(1, kProtRead, kMapPrivate | kMapFixed, file, 4 * kPage, va + 3 * kPage));
    EXPECT_EQ(space_->vma_count(), 3U);
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, BadRequestsGetTheirErrnos) {
  const auto file = open("/f");
  must(file->truncate(static_cast<i64>(kPage)));
  const auto read_only = open("/f", kOpenReadOnly);
  const auto write_only = open("/f", kOpenWriteOnly);
  EXPECT_EQ(error_of(map(0)), "EINVAL");
  EXPECT_EQ(error_of(map(1, kRw, kMapAnonymous)), "EINVAL");
  EXPECT_EQ(error_of(map(1, kRw, kMapSharedValidate | kMapAnonymous)), "EINVAL");
  EXPECT_EQ(error_of(map(1, kRw, kMapPrivate, file, 100)), "EINVAL");
  EXPECT_EQ(error_of(map(1, kRw, kMapSharedValidate | kMapSync, file)), "EOPNOTSUPP");
  EXPECT_EQ(error_of(map(1, kRw, kMapShared, read_only)), "EACCES");
  must(map(1, kRw, kMapPrivate, read_only));
  EXPECT_EQ(error_of(map(1, kProtRead, kMapShared, write_only)), "EACCES");
  EXPECT_EQ(error_of(map(1, kRw, kMapPrivate, file, ~u64{0} << 12)), "EOVERFLOW");
  EXPECT_EQ(error_of(map(1, kRw, kAnon | kMapFixed, {}, 0, VirtAddr(0x10001))), "EINVAL");
  EXPECT_EQ(error_of(map(1, kRw, kAnon | kMapFixed, {}, 0, kUserTop)), "ENOMEM");
  EXPECT_EQ(error_of(map(2, kRw, kAnon | kMapFixed, {}, 0, kUserTop - kPage)), "ENOMEM");
  EXPECT_EQ(error_of(space_->map({VirtAddr(0), ~u64{0}, kRw, kAnon, {}, 0})), "ENOMEM");
  EXPECT_EQ(error_of(space_->map({VirtAddr(0), kSv39UserTop, kRw, kAnon | kMapNoReserve, {}, 0})), "ENOMEM");
  EXPECT_EQ(error_of(map(1, kRw, kAnon | kMapHugeTlb)), "ENOMEM");
  EXPECT_EQ(error_of(map(1, kProtRead, kMapPrivate, open("/", kOpenReadOnly | kOpenDirectory))), "ENODEV");
  EXPECT_EQ(error_of(map(memory_stats().total + 1)), "ENOMEM");
  must(map(memory_stats().total + 1, kRw, kAnon | kMapNoReserve));
  const VirtAddr taken = must(map(1));
  EXPECT_EQ(error_of(map(1, kRw, kAnon | kMapFixedNoReplace, {}, 0, taken)), "EEXIST");
  remove("/f");
}

TEST_F(AddressSpaceTest, HintsAreHonouredWhereFree) {
  const VirtAddr wanted(0x20'0000'0000);
  EXPECT_EQ(must(map(2, kRw, kAnon, {}, 0, wanted + 5)), wanted);
  EXPECT_NE(must(map(1, kRw, kAnon, {}, 0, wanted)), wanted);
  EXPECT_EQ(must(map(1, kRw, kAnon, {}, 0, VirtAddr(1 << 12))), kUserLowest);
}

TEST_F(AddressSpaceTest, LimitsOfAddressSpaceAndDataHold) {
  space_->limits().address_space = 10 * kPage;
  must(map(8));
  EXPECT_EQ(error_of(map(3)), "ENOMEM");
  must(map(2));
  space_->limits().address_space = ~u64{0};
  space_->limits().data = 12 * kPage;
  must(map(100, kProtRead));
  EXPECT_EQ(error_of(map(3)), "ENOMEM");
  must(map(2));
}

TEST_F(AddressSpaceTest, UnmapChecksItsRange) {
  EXPECT_EQ(error_of(space_->unmap(VirtAddr(1), kPage)), "EINVAL");
  EXPECT_EQ(error_of(space_->unmap(VirtAddr(0), 0)), "EINVAL");
  EXPECT_EQ(error_of(space_->unmap(kUserTop - kPage, 2 * kPage)), "EINVAL");
  EXPECT_EQ(error_of(space_->unmap(VirtAddr(~u64{0} << 12), ~u64{0})), "EINVAL");
  must(space_->unmap(VirtAddr(0x5000), kPage));  // nothing there: fine
}

TEST_F(AddressSpaceTest, ProtectChecksItsRange) {
  const VirtAddr va = must(map(4));
  EXPECT_EQ(error_of(space_->protect(va + 1, kPage, kProtRead)), "EINVAL");
  EXPECT_EQ(error_of(space_->protect(va, kPage, 0x80)), "EINVAL");
  EXPECT_EQ(error_of(space_->protect(va, ~u64{0}, kProtRead)), "ENOMEM");
  EXPECT_EQ(error_of(space_->protect(va + 3 * kPage, kSv39UserTop, kProtRead)), "ENOMEM");
  EXPECT_EQ(touch(va + 3 * kPage, Access::kWrite), FaultKind::k_segv_accerr);  // changed all the same
  must(space_->protect(va, 4 * kPage, kRw));
  EXPECT_EQ(error_of(space_->protect(va - kPage, 2 * kPage, kProtRead)), "ENOMEM");
  must(space_->protect(va, 0, kProtRead));
  must(space_->unmap(va + 2 * kPage, kPage));
  EXPECT_EQ(error_of(space_->protect(va, 4 * kPage, kProtRead)), "ENOMEM");
  // What lies before the hole has been changed.
  EXPECT_EQ(touch(va + kPage, Access::kWrite), FaultKind::k_segv_accerr);
  EXPECT_EQ(touch(va + 3 * kPage, Access::kWrite), FaultKind::k_anon);
  {
    const auto file = open("/f");
    must(file->truncate(static_cast<i64>(kPage)));
    const VirtAddr shared = must(map(1, kProtRead, kMapShared, open("/f", kOpenReadOnly)));
    EXPECT_EQ(error_of(space_->protect(shared, kPage, kRw)), "EACCES");
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, ProtectNoneKeepsThePages) {
  const VirtAddr va = must(map(1));
  store(va, 77);
  must(space_->protect(va, kPage, kProtNone));
  EXPECT_EQ(touch(va, Access::kRead), FaultKind::k_segv_accerr);
  must(space_->protect(va, kPage, kRw));
  EXPECT_EQ(load(va), 77);
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_spurious);  // no fault: the page is still its own
}

}  // namespace
}  // namespace kernel
