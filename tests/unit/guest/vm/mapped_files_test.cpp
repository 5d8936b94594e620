// Mappings of files: shared and private ones over the page cache, their ends, and truncation under them.
#include "guest/fs/tmpfs.h"
#include "guest/vm/check.h"
#include "tests/unit/guest/vm/address_space_fixture.h"

namespace kernel {
namespace {

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

}  // namespace
}  // namespace kernel
