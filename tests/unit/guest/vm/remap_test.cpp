// mremap: growing, moving, and nothing lost when memory is short (guest/vm/remap.cpp).
#include "guest/mem/injection.h"
#include "guest/vm/check.h"
#include "tests/unit/guest/vm/address_space_fixture.h"

namespace kernel {
namespace {

TEST_F(AddressSpaceTest, RemapGrowsInPlaceOrMoves) {
  const VirtAddr va = must(map(4, kRw, kAnon, {}, 0, VirtAddr(0x20'0000'0000)));
  store(va, 1);
  store(va + 3 * kPage, 4);
  EXPECT_EQ(must(space_->remap(va, 4 * kPage, 8 * kPage, 0, VirtAddr(0))), va);
  must(map(1, kRw, kAnon | kMapFixed, {}, 0, va + 8 * kPage));
  must(space_->protect(va + 8 * kPage, kPage, kProtRead));
  EXPECT_EQ(error_of(space_->remap(va, 8 * kPage, 9 * kPage, 0, VirtAddr(0))), "ENOMEM");
  const VirtAddr moved = must(space_->remap(va, 8 * kPage, 9 * kPage, kMremapMayMove, VirtAddr(0)));
  EXPECT_NE(moved, va);
  EXPECT_EQ(load(moved), 1);
  EXPECT_EQ(load(moved + 3 * kPage), 4);
  EXPECT_EQ(touch(va, Access::kRead), FaultKind::k_segv_maperr);
  EXPECT_EQ(space_->counters().rss_anon, 2U);
  EXPECT_EQ(must(space_->remap(moved, 9 * kPage, kPage, 0, VirtAddr(0))), moved);
  EXPECT_EQ(touch(moved + kPage, Access::kRead), FaultKind::k_segv_maperr);
}

TEST_F(AddressSpaceTest, RemapToAFixedPlaceReplacesAndMayKeepTheOld) {
  const VirtAddr va = must(map(2));
  const VirtAddr target(0x20'0000'0000);
  must(map(2, kRw, kAnon, {}, 0, target));
  store(va, 1);
  store(target, 2);
  EXPECT_EQ(error_of(space_->remap(va, 2 * kPage, 2 * kPage, kMremapFixed, target)), "EINVAL");
  EXPECT_EQ(error_of(space_->remap(va, 2 * kPage, 2 * kPage, kMremapFixed | kMremapMayMove, va + kPage)),
            "EINVAL");
  must(space_->remap(va, 2 * kPage, 2 * kPage, kMremapFixed | kMremapMayMove | kMremapDontUnmap, target));
  EXPECT_EQ(load(target), 1);
  EXPECT_EQ(load(va), 0);
  EXPECT_EQ(error_of(space_->remap(va, kPage, 2 * kPage, kMremapMayMove | kMremapDontUnmap, VirtAddr(0))),
            "EINVAL");
  EXPECT_EQ(error_of(space_->remap(VirtAddr(0x1'0000'0000), kPage, kPage, 0, VirtAddr(0))), "EFAULT");
  EXPECT_EQ(error_of(space_->remap(va, 0, kPage, kMremapMayMove, VirtAddr(0))), "EINVAL");
  EXPECT_EQ(error_of(space_->remap(va, kPage, 0, kMremapMayMove, VirtAddr(0))), "EINVAL");
  EXPECT_EQ(error_of(space_->remap(va, kPage, kPage, 8, VirtAddr(0))), "EINVAL");
}

TEST_F(AddressSpaceTest, RemapOfNothingDuplicatesASharedMapping) {
  const VirtAddr va = must(map(2, kRw, kMapShared | kMapAnonymous));
  store(va + kPage, 3);
  const VirtAddr twin = must(space_->remap(va, 0, 2 * kPage, kMremapMayMove, VirtAddr(0)));
  EXPECT_EQ(load(twin + kPage), 3);
  store(twin, 4);
  EXPECT_EQ(load(va), 4);
}

TEST_F(AddressSpaceTest, RemapWithoutMemoryChangesNothing) {
  const VirtAddr va = must(map(1200, kRw, kAnon, {}, 0, VirtAddr(0x20'0000'0000)));
  for (u64 page = 0; page < 1200; page += 50) {
    store(va + page * kPage, static_cast<u8>(page / 50 + 1));
  }
  must(map(1, kProtNone, kAnon | kMapFixed, {}, 0, va + 1200 * kPage));
  for (u64 failing = 1; failing < 4; failing++) {
    inject({.nth = failing});
    const auto moved = space_->remap(va, 1200 * kPage, 1201 * kPage, kMremapMayMove, VirtAddr(0));
    stop_injecting();
    if (moved.ok()) {
      break;
    }
    EXPECT_EQ(error_of(moved), "ENOMEM");
    EXPECT_EQ(load(va + 1150 * kPage), 24);
    must(check_memory());
  }
}

}  // namespace
}  // namespace kernel
