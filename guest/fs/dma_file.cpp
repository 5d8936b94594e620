// Each opening owns a block of frames and a vmalloc area. Transfers are cut where the area's frames are not
// in a row, and go on from the interrupt of the piece before.
//
// Invariant: while a transfer runs, `pins_` holds every frame of the paged area that it touches, and the
// state lives: release() aborts it.
#include "guest/fs/dma_file.h"

#include <algorithm>
#include <cstring>

#include "guest/drivers/dma_engine.h"
#include "guest/fs/devfs.h"
#include "guest/fs/poll.h"
#include "guest/hal/user_access.h"
#include "guest/lib/vector.h"
#include "guest/mem/vmalloc.h"
#include "quire/arch/dma_device.h"

namespace kernel {

namespace {

constexpr u64 kNumber = make_device(kDmaDeviceMajor, kDmaDeviceMinor);
constexpr unsigned kBufferOrder = 8;
static_assert(kPageBytes << kBufferOrder == kDmaAreaBytes);

bool is_within(u64 at, u64 bytes, u64 start, u64 size) {
  return at >= start && at - start <= size && bytes <= size - (at - start);
}
bool is_in_paged(u64 at, u64 bytes) { return is_within(at, bytes, kDmaPagedOffset, kDmaAreaBytes); }
bool is_in_buffer(u64 at, u64 bytes) { return is_within(at, bytes, kDmaBufferOffset, kDmaAreaBytes); }

class DmaMemory final : public FileState {
 public:
  KResult<void> init() {
    buffer_ = FrameRef::adopt(TRY(alloc_frames(kBufferOrder, ZeroIt::kYes, FrameUse::kKernel)));
    return make_paged();
  }
  ~DmaMemory() override {
    if (busy()) {
      dma_abort();
    }
    vfree(paged_);
  }

  bool busy() const { return next_ < pieces_.size(); }
  u64 copied() const { return finished_bytes_ + (busy() ? dma_copied() : 0); }
  bool failed() const { return failed_; }
  PollSource& source() { return source_; }
  WaitQueue& ended() { return ended_; }
  PhysAddr buffer() const { return frame_address(buffer_.get()); }

  /// The frame of a page of the paged area.
  KResult<Frame*> paged_frame(u64 page) { return vmalloc_frame(paged_ + page * kPageBytes); }
  /// How many are there.
  u64 paged_pages() const { return vmalloc_pages(paged_); }
  /// The kernel's own touch gives the pages, which must not fail. ENOMEM, with the pages before filled.
  KResult<void> fill(u64 at, u64 bytes, u8 value) {
    for (u64 offset = at - kDmaPagedOffset; bytes > 0;) {
      TRY(vmalloc_expect_touch(paged_ + offset));
      const u64 part = std::min(bytes, kPageBytes - offset % kPageBytes);
      memset(paged_ + offset, value, part);
      offset += part;
      bytes -= part;
    }
    return {};
  }

  /// EBUSY, ENOMEM.
  KResult<void> start(const DmaCopyRequest& request) {
    if (busy()) {
      return Err(Errno::kEBUSY);
    }
    forget();
    finished_bytes_ = 0;
    failed_ = false;
    const auto cut = cut_up(request);
    if (!cut.ok()) {
      forget();
      return cut;
    }
    const auto started = start_piece();
    if (!started.ok()) {
      forget();
    }
    return started;
  }

  /// The last mapping of the paged area is gone: what it held goes too.
  void count_paged_mapping(i64 sign) {
    paged_mappings_ += static_cast<u64>(sign);
    if (paged_mappings_ == 0 && paged_pages() > 0) {
      void* const old = paged_;
      if (make_paged().ok()) {  // frames that a transfer still uses stay with it
        vfree(old);
      }
    }
  }

 private:
  KResult<void> make_paged() {
    paged_ = static_cast<u8*>(TRY(vmalloc(kDmaAreaBytes, "dma0")));
    return {};
  }

  /// Where an offset is in memory, and for how many bytes of `bytes` in a row.
  KResult<PhysAddr> locate(u64 at, u64& bytes) {
    if (at < kDmaPagedOffset) {
      return buffer() + at;
    }
    const u64 offset = (at - kDmaPagedOffset) % kPageBytes;
    Frame* const frame = TRY(paged_frame((at - kDmaPagedOffset) / kPageBytes));
    TRY(pins_.push(FrameRef::share(frame)));
    bytes = std::min(bytes, kPageBytes - offset);
    return frame_address(frame) + offset;
  }

  KResult<void> cut_up(const DmaCopyRequest& request) {
    for (u64 done = 0; done < request.bytes;) {
      u64 part = request.bytes - done;
      const PhysAddr from = TRY(locate(request.from + done, part));
      const PhysAddr to = TRY(locate(request.to + done, part));
      TRY(pieces_.push({from, to, part}));
      done += part;
    }
    return {};
  }

  KResult<void> start_piece() {
    return dma_start(
        pieces_[next_],
        [](void* memory, DmaOutcome outcome) { static_cast<DmaMemory*>(memory)->piece_ended(outcome); },
        this);
  }

  void piece_ended(DmaOutcome outcome) {
    finished_bytes_ += dma_copied();
    failed_ = outcome == DmaOutcome::kFailed;
    next_ = failed_ ? pieces_.size() : next_ + 1;
    if (busy() && start_piece().ok()) {
      return;
    }
    next_ = pieces_.size();
    ended_.wake_all();
    source_.wake(kPollIn);
  }

  void forget() {
    pieces_.clear();
    pins_.clear();
    next_ = 0;
  }

  FrameRef buffer_;
  u8* paged_ = nullptr;
  u64 paged_mappings_ = 0;
  Vector<DmaCopy> pieces_;
  Vector<FrameRef> pins_;
  usize next_ = 0;  // pieces_.size(): idle
  u64 finished_bytes_ = 0;
  bool failed_ = false;
  WaitQueue ended_;
  PollSource source_;
};

DmaMemory& memory_of(File& file) { return *file.state<DmaMemory>(); }

class DmaOperations final : public FileOperations {
 public:
  KResult<void> open(File& file) override {
    auto memory = TRY(try_make<DmaMemory>());
    TRY(memory->init());
    file.set_state(UniquePtr<FileState>(memory.release()));
    return {};
  }
  bool seekable() const override { return false; }

  /// Waits for the end of the transfer, and gives how many bytes it copied. EIO when the engine failed.
  KResult<usize> read(File& file, u64, IoBuffer& buffer) override {
    DmaMemory& memory = memory_of(file);
    if (buffer.remaining() < sizeof(u64)) {
      return Err(Errno::kEINVAL);
    }
    if (memory.busy() && file.nonblocking()) {
      return Err(Errno::kEAGAIN);
    }
    TRY(wait_event_interruptible(memory.ended(), [&] { return !memory.busy(); }));
    if (memory.failed()) {
      return Err(Errno::kEIO);
    }
    const u64 copied = memory.copied();
    buffer.put(&copied, sizeof(copied));
    return buffer.result();
  }
  u32 poll(File& file) override { return memory_of(file).busy() ? 0 : u32{kPollIn | kPollReadNorm}; }
  PollSource* poll_source(File& file) override { return &memory_of(file).source(); }

  KResult<i64> ioctl(File& file, u32 request, VirtAddr argument) override {
    DmaMemory& memory = memory_of(file);
    switch (request) {
      case kDmaIoctlCopy: {
        const auto copy = TRY(get_user<DmaCopyRequest>(argument));
        if (copy.bytes == 0 || !is_area(copy.from, copy.bytes) || !is_area(copy.to, copy.bytes)) {
          return Err(Errno::kEINVAL);
        }
        TRY(memory.start(copy));
        return i64{0};
      }
      case kDmaIoctlFill: {
        const auto fill = TRY(get_user<DmaFillRequest>(argument));
        if (!is_in_paged(fill.at, fill.bytes)) {
          return Err(Errno::kEINVAL);
        }
        TRY(memory.fill(fill.at, fill.bytes, static_cast<u8>(fill.value)));
        return i64{0};
      }
      case kDmaIoctlState:
        TRY(put_user(argument,
                     DmaState{memory.copied(), memory.busy(), memory.paged_pages(), vmalloc_stats().faults}));
        return i64{0};
      default:
        return Err(Errno::kENOTTY);
    }
  }

  KResult<RefPtr<File>> map(File& file, bool, u64, u64) override { return RefPtr<File>(&file); }
  KResult<DeviceMap> map_device(File& file, u64 offset, u64 bytes) override {
    if (is_in_buffer(offset, bytes)) {
      return DeviceMap{DeviceMap::How::kAtOnce, memory_of(file).buffer() + offset};
    }
    if (is_in_paged(offset, bytes)) {
      return DeviceMap{};
    }
    if (offset == kDmaEngineOffset && bytes == kPageBytes) {
      return DeviceMap{DeviceMap::How::kAtOnce, *dma_register_page(), true};
    }
    return Err(Errno::kEINVAL);
  }
  void mapping_opened(File& file, u64 first_page) override { count(file, first_page, 1); }
  void mapping_closed(File& file, u64 first_page) override { count(file, first_page, -1); }

  KResult<FaultPage> fault(File& file, u64 index, Access) override {
    if (!is_in_paged(index * kPageBytes, kPageBytes)) {
      return Err(Errno::kENXIO);
    }
    FaultPage page;
    page.frame = FrameRef::share(TRY(memory_of(file).paged_frame(index - kDmaPagedOffset / kPageBytes)));
    return page;
  }

 private:
  static bool is_area(u64 at, u64 bytes) { return is_in_buffer(at, bytes) || is_in_paged(at, bytes); }
  static void count(File& file, u64 first_page, i64 sign) {
    if (is_in_paged(first_page * kPageBytes, 0)) {
      memory_of(file).count_paged_mapping(sign);
    }
  }
};

}  // namespace

KResult<void> add_dma_file(FileSystem& devfs) {
  if (!dma_register_page()) {
    return {};
  }
  static DmaOperations operations;
  TRY(register_char_device(kNumber, operations));
  return add_device_node(devfs, "dma0", 0660, kNumber);
}

}  // namespace kernel
