// Reading, writing and mapping files that are kept in the page cache.
//
// User memory is copied to and from pinned frames without any lock: the copy may fault, and a fault takes
// the mmap lock, which is outside the inode's. So after each copy a writer checks that the frame is still
// the file's, and does that page again when it was truncated away meanwhile.

#include <algorithm>

#include "guest/fs/file.h"
#include "guest/fs/page_cache.h"

namespace kernel {

namespace {

class CachedFileOperations final : public FileOperations {
 public:
  KResult<usize> read(File& file, u64 position, IoBuffer& buffer) override {
    Inode& inode = file.inode();
    PageCache& cache = *inode.page_cache();
    // The size is looked at for each page: a copy may sleep, and the file change.
    while (buffer.remaining() > 0 && position < inode.size() && !buffer.faulted()) {
      const auto frame = page_to_read(cache, position >> kPageShift);
      if (!frame.ok()) {
        return buffer.done() > 0 ? buffer.result() : Err(frame.error());
      }
      if (position >= inode.size()) {
        break;  // cut off while the page was read
      }
      const u64 offset = position & (kPageBytes - 1);
      const usize part = std::min({kPageBytes - offset, inode.size() - position, buffer.remaining()});
      position += frame.value() ? buffer.put(frame.value().data() + offset, part) : buffer.put_zeros(part);
    }
    if ((file.flags() & kOpenNoAtime) == 0) {
      inode.touch_accessed();
    }
    return buffer.result();
  }

  KResult<usize> write(File& file, u64 position, IoBuffer& buffer) override {
    Inode& inode = file.inode();
    if (buffer.remaining() == 0) {
      return usize{0};
    }
    TRY(check_write(inode, position, buffer));
    PageCache& cache = *inode.page_cache();
    if (const u64 size = inode.size(); position > size) {
      // Bytes behind the old end may have been written through a mapping; they would show now.
      cache.zero_range(size >> kPageShift, size & (kPageBytes - 1), kPageBytes);
    }
    while (buffer.remaining() > 0 && !buffer.faulted()) {
      const u64 index = position >> kPageShift;
      const u64 offset = position & (kPageBytes - 1);
      const usize part = std::min<u64>(kPageBytes - offset, buffer.remaining());
      const auto frame = cache.get(index);
      if (!frame.ok()) {
        if (buffer.done() == 0) {
          return Err(frame.error());
        }
        break;
      }
      const IoBuffer before = buffer;
      const usize moved = buffer.get(frame.value().data() + offset, part);
      if (frame.value()->mapping != &cache) {
        buffer = before;
        continue;
      }
      if (moved == 0) {
        if (position >= inode.size()) {
          cache.drop(index, index);
        }
        break;
      }
      cache.mark_dirty(*frame.value().get());
      position += moved;
      inode.set_size(std::max(inode.size(), position));
    }
    if (buffer.done() > 0) {
      inode.touch_modified();
    }
    return buffer.result();
  }

  KResult<u64> seek_data(File& file, u64 position, bool hole) override {
    Inode& inode = file.inode();
    if (inode.reads_pages()) {
      return FileOperations::seek_data(file, position, hole);
    }
    if (position >= inode.size()) {
      return Err(Errno::kENXIO);
    }
    const PageCache& cache = *inode.page_cache();
    u64 index = position >> kPageShift;
    auto present = cache.next_present(index);
    if (!hole) {
      const u64 data = present.item == nullptr ? ~u64{0} : std::max(position, present.index << kPageShift);
      return data < inode.size() ? KResult<u64>(data) : Err(Errno::kENXIO);
    }
    while (present.item != nullptr && present.index == index) {
      present = cache.next_present(++index);
    }
    return std::min(inode.size(), std::max(position, index << kPageShift));
  }

  KResult<void> sync(File& file) override { return file.inode().page_cache()->write_back(0, ~u64{0}); }

  KResult<RefPtr<File>> map(File& file, bool, u64, u64) override { return RefPtr<File>(&file); }

  KResult<FaultPage> fault(File& file, u64 index, Access) override {
    Inode& inode = file.inode();
    FaultPage page;
    while (true) {
      if (is_behind_end(inode, index)) {
        return Err(Errno::kENXIO);
      }
      page.frame = TRY(inode.page_cache()->get(index, ReadMore::kAround, &page.major));
      if (page.frame->mapping == inode.page_cache() && !is_behind_end(inode, index)) {
        return page;
      }
    }
  }

  KResult<void> page_mkwrite(File& file, u64 index, Frame& frame) override {
    Inode& inode = file.inode();
    if (frame.mapping != inode.page_cache() || frame.index != index) {
      return Err(Errno::kEAGAIN);  // truncated meanwhile: fault again
    }
    inode.page_cache()->mark_dirty(frame);
    inode.touch_modified();
    return {};
  }

 private:
  static bool is_behind_end(const Inode& inode, u64 index) {
    return index >= (inode.size() + kPageBytes - 1) >> kPageShift;
  }
  /// Holes of files that live in memory stay holes: an empty result reads as zeroes.
  static KResult<FrameRef> page_to_read(PageCache& cache, u64 index) {
    FrameRef present = cache.find(index);
    if (present || !cache.inode().reads_pages()) {
      return present;
    }
    return cache.get(index, ReadMore::kIfInOrder);
  }

  static KResult<void> check_write(const Inode& inode, u64 position, IoBuffer& buffer) {
    if (position >= kMaxFileBytes) {
      return Err(Errno::kEFBIG);
    }
    buffer.limit(kMaxFileBytes - position);
    const auto seals = inode.seals();
    if (!seals.ok()) {
      return {};
    }
    if ((seals.value() & (kSealWrite | kSealFutureWrite)) != 0) {
      return Err(Errno::kEPERM);
    }
    if ((seals.value() & kSealGrow) != 0 && position + buffer.remaining() > inode.size()) {
      if (position >= inode.size()) {
        return Err(Errno::kEPERM);
      }
      buffer.limit(inode.size() - position);
    }
    return {};
  }
};

}  // namespace

FileOperations& cached_file_operations() {
  static CachedFileOperations operations;
  return operations;
}

}  // namespace kernel
