#include "guest/mem/kernel_space.h"

#include <algorithm>

#include "guest/hal/fence.h"
#include "guest/hal/trap.h"
#include "guest/lib/bitmap.h"
#include "guest/mem/frame.h"
#include "guest/mem/vmalloc.h"

extern "C" char image_start[];
extern "C" char text_end[];
extern "C" char rodata_end[];
extern "C" char image_end[];
extern "C" char boot_stack_base[];

namespace kernel {

namespace {

constexpr u64 kKernelData = kPteRead | kPteWrite | kPteGlobal;
constexpr u64 kKernelReadOnly = kPteRead | kPteGlobal;
constexpr u64 kKernelText = kPteRead | kPteExecute | kPteGlobal;

/// Of kernel mappings the fault handler gives vmalloc's alone: what was just mapped must not meet a stale
/// entry.
void map_or_panic(VirtAddr va, PhysAddr pa, u64 flags, unsigned level = 0) {
  if (!kernel_page_table().map(va, pa, flags, level).ok()) {
    panic("cannot map {} of the kernel's address space", va);
  }
}

VirtAddr linear(u64 physical) { return VirtAddr(physical + linear_map_base()); }

/// Maps [start, end) of physical memory with the largest pages that fit.
void map_linear(u64 start, u64 end, u64 flags) {
  while (start < end) {
    unsigned level = kSv39Levels - 1;
    while (level > 0 && (!is_aligned(start, level_bytes(level)) || end - start < level_bytes(level))) {
      level--;
    }
    map_or_panic(linear(start), PhysAddr(start), flags, level);
    start += level_bytes(level);
  }
}

void map_image() {
  const u64 start = virt_to_phys(image_start).value;
  const u64 text = virt_to_phys(text_end).value;
  const u64 rodata = virt_to_phys(rodata_end).value;
  const u64 stack = virt_to_phys(boot_stack_base).value;
  const u64 end = virt_to_phys(image_end).value;
  map_linear(start, text, kKernelText);
  map_linear(text, rodata, kKernelReadOnly);
  map_linear(rodata, stack - kStackBytes, kKernelData);
  map_linear(stack, end, kKernelData);  // the guard half of the boot stack's slot stays out
}

/// Physical ranges of firmware are its own: it may have locked them against us.
void map_memory(PhysRange memory, const BootInfo& info) {
  const u64 image = virt_to_phys(image_start).value;
  const u64 image_limit = virt_to_phys(image_end).value;
  u64 at = align_up(memory.start, kPageBytes);
  const u64 end = align_down(memory.end(), kPageBytes);
  while (at < end) {
    u64 next_start = end;
    u64 next_end = end;
    const auto skip = [&](u64 from, u64 to) {
      if (to > at && from < next_start) {
        next_start = std::max(from, at);
        next_end = to;
      }
    };
    skip(image, image_limit);
    for (usize i = 0; i < info.reserved_count; i++) {
      skip(align_down(info.reserved[i].start, kPageBytes), align_up(info.reserved[i].end(), kPageBytes));
    }
    map_linear(at, next_start, kKernelData);
    at = std::max(next_end, at);
  }
}

KResult<PhysAddr> allocate_table() {
  return frame_address(TRY(alloc_frame(ZeroIt::kYes, FrameUse::kPageTable)));
}
void free_table(PhysAddr table) { put_frame(frame_at(table)); }

u64 g_io_next = kIoAreaBase;

constexpr usize kStackSlots = 16384;
Bitmap<kStackSlots> g_stack_slots;
usize g_stack_hint = 0;

/// Stacks of threads that ended, still mapped: the next threads get them without page-table work or fences.
constexpr usize kSpareStacks = 8;
KernelStack g_spare_stacks[kSpareStacks];
usize g_spare_count = 0;

void unmap_stack(u64 base, u64 mapped_bytes) {
  for (u64 at = base; at < base + mapped_bytes; at += kPageBytes) {
    const Leaf leaf = kernel_page_table().unmap(VirtAddr(at));
    put_frame(frame_at(leaf.pte.address()));
  }
}

}  // namespace

void init_kernel_space(const BootInfo& info) {
  set_table_allocator({allocate_table, free_table});
  PageTable& table = kernel_page_table();
  if (!table.create_kernel().ok()) {
    panic("no memory for the kernel's page table");
  }
  map_image();
  for (usize i = 0; i < info.memory_count; i++) {
    map_memory(info.memory[i], info);
  }
  for (const u64 area : {kStackAreaBase, kIoAreaBase, kVmallocAreaBase}) {
    if (!table.reserve_table(VirtAddr(area)).ok()) {
      panic("no memory for the kernel's page table");
    }
  }
  table.activate();
  fence_all();
  set_trap_handlers({.kernel_page_fault = &vmalloc_fault});
  init_asids();
}

KResult<volatile u8*> ioremap(PhysRange registers) {
  const u64 start = align_down(registers.start, kPageBytes);
  const u64 end = align_up(registers.end(), kPageBytes);
  const unsigned level = end - start >= level_bytes(1) ? 1 : 0;
  // Congruent to the physical address, so that large ranges get large pages.
  g_io_next = align_up(g_io_next, level_bytes(level)) + (start & (level_bytes(level) - 1));
  const u64 base = g_io_next;
  if (end - start > kIoAreaBase + kAreaBytes - base) {
    return Err(Errno::kENOMEM);
  }
  for (u64 at = start; at < end;) {
    const unsigned size = level == 1 && is_aligned(at, level_bytes(1)) && end - at >= level_bytes(1) ? 1 : 0;
    TRY(kernel_page_table().map(VirtAddr(base + (at - start)), PhysAddr(at), kKernelData, size));
    at += level_bytes(size);
  }
  g_io_next = base + (end - start);
  fence_all();
  return reinterpret_cast<volatile u8*>(base + (registers.start - start));
}

KResult<KernelStack> alloc_kernel_stack() {
  if (g_spare_count > 0) {
    return g_spare_stacks[--g_spare_count];
  }
  auto slot = g_stack_slots.find_clear(g_stack_hint);
  if (!slot) {
    slot = g_stack_slots.find_clear();
  }
  if (!slot) {
    return Err(Errno::kENOMEM);
  }
  const u64 base = kStackAreaBase + *slot * kStackSlotBytes + kStackBytes;
  for (u64 at = base; at < base + kStackBytes; at += kPageBytes) {
    const auto frame = alloc_frame(ZeroIt::kNo, FrameUse::kStack);
    const auto mapped = frame.ok()
                            ? kernel_page_table().map(VirtAddr(at), frame_address(frame.value()), kKernelData)
                            : KResult<void>(Err(frame.error()));
    if (!mapped.ok()) {
      if (frame.ok()) {
        put_frame(frame.value());
      }
      unmap_stack(base, at - base);
      return Err(Errno::kENOMEM);
    }
    fence_kernel_page(VirtAddr(at));
  }
  g_stack_slots.set(*slot);
  g_stack_hint = *slot + 1 < kStackSlots ? *slot + 1 : 0;
  return KernelStack{base};
}

void free_kernel_stack(KernelStack stack) {
  if (stack.base < kStackAreaBase || stack.base >= kStackAreaBase + kAreaBytes) {
    return;  // the boot stack belongs to the image
  }
  if (g_spare_count < kSpareStacks) {
    g_spare_stacks[g_spare_count++] = stack;
    return;
  }
  unmap_stack(stack.base, kStackBytes);
  const usize slot = (stack.base - kStackAreaBase) / kStackSlotBytes;
  g_stack_slots.clear(slot);
  g_stack_hint = std::min(g_stack_hint, slot);
}

}  // namespace kernel
