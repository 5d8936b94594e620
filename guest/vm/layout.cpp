#include "guest/vm/layout.h"

#include <algorithm>

namespace kernel {

namespace {

// The figures of Linux on Sv39, so that addresses look as programs expect them.
constexpr u64 kRandomPages = u64{1} << 18;  // mmap_rnd_bits: 1 GiB of 4 KiB pages
constexpr u64 kMinStackGap = u64{128} << 20;
constexpr u64 kMaxStackGap = kSv39UserTop / 6 * 5;
constexpr u64 kBrkRandomBytes = u64{1} << 30;
constexpr u64 kStackOffsetBytes = 8192;
constexpr u64 kStackAlignment = 16;

}  // namespace

UserLayout make_layout(Randomize randomize, u64 stack_limit, const u64 (&random)[5]) {
  const bool on = randomize == Randomize::kYes;
  const auto pages = [&](u64 value) { return on ? (value % kRandomPages) << kPageShift : 0; };
  const u64 stack_room = kStackGuardBytes + (on ? kRandomPages << kPageShift : 0);
  const u64 wanted_gap = stack_limit > kMaxStackGap ? kMaxStackGap : stack_limit + stack_room;
  const u64 gap = std::clamp(wanted_gap, kMinStackGap, kMaxStackGap);
  UserLayout layout{};
  layout.stack_top = kUserTop - pages(random[0]);
  layout.mmap_top = VirtAddr(align_down((kUserTop - gap - pages(random[1])).value, kPageBytes));
  layout.pie_base = VirtAddr(align_down(kSv39UserTop / 3 * 2, kPageBytes) + pages(random[2]));
  layout.brk_gap_bytes = on ? align_down(random[3] % kBrkRandomBytes, kPageBytes) : 0;
  layout.stack_offset_bytes = on ? align_down(random[4] % kStackOffsetBytes, kStackAlignment) : 0;
  return layout;
}

}  // namespace kernel
