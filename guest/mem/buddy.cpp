#include "guest/mem/buddy.h"

#include <algorithm>
#include <bit>

#include "guest/lib/panic.h"

namespace kernel {

void BuddyAllocator::insert(Frame* head, unsigned order) {
  head->order = static_cast<u8>(order);
  head->flags = kFrameFreeHead;
  free_[order].push_front(head);
  nonempty_orders_ |= 1U << order;
}

void BuddyAllocator::take_out(Frame* head, unsigned order) {
  free_[order].remove(head);
  head->flags = 0;
  head->order = 0;
  if (free_[order].empty()) {
    nonempty_orders_ &= ~(1U << order);
  }
}

Frame* BuddyAllocator::buddy_of(const Frame* head, unsigned order) const {
  const u64 buddy_pfn = frame_pfn(head) ^ (u64{1} << order);
  Frame* const buddy = frame_at(PhysAddr(buddy_pfn << kPageShift));
  return buddy != nullptr && (buddy->flags & kFrameFreeHead) != 0 && buddy->order == order ? buddy : nullptr;
}

Frame* BuddyAllocator::allocate(unsigned order) {
  const u32 large_enough = nonempty_orders_ & (~u32{0} << order);
  if (large_enough == 0) {
    return nullptr;
  }
  unsigned at = static_cast<unsigned>(std::countr_zero(large_enough));
  Frame* const head = free_[at].front();
  take_out(head, at);
  while (at > order) {
    at--;
    insert(head + (u64{1} << at), at);
  }
  return head;
}

void BuddyAllocator::free(Frame* head, unsigned order) {
  while (order < kMaxOrder) {
    Frame* const buddy = buddy_of(head, order);
    if (buddy == nullptr) {
      break;
    }
    take_out(buddy, order);
    head = std::min(head, buddy);
    order++;
  }
  insert(head, order);
}

void BuddyAllocator::free_range(u64 first, u64 count) {
  while (count > 0) {
    Frame* const head = &frame_detail::g_frames[first];
    const u64 pfn = frame_pfn(head);
    const unsigned aligned = pfn == 0 ? kMaxOrder : static_cast<unsigned>(std::countr_zero(pfn));
    const unsigned fitting = static_cast<unsigned>(std::bit_width(count)) - 1;
    const unsigned order = std::min({aligned, fitting, kMaxOrder});
    free(head, order);
    first += u64{1} << order;
    count -= u64{1} << order;
  }
}

}  // namespace kernel
