// What fork shares, copies and leaves out (guest/vm/fork.cpp).
#include "guest/mem/injection.h"
#include "guest/vm/check.h"
#include "tests/unit/guest/vm/address_space_fixture.h"

namespace kernel {
namespace {

TEST_F(AddressSpaceTest, ForkSharesUntilSomebodyWrites) {
  const VirtAddr va = must(map(2));
  store(va, 1);
  store(va + kPage, 2);
  const u64 anon_before = memory_stats().used_for(FrameUse::kAnon);
  auto child = must(space_->fork());
  EXPECT_EQ(memory_stats().used_for(FrameUse::kAnon), anon_before);
  EXPECT_EQ(touch(va, Access::kWrite, child.get()), FaultKind::k_cow_copy);
  store(va, 9, child.get());
  EXPECT_EQ(load(va), 1);
  EXPECT_EQ(load(va, child.get()), 9);
  // The other side is the last holder now and need not copy.
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_cow_reuse);
  EXPECT_EQ(space_->counters().cow_reuses, 1U);
  EXPECT_EQ(child->counters().cow_copies, 1U);
  must(check_memory());
  child.reset();
  EXPECT_EQ(touch(va + kPage, Access::kWrite), FaultKind::k_cow_reuse);
}

TEST_F(AddressSpaceTest, CowEventsTellTheSharers) {
  const VirtAddr va = must(map(1));
  store(va, 1);
  auto child = must(space_->fork());
  auto grandchild = must(child->fork());
  // The cow event comes right before the fault's own: look at it by faulting through write().
  const u8 byte = 5;
  must(child->write(va, {&byte, 1}));
  const auto event = host::last_event();
  EXPECT_EQ(event.id, TraceEventId::k_cow);
  ASSERT_EQ(event.args.size(), 6U);
  EXPECT_EQ(event.args[0], 7U);
  EXPECT_EQ(event.args[1], va.value);
  EXPECT_NE(event.args[2], event.args[3]);
  EXPECT_EQ(event.args[4], 3U);
  EXPECT_EQ(event.args[5], 2U);
}

TEST_F(AddressSpaceTest, SharedMemoryStaysSharedAcrossFork) {
  const VirtAddr va = must(map(1, kRw, kMapShared | kMapAnonymous));
  store(va, 1);
  auto child = must(space_->fork());
  store(va, 2, child.get());
  EXPECT_EQ(load(va), 2);
}

TEST_F(AddressSpaceTest, AdviceDecidesWhatForkCopies) {
  const VirtAddr va = must(map(3));
  for (u64 page = 0; page < 3; page++) {
    store(va + page * kPage, 5);
  }
  must(space_->advise(va, kPage, kMadvDontFork));
  must(space_->advise(va + kPage, kPage, kMadvWipeOnFork));
  auto child = must(space_->fork());
  EXPECT_EQ(touch(va, Access::kRead, child.get()), FaultKind::k_segv_maperr);
  EXPECT_EQ(load(va + kPage, child.get()), 0);
  EXPECT_EQ(load(va + 2 * kPage, child.get()), 5);
}

TEST_F(AddressSpaceTest, ForkWithoutMemoryLeavesTheParentWhole) {
  const VirtAddr va = must(map(2000));
  for (u64 page = 0; page < 2000; page += 100) {
    store(va + page * kPage, 5);
  }
  for (u64 failing = 1; failing < 8; failing++) {
    inject({.nth = failing});
    const auto child = space_->fork();
    stop_injecting();
    EXPECT_TRUE(child.ok() || child.error() == Errno::kENOMEM);
    must(check_memory());
  }
  EXPECT_EQ(load(va), 5);
  store(va, 6);
}

}  // namespace
}  // namespace kernel
