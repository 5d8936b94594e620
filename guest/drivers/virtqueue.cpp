#include "guest/drivers/virtqueue.h"

#include "guest/hal/fence.h"
#include "guest/lib/log.h"
#include "guest/lib/panic.h"
#include "guest/mem/frame.h"

namespace kernel {

namespace {

constexpr u64 kAvailableOffset = virtio::desc_table_bytes(Virtqueue::kMaxSize);
constexpr u64 kUsedOffset =
    align_up(kAvailableOffset + virtio::avail_ring_bytes(Virtqueue::kMaxSize), virtio::kUsedRingAlign);
static_assert(kUsedOffset + virtio::used_ring_bytes(Virtqueue::kMaxSize) <= kPageBytes);

}  // namespace

KResult<void> Virtqueue::create(u32 size) {
  ASSERT(size > 0 && size <= kMaxSize && (size & (size - 1)) == 0);
  memory_ = TRY(alloc_frame(ZeroIt::kYes, FrameUse::kKernel));
  u8* const base = frame_data(memory_);
  desc_ = reinterpret_cast<virtio::Desc*>(base);
  avail_ = reinterpret_cast<volatile virtio::AvailHeader*>(base + kAvailableOffset);
  avail_ring_ = reinterpret_cast<volatile u16*>(base + kAvailableOffset + sizeof(virtio::AvailHeader));
  used_ = reinterpret_cast<volatile virtio::UsedHeader*>(base + kUsedOffset);
  used_ring_ = reinterpret_cast<volatile virtio::UsedElem*>(base + kUsedOffset + sizeof(virtio::UsedHeader));
  size_ = size;
  free_count_ = size;
  for (u32 i = 0; i < size; i++) {
    desc_[i].next = static_cast<u16>(i + 1);
  }
  return {};
}

PhysAddr Virtqueue::descriptors() const { return frame_address(memory_); }
PhysAddr Virtqueue::available_ring() const { return frame_address(memory_) + kAvailableOffset; }
PhysAddr Virtqueue::used_ring() const { return frame_address(memory_) + kUsedOffset; }

KResult<void> Virtqueue::add(Span<const VirtqueueBuffer> buffers, void* token) {
  ASSERT(!buffers.empty() && token != nullptr);
  if (buffers.size() > free_count_) {
    return Err(Errno::kEAGAIN);
  }
  const u16 head = free_head_;
  u16 at = head;
  for (usize i = 0; i < buffers.size(); i++) {
    virtio::Desc& desc = desc_[at];
    desc.addr = buffers[i].address.value;
    desc.len = buffers[i].length_bytes;
    const bool last = i + 1 == buffers.size();
    desc.flags = static_cast<u16>((buffers[i].device_writes ? virtio::kDescWrite : 0) |
                                  (last ? 0 : virtio::kDescNext));
    at = desc.next;
  }
  free_head_ = at;
  free_count_ -= static_cast<u32>(buffers.size());
  tokens_[head] = token;
  const u16 index = avail_->idx;
  avail_ring_[index % size_] = head;
  fence_memory();  // the entry before the index that shows it (2.7.13.3)
  avail_->idx = static_cast<u16>(index + 1);
  fence_memory();  // the index before the notification, and before looking at the device's flags
  return {};
}

bool Virtqueue::wants_notification() const { return (used_->flags & virtio::kUsedNoNotify) == 0; }

std::optional<Virtqueue::Used> Virtqueue::take_used() {
  while (next_used_ != used_->idx) {
    fence_memory();  // the index before the entry
    const volatile virtio::UsedElem& element = used_ring_[next_used_ % size_];
    const u32 head = element.id;
    const u32 length = element.len;
    next_used_++;
    if (head >= size_ || tokens_[head] == nullptr) {
      log_error("virtio: the device used chain {}, which it does not have", head);
      continue;
    }
    void* const token = tokens_[head];
    tokens_[head] = nullptr;
    u16 tail = static_cast<u16>(head);
    u32 count = 1;
    while ((desc_[tail].flags & virtio::kDescNext) != 0) {
      tail = desc_[tail].next;
      count++;
    }
    desc_[tail].next = free_head_;
    free_head_ = static_cast<u16>(head);
    free_count_ += count;
    return Used{token, length};
  }
  return std::nullopt;
}

void Virtqueue::enable_interrupts(bool enabled) {
  avail_->flags = enabled ? 0 : virtio::kAvailNoInterrupt;
  fence_memory();
}

}  // namespace kernel
