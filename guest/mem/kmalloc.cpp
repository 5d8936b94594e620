#include "guest/mem/kmalloc.h"

#include <bit>
#include <utility>

#include "guest/lib/memory_ops.h"
#include "guest/lib/panic.h"
#include "guest/mem/frame.h"
#include "guest/mem/injection.h"

namespace kernel {

namespace {

constexpr u16 kSizes[] = {16, 32, 48, 64, 80, 96, 128, 160, 192, 256, 336, 512, 672, 1024, 1344, 2048};
constexpr unsigned kClasses = sizeof(kSizes) / sizeof(kSizes[0]);
constexpr usize kLargestSlab = 2048;
constexpr usize kGranule = 16;

/// Size in granules -> class.
struct ClassTable {
  u8 of[kLargestSlab / kGranule + 1] = {};
  constexpr ClassTable() {
    unsigned at = 0;
    for (usize granules = 0; granules <= kLargestSlab / kGranule; granules++) {
      while (kSizes[at] < granules * kGranule) {
        at++;
      }
      of[granules] = static_cast<u8>(at);
    }
  }
};
constexpr ClassTable kClassTable;

/// Slabs with both used and free objects, a class each; full ones are on no list, empty ones go back
/// to the frames, but for one.
FrameList g_partial[kClasses];
Frame* g_spare[kClasses];

constexpr u32 capacity_of(unsigned size_class) { return static_cast<u32>(kPageBytes / kSizes[size_class]); }

KResult<Frame*> slab_with_room(unsigned size_class) {
  FrameList& partial = g_partial[size_class];
  if (!partial.empty()) {
    return partial.front();
  }
  Frame* slab = std::exchange(g_spare[size_class], nullptr);
  if (slab == nullptr) {
    slab = TRY(alloc_frame(ZeroIt::kNo, FrameUse::kSlab));
    slab->free_objects = nullptr;
    slab->used_objects = 0;
    slab->carved_objects = 0;
    slab->size_class = static_cast<u16>(size_class);
  }
  partial.push_front(slab);
  return slab;
}

KResult<void*> alloc_object(unsigned size_class) {
  Frame* const slab = TRY(slab_with_room(size_class));
  void* object = slab->free_objects;
  if (object != nullptr) {
    slab->free_objects = *static_cast<void**>(object);
  } else {
    object = frame_data(slab) + usize{slab->carved_objects++} * kSizes[size_class];
  }
  if (++slab->used_objects == capacity_of(size_class)) {
    g_partial[size_class].remove(slab);
  }
  return object;
}

void free_object(Frame* slab, void* object) {
  const unsigned size_class = slab->size_class;
  ASSERT((reinterpret_cast<usize>(object) & (kPageBytes - 1)) % kSizes[size_class] == 0);
  *static_cast<void**>(object) = slab->free_objects;
  slab->free_objects = object;
  if (slab->used_objects-- == capacity_of(size_class)) {
    g_partial[size_class].push_front(slab);
  }
  if (slab->used_objects == 0) {
    g_partial[size_class].remove(slab);
    if (g_spare[size_class] == nullptr) {
      g_spare[size_class] = slab;
    } else {
      put_frame(slab);
    }
  }
}

}  // namespace

KResult<void*> kmalloc(usize bytes) {
  if (is_injected_failure(FailTarget::kObjects)) {
    return Err(Errno::kENOMEM);
  }
  if (bytes <= kLargestSlab) {
    return alloc_object(kClassTable.of[(bytes + kGranule - 1) / kGranule]);
  }
  if (bytes > kMaxKmalloc) {
    return Err(Errno::kENOMEM);
  }
  const unsigned order = static_cast<unsigned>(std::bit_width((bytes - 1) >> kPageShift));
  return frame_data<void>(TRY(alloc_frames(order, ZeroIt::kNo, FrameUse::kKernel)));
}

KResult<void*> kzalloc(usize bytes) {
  void* const memory = TRY(kmalloc(bytes));
  fill_memory(memory, 0, bytes);
  return memory;
}

void kfree(void* memory) {
  if (memory == nullptr) {
    return;
  }
  Frame* const frame = frame_at(virt_to_phys(memory));
  ASSERT(frame != nullptr);
  if (frame->use == FrameUse::kSlab) {
    free_object(frame, memory);
  } else {
    ASSERT(frame->use == FrameUse::kKernel && frame_data(frame) == memory);
    put_frame(frame);
  }
}

#if !__STDC_HOSTED__
void* heap_alloc(usize bytes) {
  auto memory = kmalloc(bytes);
  return memory.ok() ? memory.value() : nullptr;
}
void heap_free(void* memory) { kfree(memory); }
#endif

}  // namespace kernel
