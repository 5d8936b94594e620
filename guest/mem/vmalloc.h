// vmalloc: kernel memory that is contiguous in addresses alone, so that large pieces need no large blocks.
//
// Pages are given on first touch, by the trap handler (vmalloc_fault), zeroed: an area costs its page tables
// and what is used of it. Each area is followed by an unmapped guard page, and the first one stands behind
// another. A touch beyond an area, or of one that was freed, is a kernel panic like any wild pointer; so is a
// touch when memory has run out: whoever cannot have that calls vmalloc_populate or vmalloc_expect_touch
// first. Invariants: areas are sorted and disjoint, guards included; every mapped page lies in an area and
// holds the one reference of the kernel to its frame (drivers may share it further). Lock: none yet (no
// preemption in the kernel).
#pragma once

#include <type_traits>

#include "guest/hal/layout.h"
#include "guest/lib/format.h"
#include "guest/lib/panic.h"
#include "guest/mem/frame.h"

namespace kernel {

struct VmallocStats {
  u64 areas = 0;
  u64 mapped_pages = 0;
  u64 faults = 0;  ///< pages that were given on first touch
};

/// Whole pages for `bytes`, none of them there yet. `owner` (a literal) is shown in /proc/vmallocinfo.
/// ENOMEM.
KResult<void*> vmalloc(usize bytes, const char* owner);
/// Null is allowed. Frames that somebody else holds too stay with them.
void vfree(void* memory);
/// Gives every page of the area now. ENOMEM leaves those that were given.
KResult<void> vmalloc_populate(void* memory);
/// The frame behind `address`, which lies in an area; given now if it was not there. ENOMEM.
KResult<Frame*> vmalloc_frame(const void* address);

/// The next first touch is that of `address`, and will not fail: its frame is put aside if it needs one. To
/// be followed by the touch, before anything else allocates for an area. ENOMEM.
KResult<void> vmalloc_expect_touch(const void* address);

/// How many pages of the area are there.
u64 vmalloc_pages(const void* memory);

/// For the trap handler: gives the page when the address lies in an area where none is yet.
bool vmalloc_fault(VirtAddr address);

const VmallocStats& vmalloc_stats();
/// Panics when areas, page table and frame counters disagree.
void check_vmalloc();
/// Lines of /proc/vmallocinfo (proc(5)).
void format_vmalloc_areas(FormatSink& out);

/// An array of zeroes, as large as address space allows; for types that zero bytes are a value of.
template <class T>
class VmallocArray {
  static_assert(std::is_trivial_v<T>);

 public:
  VmallocArray() = default;
  ~VmallocArray() { vfree(data_); }
  VmallocArray(const VmallocArray&) = delete;
  VmallocArray& operator=(const VmallocArray&) = delete;
  /// All pages are there afterwards. ENOMEM.
  KResult<void> create(usize count, const char* owner) {
    ASSERT(data_ == nullptr);
    data_ = static_cast<T*>(TRY(vmalloc(count * sizeof(T), owner)));
    size_ = count;
    return vmalloc_populate(data_);
  }
  usize size() const { return size_; }
  T& operator[](usize index) {
    ASSERT(index < size_);
    return data_[index];
  }

 private:
  T* data_ = nullptr;
  usize size_ = 0;
};

}  // namespace kernel
