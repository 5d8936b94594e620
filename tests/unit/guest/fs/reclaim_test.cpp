#include "guest/fs/reclaim.h"

#include "guest/fs/lower.h"
#include "guest/fs/page_cache.h"
#include "guest/fs/tmpfs.h"
#include "tests/unit/guest/support/kernel/host_kernel.h"
#include "tests/unit/guest/support/kernel/turns.h"

namespace kernel {
namespace {

using host::must;

constexpr u64 kPages = 40;

/// A lower directory with one file "f", whose page n is full of n + 1.
class LowerTree final : public LowerFile {
 public:
  explicit LowerTree(bool directory) : directory_(directory) {}
  KResult<LowerInfo> info() override {
    LowerInfo info{};
    info.mode = directory_ ? kModeDirectory | 0755 : kModeRegular | 0644;
    info.links = 1;
    info.id = directory_ ? 1 : 2;
    info.size = directory_ ? 0 : kPages * kPageBytes - 100;
    return info;
  }
  KResult<void> list(LowerSink& sink) override { return sink.entry("f", 2, 8); }
  KResult<RefPtr<LowerFile>> child(StringView) override {
    return RefPtr<LowerFile>(TRY(try_make_ref<LowerTree>(false)));
  }
  KResult<String> read_link() override { return Err(Errno::kEINVAL); }
  KResult<void> read_pages(u64 first, u64 bytes, Span<Frame* const> frames) override {
    for (usize i = 0; i < frames.size(); i++) {
      reads++;
      u8* const data = frame_data(frames[i]);
      const u64 wanted = std::min<u64>(bytes - i * kPageBytes, kPageBytes);
      std::fill_n(data, wanted, static_cast<u8>(first + i + 1));
      std::fill_n(data + wanted, kPageBytes - wanted, u8{0});
    }
    return {};
  }
  static inline u64 reads = 0;

 private:
  bool directory_;
};

/// A file that can be written back, unless it `fails`, while other threads have their turns.
class StoredFile final : public Inode {
 public:
  explicit StoredFile(FileSystem& fs) : Inode(fs, kModeRegular | 0644, 0, 0), cache_(*this) {}
  PageCache* page_cache() override { return &cache_; }
  bool lives_in_memory() const override { return false; }
  KResult<void> read_pages(u64 first, Span<Frame* const> frames) override {
    reads += frames.size();
    return Inode::read_pages(first, frames);
  }
  KResult<void> write_page(u64, Frame&) override {
    host::Turns::pass();
    writes++;
    return fails ? KResult<void>(Err(Errno::kEIO)) : KResult<void>();
  }
  void dirty_pages(u64 count) {
    set_size(count * kPageBytes);
    for (u64 index = 0; index < count; index++) {
      must(cache_.get(index));
      cache_.zero_range(index, 0, 1);
    }
  }
  bool fails = false;
  u64 reads = 0;
  u64 writes = 0;

 private:
  PageCache cache_;
};

class Reclaim : public host::KernelTest {
 protected:
  Reclaim() {
    LowerTree::reads = 0;
    RefPtr<LowerFile> lower = must(try_make_ref<LowerTree>(true));
    fs_ = must(make_tmpfs_over({}, std::move(lower)));
    inode_ = must(fs_->root()->lookup("f"));
  }
  ~Reclaim() override { set_reclaim_hook(nullptr); }
  PageCache& cache() { return *inode_->page_cache(); }
  u8 byte_of(u64 index) { return *must(cache().get(index)).data(); }
  void read_all_pages() {
    for (u64 index = 0; index < kPages; index++) {
      EXPECT_EQ(byte_of(index), index + 1);
    }
  }

  RefPtr<FileSystem> fs_;
  RefPtr<Inode> inode_;
};

TEST_F(Reclaim, GivesUpCleanPagesOldestFirstAndReadsThemAgain) {
  read_all_pages();
  EXPECT_EQ(reclaimable_pages(), kPages);
  const u64 free = memory_stats().free();
  EXPECT_EQ(reclaim_pages(10, 1000, ReclaimFrom::kUnmapped), 10U);
  EXPECT_GE(memory_stats().free(), free + 10);
  EXPECT_EQ(cache().pages(), kPages - 10);
  EXPECT_EQ(cache().next_present(0).index, 10U);
  EXPECT_EQ(host::last_event().id, TraceEventId::k_reclaim);
  read_all_pages();
  EXPECT_EQ(LowerTree::reads, kPages + 10);
}

TEST_F(Reclaim, SparesWhatWasUsedSinceTheLastLook) {
  read_all_pages();
  EXPECT_EQ(byte_of(0), 1);
  EXPECT_EQ(reclaim_pages(1, 1000, ReclaimFrom::kUnmapped), 1U);
  EXPECT_EQ(cache().next_present(1).index, 2U);
  EXPECT_EQ(cache().next_present(0).index, 0U);
  // The second time round it has had its chance.
  EXPECT_EQ(reclaim_pages(kPages, 1000, ReclaimFrom::kUnmapped), kPages - 1);
}

TEST_F(Reclaim, KeepsDirtyAndPinnedPages) {
  read_all_pages();
  FrameRef pinned = must(cache().get(3));
  cache().zero_range(5, 0, 10);
  EXPECT_EQ(reclaim_pages(kPages, 1000, ReclaimFrom::kMapped), kPages - 2);
  EXPECT_EQ(cache().pages(), 2U);
  EXPECT_EQ(byte_of(5), 0);
  // What changed is the file's own now: nothing will look at it again.
  EXPECT_EQ(reclaimable_pages(), 1U);
  pinned = FrameRef();
  EXPECT_EQ(reclaim_pages(kPages, 1000, ReclaimFrom::kMapped), 1U);
}

TEST_F(Reclaim, PagesOfMemoryFilesAreNotOnTheList) {
  write_at(*open("/plain"), 0, std::string(3 * kPageBytes, 'x'));
  EXPECT_EQ(reclaimable_pages(), 0U);
  remove("/plain");
  must(inode_->resize(kPageBytes));
  must(cache().get(0));
  must(inode_->resize(3 * kPageBytes));
  must(cache().get(2));  // behind the lower file's end: a hole
  EXPECT_EQ(reclaimable_pages(), 1U);
}

TEST_F(Reclaim, MappedPagesGoOnlyWhereThatIsAllowedAndWhenIdle) {
  const RefPtr<AddressSpace> space = new_space();
  const RefPtr<File> file = must(
      File::open(Path{context().root.mount, must(Dentry::make_nameless("f", inode_, true))}, kOpenReadOnly));
  constexpr u64 kWindow = 16;  // a fault reads and maps so many
  const VirtAddr va = must(space->map({VirtAddr(0), kPages * kPageBytes, kProtRead, kMapPrivate, file, 0}));
  for (u64 index = 0; index < kWindow; index++) {
    EXPECT_EQ(*host::access_user(*space, va + index * kPageBytes, Access::kRead).byte, index + 1);
  }
  EXPECT_EQ(reclaim_pages(kWindow, 1000, ReclaimFrom::kUnmapped), 0U);
  EXPECT_EQ(reclaim_pages(kWindow, kWindow, ReclaimFrom::kMapped), 0U);  // all were accessed
  EXPECT_EQ(*host::access_user(*space, va, Access::kRead).byte, 1);
  EXPECT_EQ(space->counters().rss_file, kWindow);
  EXPECT_EQ(reclaim_pages(3, 1000, ReclaimFrom::kMapped), 3U);
  EXPECT_EQ(space->counters().rss_file, kWindow - 3);
  must(check_memory(Pins::kNone));
  for (u64 index = 0; index < kWindow; index++) {
    EXPECT_EQ(*host::access_user(*space, va + index * kPageBytes, Access::kRead).byte, index + 1);
  }
  must(space->lock_range(va, kWindow * kPageBytes, false));
  EXPECT_EQ(reclaim_pages(kWindow, 1000, ReclaimFrom::kMapped), 0U);
  must(space->unlock_range(va, kWindow * kPageBytes));
  EXPECT_EQ(reclaim_pages(kWindow, 1000, ReclaimFrom::kMapped), kWindow);
}

TEST_F(Reclaim, PrivateCopiesStay) {
  const RefPtr<AddressSpace> space = new_space();
  const RefPtr<File> file = must(
      File::open(Path{context().root.mount, must(Dentry::make_nameless("f", inode_, true))}, kOpenReadOnly));
  const VirtAddr va =
      must(space->map({VirtAddr(0), kPageBytes, kProtRead | kProtWrite, kMapPrivate, file, 0}));
  *host::access_user(*space, va, Access::kWrite).byte = 99;
  EXPECT_EQ(reclaim_pages(1, 1000, ReclaimFrom::kMapped), 1U);
  EXPECT_EQ(*host::access_user(*space, va, Access::kRead).byte, 99);
  EXPECT_EQ(space->counters().rss_anon, 1U);
}

TEST_F(Reclaim, TheAllocatorAsksBeforeItFails) {
  init_reclaim();
  read_all_pages();
  std::vector<FrameRef> taken;
  while (memory_stats().free() > 0) {
    taken.push_back(FrameRef::adopt(must(alloc_frame(ZeroIt::kNo))));
  }
  taken.push_back(FrameRef::adopt(must(alloc_frame(ZeroIt::kNo))));
  EXPECT_LT(cache().pages(), kPages);
  for (;;) {
    const auto frame = alloc_frame(ZeroIt::kNo);
    if (!frame.ok()) {
      break;
    }
    taken.push_back(FrameRef::adopt(frame.value()));
  }
  EXPECT_EQ(cache().pages(), 0U);
  EXPECT_FALSE(cache().get(0).ok());
  taken.clear();
  read_all_pages();
}

TEST_F(Reclaim, SomeFramesAreKeptFree) {
  read_all_pages();
  std::vector<FrameRef> taken;
  while (memory_stats().free() > 10) {
    taken.push_back(FrameRef::adopt(must(alloc_frame(ZeroIt::kNo))));
  }
  relieve_memory();
  EXPECT_GE(memory_stats().free(), 32U);
  taken.clear();
}

TEST_F(Reclaim, AFileThatCannotBeWrittenDoesNotStandInTheWay) {
  const auto broken = must(try_make_ref<StoredFile>(*fs_));
  const auto whole = must(try_make_ref<StoredFile>(*fs_));
  broken->fails = true;
  broken->dirty_pages(3);
  EXPECT_FALSE(relieve_exhausted_memory());
  EXPECT_EQ(broken->writes, 1U);
  whole->dirty_pages(3);
  EXPECT_TRUE(relieve_exhausted_memory());
  EXPECT_EQ(broken->page_cache()->pages(), 3U);
  EXPECT_EQ(whole->page_cache()->pages(), 0U);
}

TEST_F(Reclaim, WhoFindsAnotherThreadWritingWaitsForItsPages) {
  const auto file = must(try_make_ref<StoredFile>(*fs_));
  file->dirty_pages(2 * kPages);
  std::vector<std::function<void()>> jobs(2, [] { EXPECT_TRUE(relieve_exhausted_memory()); });
  host::Turns().run(jobs);
  EXPECT_EQ(file->writes, 2 * kPages);
}

TEST_F(Reclaim, AdviceReadsNoMoreThanThereIsRoomFor) {
  const auto inode = must(try_make_ref<StoredFile>(*fs_));
  inode->set_size(u64{1} << 30);
  const RefPtr<AddressSpace> space = new_space();
  const RefPtr<File> file = must(
      File::open(Path{context().root.mount, must(Dentry::make_nameless("f", inode, true))}, kOpenReadOnly));
  const VirtAddr va = must(space->map({VirtAddr(0), inode->size(), kProtRead, kMapPrivate, file, 0}));
  must(space->advise(va, 16 * kPageBytes, kMadvWillNeed));
  EXPECT_EQ(inode->reads, 16U);
  inode->reads = 0;
  const u64 room = memory_stats().free() + reclaimable_pages();
  ASSERT_LT(room, inode->size() / kPageBytes);
  must(space->advise(va, inode->size(), kMadvWillNeed));
  EXPECT_GT(inode->reads, room / 2);
  EXPECT_LE(inode->reads, room);
}

TEST_F(Reclaim, NothingIsGivenUpDuringAPause) {
  read_all_pages();
  {
    const ReclaimPause pause;
    EXPECT_EQ(reclaim_pages(1, 1000, ReclaimFrom::kMapped), 0U);
  }
  EXPECT_EQ(reclaim_pages(1, 1000, ReclaimFrom::kMapped), 1U);
}

}  // namespace
}  // namespace kernel
