// Virtqueue: the driver's side of a split virtqueue (virtio 1.2, 2.7).
//
// Invariant: every descriptor is free or belongs to one chain that the device holds; `tokens_` names the
// owner of each chain by its head. What the device writes is checked before it is used as an index. The page
// of a queue is never given back: a device that failed may still know it.
#pragma once

#include <optional>

#include "guest/lib/result.h"
#include "guest/lib/span.h"
#include "quire/arch/virtio.h"

namespace kernel {

struct Frame;

struct VirtqueueBuffer {
  PhysAddr address;
  u32 length_bytes;
  bool device_writes;
};

class Virtqueue : NonCopyable {
 public:
  static constexpr u32 kMaxSize = 64;  // the three parts of a queue of this size share one page

  /// `size`: a power of two, at most kMaxSize. ENOMEM.
  KResult<void> create(u32 size);
  u32 size() const { return size_; }
  PhysAddr descriptors() const;
  PhysAddr available_ring() const;
  PhysAddr used_ring() const;

  /// Offers a chain; the device reads the buffers it does not write first. EAGAIN when descriptors are short.
  KResult<void> add(Span<const VirtqueueBuffer> buffers, void* token);
  bool has_room(usize buffers) const { return free_count_ >= buffers; }
  /// Whether the device wants to hear of what was added.
  bool wants_notification() const;

  struct Used {
    void* token;
    u32 length_bytes;  ///< what the device says it wrote
  };
  std::optional<Used> take_used();

  /// A hint for the device; after enabling, look at the ring once more before sleeping.
  void enable_interrupts(bool enabled);

 private:
  Frame* memory_ = nullptr;
  virtio::Desc* desc_ = nullptr;
  volatile virtio::AvailHeader* avail_ = nullptr;
  volatile u16* avail_ring_ = nullptr;
  volatile virtio::UsedHeader* used_ = nullptr;
  volatile virtio::UsedElem* used_ring_ = nullptr;
  u32 size_ = 0;
  u32 free_count_ = 0;
  u16 free_head_ = 0;
  u16 next_used_ = 0;
  void* tokens_[kMaxSize] = {};
};

}  // namespace kernel
