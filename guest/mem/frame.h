// Frames: every page of RAM has a Frame, and all memory is given out here.
//
// Invariants: a frame's reference count is the number of user PTEs, page-cache holds and pins on it;
// it is 0 exactly while the frame is free (or reserved for good). alloc_frames is the one choke point
// of allocation. Lock: the frame lock, innermost (today: no preemption in the kernel).
#pragma once

#include "guest/hal/boot_info.h"
#include "guest/hal/layout.h"
#include "guest/lib/result.h"

namespace kernel {

/// What a frame is used for; the counters of memory statistics follow it.
enum class FrameUse : u8 {
  kFree,
  kReserved,
  kKernel,
  kAnon,
  kPageCache,
  kPageTable,
  kSlab,
  kStack,
  kVmalloc
};
inline constexpr unsigned kFrameUses = 9;

enum class ZeroIt : u8 { kNo, kYes };

inline constexpr u32 kNoFrame = ~u32{0};
inline constexpr unsigned kMaxOrder = 10;  ///< the largest block: 4 MiB

struct Frame {
  u32 references;
  FrameUse use;
  u8 order;   ///< of the block this frame heads; 0 for all others
  u16 flags;  ///< FrameFlag
  union {
    struct {
      void* mapping;  ///< page cache: the object it caches
      u64 index;      ///< page cache: page number in the object
    };
    struct {
      void* free_objects;  ///< slab: list of free objects
      u32 used_objects;
      u16 carved_objects;  ///< slab: objects from here on were never given out
      u16 size_class;
    };
  };
  u32 next;  ///< links of the one FrameList the frame is on (frame numbers)
  u32 previous;
};
static_assert(sizeof(Frame) == 32);

enum FrameFlag : u16 {
  kFrameDirty = 1U << 0,       ///< page cache: newer than its backing store
  kFrameListed = 1U << 1,      ///< on a FrameList
  kFrameFreeHead = 1U << 2,    ///< head of a free block
  kFrameReferenced = 1U << 3,  ///< page cache: used since it was last looked at for giving it up
};

/// Builds the frame table from the memory of `info`; reserves firmware, kernel image, device tree and initrd.
void init_frames(const BootInfo& info);

/// 2^order frames in a row, aligned to their size, as one block with one reference. ENOMEM.
KResult<Frame*> alloc_frames(unsigned order, ZeroIt zero, FrameUse use);
/// One frame with one reference. ENOMEM.
KResult<Frame*> alloc_frame(ZeroIt zero, FrameUse use = FrameUse::kKernel);

inline void get_frame(Frame* frame) { frame->references++; }
/// Drops a reference; the last one frees the block.
void put_frame(Frame* frame);
/// Moves the frame to another counter of the statistics.
void set_frame_use(Frame* frame, FrameUse use);

/// The shared page of zeroes: count it like any other; it is never freed and never written.
Frame* zero_frame();

/// Gives memory that was reserved at boot (the initrd once unpacked) to the allocator. Whole pages inside
/// only.
void release_reserved(PhysRange range);

/// Called when memory runs out, below every lock; returns whether it freed something, then the allocation is
/// retried.
void set_reclaim_hook(bool (*reclaim)(usize wanted_frames));

struct MemoryStats {
  u64 total;  ///< frames the allocator ever had, free or used
  u64 by_use[kFrameUses];
  u64 free() const { return by_use[static_cast<unsigned>(FrameUse::kFree)]; }
  u64 used_for(FrameUse use) const { return by_use[static_cast<unsigned>(use)]; }
};
const MemoryStats& memory_stats();

namespace frame_detail {
extern Frame* g_frames;
extern u64 g_first_pfn;
extern u64 g_frame_count;
}  // namespace frame_detail

inline u32 frame_number(const Frame* frame) { return static_cast<u32>(frame - frame_detail::g_frames); }
inline u64 frame_pfn(const Frame* frame) { return frame_detail::g_first_pfn + frame_number(frame); }
inline PhysAddr frame_address(const Frame* frame) { return PhysAddr(frame_pfn(frame) << kPageShift); }
/// Null for an address that is not RAM.
inline Frame* frame_at(PhysAddr address) {
  const u64 number = (address.value >> kPageShift) - frame_detail::g_first_pfn;
  return number < frame_detail::g_frame_count ? &frame_detail::g_frames[number] : nullptr;
}
/// The bytes of the frame, through the linear map.
template <class T = u8>
T* frame_data(const Frame* frame) {
  return phys_to_virt<T>(frame_address(frame));
}

/// A doubly linked list of frames through Frame::next and previous; a frame is on one list at most.
class FrameList {
 public:
  bool empty() const { return first_ == kNoFrame; }
  usize size() const { return size_; }
  Frame* front() const { return empty() ? nullptr : &frame_detail::g_frames[first_]; }
  Frame* back() const { return empty() ? nullptr : &frame_detail::g_frames[last_]; }
  void push_front(Frame* frame);
  void push_back(Frame* frame);
  void remove(Frame* frame);
  /// Null when empty.
  Frame* pop_front();

 private:
  u32 first_ = kNoFrame;
  u32 last_ = kNoFrame;
  usize size_ = 0;
};

}  // namespace kernel
