#include "guest/vm/maps.h"

#include <gtest/gtest.h>

#include "guest/vm/layout.h"
#include "quire/arch/linux/mman.h"
#include "quire/arch/linux/stat.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

std::string line(const MapsLine& from) {
  char text[400];
  BufferSink sink(text);
  format_maps_line(sink, from);
  return std::string(sink.view());
}

// The expected lines are Linux's own.
TEST(Maps, WritesLinesAsLinuxDoes) {
  EXPECT_EQ(
      line({VirtAddr(0x3f9aa15000), VirtAddr(0x3f9aa16000), kProtRead | kProtExec, false, 0, 0, 0, "[vdso]"}),
      "3f9aa15000-3f9aa16000 r-xp 00000000 00:00 0                              [vdso]\n");
  EXPECT_EQ(line({VirtAddr(0x10000), VirtAddr(0x74000), kProtRead | kProtWrite, true, 0x63000,
                  make_device(8, 17), 123456, "/usr/bin/cat"}),
            "00010000-00074000 rw-s 00063000 08:11 123456                             /usr/bin/cat\n");
  EXPECT_EQ(line({VirtAddr(0x7b000), VirtAddr(0x81000), kProtNone, false, 0, 0, 0, ""}),
            "0007b000-00081000 ---p 00000000 00:00 0 \n");
  EXPECT_EQ(line({VirtAddr(0x1000), VirtAddr(0x2000), kProtRead, false, 0x1'2345'6000, 0, 0, ""}),
            "00001000-00002000 r--p 123456000 00:00 0 \n");
}

TEST(Maps, EscapesNewlinesInNames) {
  EXPECT_NE(line({VirtAddr(0), VirtAddr(0x1000), 0, false, 0, 0, 1, "/a\nb"}).find("/a\\012b\n"),
            std::string::npos);
}

TEST(Layout, WithoutRandomisationIsTheSameWhateverTheNumbers) {
  const u64 a[5] = {1, 2, 3, 4, 5};
  const u64 b[5] = {~u64{0}, 7, 8, 9, 10};
  const UserLayout first = make_layout(Randomize::kNo, 8 << 20, a);
  const UserLayout second = make_layout(Randomize::kNo, 8 << 20, b);
  EXPECT_EQ(first.mmap_top, second.mmap_top);
  EXPECT_EQ(first.stack_top, kUserTop);
  EXPECT_EQ(first.brk_gap_bytes, 0U);
}

TEST(Layout, LeavesTheStackItsRoomForAnyLimitAndNumbers) {
  for (const u64 limit : {u64{0}, u64{8} << 20, u64{1} << 30, u64{1} << 40, ~u64{0}}) {
    for (const u64 n : {u64{0}, u64{0x3ffff}, u64{0x12345678}, ~u64{0}}) {
      const u64 random[5] = {n, n * 3, n * 5, n * 7, n * 11};
      const UserLayout layout = make_layout(Randomize::kYes, limit, random);
      const u64 room = std::min(limit, kSv39UserTop / 6 * 5 - (u64{1} << 30) - kStackGuardBytes);
      EXPECT_GE((layout.stack_top - layout.mmap_top), limit == ~u64{0} || limit > (u64{1} << 37) ? 0 : room);
      EXPECT_TRUE(
          is_aligned(layout.stack_top.value | layout.mmap_top.value | layout.pie_base.value, kPageBytes));
      EXPECT_LT(layout.mmap_top, layout.stack_top);
      EXPECT_GT(layout.mmap_top, kUserLowest);
      EXPECT_LT(layout.pie_base, kUserTop);
    }
  }
}

}  // namespace
}  // namespace kernel
