#include "guest/vm/address_space.h"

#include <map>

#include "guest/fs/devfs.h"
#include "guest/fs/page_cache.h"
#include "guest/fs/tmpfs.h"
#include "guest/mem/injection.h"
#include "guest/vm/check.h"
#include "tests/unit/guest/support/kernel/host_kernel.h"

namespace kernel {
namespace {

using host::error_of;
using host::must;

constexpr u32 kRw = kProtRead | kProtWrite;
constexpr u32 kAnon = kMapPrivate | kMapAnonymous;
constexpr u64 kPage = kPageBytes;

class AddressSpaceTest : public host::KernelTest {
 protected:
  AddressSpaceTest() : space_(new_space()) {}

  KResult<VirtAddr> map(u64 pages, u32 prot = kRw, u32 flags = kAnon, RefPtr<File> file = {}, u64 offset = 0,
                        VirtAddr address = VirtAddr(0)) {
    return space_->map({address, pages * kPage, prot, flags, std::move(file), offset});
  }
  /// The answer to a fault, or the kind that an access without fault shows.
  FaultKind touch(VirtAddr address, Access access, AddressSpace* space = nullptr) {
    const auto found = host::access_user(space != nullptr ? *space : *space_, address, access);
    return found.faulted ? found.answer.kind : FaultKind::k_spurious;
  }
  void store(VirtAddr address, u8 value, AddressSpace* space = nullptr) {
    const auto found = host::access_user(space != nullptr ? *space : *space_, address, Access::kWrite);
    ASSERT_NE(found.byte, nullptr);
    *found.byte = value;
  }
  int load(VirtAddr address, AddressSpace* space = nullptr) {
    const auto found = host::access_user(space != nullptr ? *space : *space_, address, Access::kRead);
    return found.byte == nullptr ? -1 : *found.byte;
  }
  std::string maps(AddressSpace* space = nullptr) {
    String text;
    StringSink sink(text);
    must((space != nullptr ? space : space_.get())->format_maps(sink, context_.root));
    return std::string(text.view());
  }

  RefPtr<AddressSpace> space_;
};

// --- faults ---

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

// --- files ---

TEST_F(AddressSpaceTest, SharedMappingAndReadSeeTheSamePages) {
  {
    const auto file = open("/f");
    must(file->truncate(3 * static_cast<i64>(kPage)));
    write_at(*file, 0, "abc");
    const VirtAddr va = must(map(3, kRw, kMapShared, file));
    EXPECT_EQ(load(va), 'a');
    store(va + 1, 'B');
    EXPECT_EQ(read_all(*file).substr(0, 3), "aBc");
    write_at(*file, 2, "C");
    EXPECT_EQ(load(va + 2), 'C');
    EXPECT_EQ(touch(va + kPage, Access::kWrite), FaultKind::k_mkwrite);
    EXPECT_EQ(touch(va + 2 * kPage, Access::kRead), FaultKind::k_file_minor);
    EXPECT_EQ(touch(va + 2 * kPage, Access::kWrite), FaultKind::k_mkwrite);
    EXPECT_EQ(space_->counters().rss_shmem, 3U);
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, AReadMapsTheCachedNeighboursToo) {
  {
    const auto file = open("/f");
    write_at(*file, 0, std::string(40 * kPage, 'x'));
    must(file->inode().allocate(kFallocPunchHole | kFallocKeepSize, 3 * kPage, kPage));
    const VirtAddr va = must(map(40, kRw, kMapPrivate, file));
    const VirtAddr window(align_up(va.value, 16 * kPage));
    const u64 first = (window - va) >> kPageShift;
    const auto present = [&](u64 page) { return space_->page_table().lookup(va + page * kPage).valid(); };
    EXPECT_EQ(touch(window + 5 * kPage, Access::kRead), FaultKind::k_file_minor);
    for (u64 page = 0; page < 40; page++) {
      const bool around = page >= first && page < first + 16;
      EXPECT_EQ(present(page), around && page != 3) << page;
    }
    EXPECT_EQ(space_->counters().minor_faults, 1U);
    EXPECT_EQ(space_->counters().rss_file, first <= 3 ? 15U : 16U);
    // They are the file's still: the first write to one of them copies.
    EXPECT_EQ(touch(window + 6 * kPage, Access::kWrite), FaultKind::k_cow_copy);
    EXPECT_EQ(load(window + 6 * kPage), 'x');
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, NeighboursEndWithTheMappingAndTheFile) {
  {
    const auto file = open("/f");
    write_at(*file, 0, std::string(3 * kPage, 'x'));
    must(file->inode().allocate(kFallocKeepSize, 0, 6 * kPage));  // pages behind the end
    const VirtAddr va = must(map(10, kProtRead, kMapShared, file));
    EXPECT_EQ(touch(va, Access::kRead), FaultKind::k_file_minor);
    EXPECT_LE(space_->counters().rss_shmem, 3U);
    EXPECT_EQ(touch(va + 3 * kPage, Access::kRead), FaultKind::k_bus_adrerr);
    must(space_->unmap(va, 10 * kPage));
    const VirtAddr one = must(map(1, kProtRead, kMapShared, file, kPage));
    EXPECT_EQ(touch(one, Access::kRead), FaultKind::k_file_minor);
    EXPECT_EQ(space_->counters().rss_shmem, 1U);
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, AWriteMapsNoNeighbours) {
  {
    const auto file = open("/f");
    write_at(*file, 0, std::string(8 * kPage, 'x'));
    const VirtAddr va = must(map(8, kRw, kMapShared, file));
    (void)touch(va, Access::kWrite);
    EXPECT_EQ(space_->counters().rss_shmem, 1U);
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, APrivateMappingKeepsItsWritesToItself) {
  {
    const auto file = open("/f");
    write_at(*file, 0, std::string(2 * kPage, 'x'));
    const VirtAddr va = must(map(2, kRw, kMapPrivate, file));
    EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_cow_copy);
    const auto event = host::last_event();
    EXPECT_EQ(event.id, TraceEventId::k_page_fault);
    store(va, 'y');
    EXPECT_EQ(touch(va + kPage, Access::kRead), FaultKind::k_file_minor);
    EXPECT_EQ(touch(va + kPage, Access::kWrite), FaultKind::k_cow_copy);
    EXPECT_EQ(read_all(*file), std::string(2 * kPage, 'x'));
    EXPECT_EQ(space_->counters().rss_anon, 2U);
    EXPECT_EQ(space_->counters().rss_file, 0U);
    // What has been copied no longer follows the file; what has not, does.
    write_at(*file, 1, "z");
    EXPECT_EQ(load(va + 1), 'x');
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, MemoryThatWasWrittenApartStaysApart) {
  const VirtAddr place(u64{1} << 30);
  const auto at = [&](u64 page) { return place + page * kPage; };
  for (const u64 page : {0, 8}) {
    must(map(4, kRw, kAnon | kMapFixed, {}, 0, at(page)));
    store(at(page), 1);
  }
  must(map(4, kRw, kAnon | kMapFixed, {}, 0, at(4)));
  EXPECT_EQ(space_->vma_count(), 2U);  // the middle joins one of them
  auto child = must(space_->fork());
  must(child->map({at(12), 4 * kPage, kRw, kAnon | kMapFixed, {}, 0}));
  EXPECT_EQ(child->vma_count(), 3U);  // what is new joins nothing that came by fork
  must(map(4, kRw, kAnon | kMapFixed, {}, 0, at(12)));
  EXPECT_EQ(space_->vma_count(), 2U);
  space_->check();
  child->check();
}

TEST_F(AddressSpaceTest, BeyondTheEndOfTheFileIsABusError) {
  {
    const auto file = open("/f");
    write_at(*file, 0, std::string(kPage + 10, 'x'));
    const VirtAddr va = must(map(4, kRw, kMapShared, file));
    EXPECT_EQ(load(va + kPage + 10), 0);  // the rest of the last page
    EXPECT_EQ(touch(va + 2 * kPage, Access::kRead), FaultKind::k_bus_adrerr);
    EXPECT_EQ(touch(va + 3 * kPage, Access::kWrite), FaultKind::k_bus_adrerr);
    must(file->truncate(4 * static_cast<i64>(kPage)));
    EXPECT_EQ(load(va + 2 * kPage), 0);
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, TruncationUnmapsAndZeroesTheTail) {
  {
    const auto file = open("/f");
    must(file->truncate(4 * static_cast<i64>(kPage)));
    const VirtAddr shared = must(map(4, kRw, kMapShared, file));
    const VirtAddr priv = must(map(4, kRw, kMapPrivate, file));
    for (u64 page = 0; page < 4; page++) {
      store(shared + page * kPage + 100, 's');
      store(priv + page * kPage + 100, 'p');
    }
    must(file->truncate(static_cast<i64>(kPage) + 50));
    EXPECT_EQ(touch(shared + 2 * kPage, Access::kRead), FaultKind::k_bus_adrerr);
    EXPECT_EQ(touch(priv + 2 * kPage, Access::kRead), FaultKind::k_bus_adrerr);
    EXPECT_EQ(load(shared + kPage + 100), 0);
    EXPECT_EQ(load(priv + kPage + 100), 'p');
    must(file->truncate(4 * static_cast<i64>(kPage)));
    EXPECT_EQ(load(shared + 3 * kPage + 100), 0);
    EXPECT_EQ(load(priv + 3 * kPage + 100), 0);
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, AMappingOutlivesDescriptorAndName) {
  auto file = open("/f");
  write_at(*file, 0, "kept");
  const VirtAddr va = must(map(1, kRw, kMapShared, file));
  file.reset();
  remove("/f");
  EXPECT_EQ(load(va + 3), 't');
  EXPECT_NE(maps().find("/f (deleted)\n"), std::string::npos);
}

TEST_F(AddressSpaceTest, ZeroDeviceAndSharedAnonymousMemoryHaveLinuxNames) {
  const VirtAddr shared = must(map(2, kRw, kMapShared | kMapAnonymous));
  EXPECT_NE(maps().find("rw-s 00000000 "), std::string::npos);
  EXPECT_NE(maps().find(" /dev/zero (deleted)\n"), std::string::npos);
  store(shared, 1);
  must(map(1, kRw, kMapShared, must(memfd_create("name", 0, {}))));
  EXPECT_NE(maps().find(" /memfd:name (deleted)\n"), std::string::npos);
}

// --- fork ---

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

// --- mmap and its checks ---

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

// --- mremap ---

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

// --- madvise, msync, mincore, mlock, brk ---

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

// --- exec's and the kernel's view ---

TEST_F(AddressSpaceTest, SpecialMappingsShowFramesOfTheKernel) {
  Frame* const frame = must(alloc_frame(ZeroIt::kYes));
  *frame_data(frame) = 42;
  Frame* const frames[] = {frame};
  const SpecialMapping mapping{"[vdso]", frames, 1};
  const VirtAddr va = must(space_->map_special(VirtAddr(0), mapping, kProtRead | kProtExec));
  EXPECT_EQ(load(va), 42);
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_segv_accerr);
  EXPECT_EQ(space_->counters().rss_file, 1U);
  // As on Linux, for debuggers: the copy is the program's own.
  must(space_->protect(va, kPage, kRw));
  store(va, 43);
  EXPECT_EQ(*frame_data(frame), 42);
  must(space_->unmap(va, kPage));
  must(space_->map_special(va, mapping, kProtRead | kProtExec));
  auto child = must(space_->fork());
  EXPECT_EQ(load(va, child.get()), 42);
  EXPECT_NE(maps(child.get()).find("[vdso]"), std::string::npos);
  child.reset();
  space_->clear();
  EXPECT_EQ(frame->references, 1U);
  put_frame(frame);
}

TEST_F(AddressSpaceTest, SpecialPagesThatAreNotResidentAndThoseThatAreMissing) {
  Frame* const frame = must(alloc_frame(ZeroIt::kYes));
  Frame* const frames[] = {nullptr, frame};
  const SpecialMapping mapping{"[vvar]", frames, 2, SpecialMapping::Resident::kNo};
  const VirtAddr va = must(space_->map_special(VirtAddr(0), mapping, kProtRead));
  EXPECT_EQ(touch(va, Access::kRead), FaultKind::k_bus_adrerr);
  EXPECT_EQ(load(va + kPage), 0);
  EXPECT_EQ(space_->counters().rss(), 0U);
  EXPECT_EQ(error_of(space_->protect(va, kPage, kRw)), "EACCES");
  space_->check();
  space_->clear();
  EXPECT_EQ(frame->references, 1U);
  put_frame(frame);
}

TEST_F(AddressSpaceTest, SpecialMappingsKeepRoomBelowThemWhereAsked) {
  Frame* const frame = must(alloc_frame(ZeroIt::kYes));
  Frame* const frames[] = {frame, frame};
  const SpecialMapping image{"[vdso]", frames, 2};
  const SpecialMapping data{"[vvar]", frames, 1};
  // The highest gap is as large as the image alone.
  const VirtAddr top = must(map(1));
  must(map(1, kRw, kAnon | kMapFixed, {}, 0, top - 3 * kPage));
  const VirtAddr va = must(space_->map_special(VirtAddr(0), image, kProtRead | kProtExec, kPage));
  EXPECT_LT(va.value, (top - 3 * kPage).value);
  must(space_->map_special(va - kPage, data, kProtRead));
  EXPECT_EQ(must(space_->map_special(VirtAddr(0), image, kProtRead)), top - 2 * kPage);
  space_->clear();
  put_frame(frame);
}

TEST_F(AddressSpaceTest, ReadAndWriteReachMemoryThatDoesNotRun) {
  const VirtAddr va = must(map(2, kProtRead));
  const std::string text = "across the boundary";
  EXPECT_EQ(error_of(space_->write(va + kPage - 5, as_bytes(text))), "EFAULT");
  must(space_->write(va + kPage - 5, as_bytes(text), AddressSpace::Force::kYes));
  std::string back(text.size(), ' ');
  must(space_->read(va + kPage - 5, {reinterpret_cast<u8*>(back.data()), back.size()}));
  EXPECT_EQ(back, text);
  // Forced writing does not let the program write.
  EXPECT_EQ(touch(va, Access::kWrite), FaultKind::k_segv_accerr);
  EXPECT_EQ(error_of(space_->read(va + 2 * kPage - 1, {reinterpret_cast<u8*>(back.data()), 2})), "EFAULT");
}

TEST_F(AddressSpaceTest, UserCopiesOfFilesGiveShortCountsAtBadMemory) {
  {
    host::g_user_space = space_.get();
    const auto file = open("/f");
    write_at(*file, 0, std::string(3 * kPage, 'x'));
    const VirtAddr va = must(map(1));
    IoBuffer into = IoBuffer::user(va, 2 * kPage);
    must(map(1, kProtNone, kAnon | kMapFixed, {}, 0, va + kPage));
    EXPECT_EQ(must(file->read_at(0, into)), kPage);
    IoBuffer bad = IoBuffer::user(va + kPage, 10);
    EXPECT_EQ(error_of(file->read_at(0, bad)), "EFAULT");
    IoBuffer from = IoBuffer::user(va + kPage - 10, 20);
    EXPECT_EQ(must(file->write_at(static_cast<i64>(4 * kPage), from)), 10U);
    EXPECT_EQ(file->inode().size(), 4 * kPage + 10);
    IoBuffer from_bad = IoBuffer::user(va + kPage, 20);
    EXPECT_EQ(error_of(file->write_at(static_cast<i64>(9 * kPage), from_bad)), "EFAULT");
    EXPECT_EQ(file->inode().size(), 4 * kPage + 10);
  }
  remove("/f");
}

TEST_F(AddressSpaceTest, WordKeysAreOfTheObjectWhereItIsShared) {
  const VirtAddr shared = must(map(2, kRw, kMapShared | kMapAnonymous));
  auto child = must(space_->fork());
  const auto mine = must(space_->shared_word_key(shared + kPage + 8));
  const auto theirs = must(child->shared_word_key(shared + kPage + 8));
  EXPECT_EQ(mine.object, theirs.object);
  EXPECT_EQ(mine.offset, kPage + 8);
  const VirtAddr priv = must(map(1));
  EXPECT_EQ(must(space_->shared_word_key(priv)).object, space_.get());
  EXPECT_EQ(error_of(space_->shared_word_key(VirtAddr(0x1000))), "EFAULT");
}

TEST_F(AddressSpaceTest, SealedMemoryIsNotMappedForWriting) {
  const auto file = must(memfd_create("x", kMemfdAllowSealing, {}));
  must(file->truncate(static_cast<i64>(kPage)));
  const VirtAddr va = must(map(1, kRw, kMapShared, file));
  EXPECT_EQ(error_of(file->inode().add_seals(kSealWrite)), "EBUSY");
  must(space_->unmap(va, kPage));
  must(file->inode().add_seals(kSealWrite));
  EXPECT_EQ(error_of(map(1, kRw, kMapShared, file)), "EPERM");
  const VirtAddr reader = must(map(1, kProtRead, kMapShared, file));
  EXPECT_EQ(error_of(space_->protect(reader, kPage, kRw)), "EACCES");
  must(map(1, kRw, kMapPrivate, file));
}

TEST_F(AddressSpaceTest, SmapsAndPagemapCountThePages) {
  const VirtAddr va = must(map(4));
  store(va, 1);
  store(va + kPage, 1);
  auto child = must(space_->fork());
  String text;
  StringSink sink(text);
  must(space_->format_smaps(sink, context_.root, false));
  const std::string smaps(text.view());
  EXPECT_NE(smaps.find("Size:                 16 kB\n"), std::string::npos) << smaps;
  EXPECT_NE(smaps.find("Rss:                   8 kB\n"), std::string::npos) << smaps;
  EXPECT_NE(smaps.find("Pss:                   4 kB\n"), std::string::npos) << smaps;
  EXPECT_NE(smaps.find("Shared_Dirty:          8 kB\n"), std::string::npos) << smaps;
  u64 entries[4];
  space_->fill_pagemap(va.value >> kPageShift, entries);
  EXPECT_NE(entries[0] >> 63, 0U);
  EXPECT_EQ(entries[2], 0U);
  EXPECT_EQ(entries[0] & 0xffff'ffff, space_->page_table().lookup(va).pte.ppn());
}

TEST_F(AddressSpaceTest, TablesGoBackAfterLargeUnmaps) {
  const u64 before = space_->table_frames();
  const VirtAddr va = must(map(64 * 512, kRw, kAnon | kMapNoReserve));
  for (u64 page = 0; page < 64 * 512; page += 512) {
    store(va + page * kPage, 1);
  }
  EXPECT_GE(space_->table_frames(), before + 64);
  must(space_->unmap(va, 64 * 512 * kPage));
  EXPECT_LE(space_->table_frames(), before + 2);
}

}  // namespace
}  // namespace kernel
