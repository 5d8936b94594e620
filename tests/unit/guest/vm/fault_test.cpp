// Faults: what each touch gives, and what it says when it gives nothing (guest/vm/fault.cpp).
#include "guest/vm/fault.h"

#include "guest/mem/injection.h"
#include "tests/unit/guest/vm/address_space_fixture.h"

namespace kernel {
namespace {

TEST_F(AddressSpaceTest, AnonymousMemoryIsGivenOnFirstTouch) {
  const VirtAddr va = must(map(4));
  EXPECT_EQ(space_->counters().rss(), 0U);
  EXPECT_EQ(touch(va, Access::kRead), FaultKind::k_zero_page);
  EXPECT_EQ(space_->counters().rss(), 0U);
  EXPECT_EQ(load(va), 0);
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_anon);
  EXPECT_EQ(touch(va + kPage, Access::kWrite), FaultKind::k_anon);
  EXPECT_EQ(space_->counters().rss_anon, 2U);
  EXPECT_EQ(space_->counters().minor_faults, 3U);
}

TEST_F(AddressSpaceTest, RefusedAccessesSayWhy) {
  const VirtAddr va = must(map(2, kProtRead));
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_segv_accerr);
  EXPECT_EQ(touch(va, Access::kExecute), FaultKind::k_segv_accerr);
  EXPECT_EQ(touch(va - kPage, Access::kRead), FaultKind::k_segv_maperr);
  must(space_->protect(va, kPage, kProtNone));
  EXPECT_EQ(touch(va, Access::kRead), FaultKind::k_segv_accerr);
  const FaultAnswer answer = space_->handle_fault(va, Access::kRead, FaultOrigin::kUserCopy);
  EXPECT_EQ(answer.kind, FaultKind::k_efault);
  EXPECT_EQ((FaultAnswer{FaultKind::k_segv_maperr, 0}.signal().number), kSIGSEGV);
  EXPECT_EQ((FaultAnswer{FaultKind::k_bus_adrerr, 0}.signal().code), kBusAdrErr);
}

TEST_F(AddressSpaceTest, WriteOnlyMeansReadableToo) {
  const VirtAddr va = must(map(1, kProtWrite));
  EXPECT_EQ(load(va), 0);
  store(va, 1);
}

TEST_F(AddressSpaceTest, FaultEventsCarryTheirArguments) {
  const VirtAddr va = must(map(4));
  const FaultAnswer answer = space_->handle_fault(va + 8, Access::kWrite, FaultOrigin::kUser);
  const auto event = host::last_event();
  EXPECT_EQ(event.id, TraceEventId::k_page_fault);
  EXPECT_EQ(event.args, (std::vector<u64>{7, va.value + 8, static_cast<u64>(Access::kWrite),
                                          static_cast<u64>(FaultKind::k_anon), va.value, va.value + 4 * kPage,
                                          kRw, answer.pfn}));
}

TEST_F(AddressSpaceTest, MissingAccessBitsAreSetOnDemand) {
  const VirtAddr va = must(map(1));
  store(va, 1);
  auto& table = const_cast<PageTable&>(space_->page_table());
  table.update_range(va, va + kPage,
                     [](VirtAddr, Pte pte) { return Pte{pte.raw & ~u64{kPteAccessed | kPteDirty}}; });
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_access_bits);
  EXPECT_EQ(load(va), 1);
}

TEST_F(AddressSpaceTest, WithoutMemoryAFaultIsOutOfMemory) {
  const VirtAddr va = must(map(1));
  inject({.nth = 1});
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_oom);
  stop_injecting();
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_anon);
}

TEST_F(AddressSpaceTest, WithoutMemoryAWriteFromOutsideSaysSo) {
  const VirtAddr va = must(map(1));
  const u8 byte = 1;
  inject({.nth = 1});
  EXPECT_EQ(space_->write(va, ConstByteSpan(&byte, 1)).error(), Errno::kENOMEM);
  stop_injecting();
  EXPECT_TRUE(space_->write(va, ConstByteSpan(&byte, 1)).ok());
}

}  // namespace
}  // namespace kernel
