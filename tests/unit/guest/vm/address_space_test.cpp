// What exec maps, and what the kernel and /proc see of memory that does not run.
#include "guest/fs/tmpfs.h"
#include "guest/vm/check.h"
#include "tests/unit/guest/vm/address_space_fixture.h"

namespace kernel {
namespace {

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
