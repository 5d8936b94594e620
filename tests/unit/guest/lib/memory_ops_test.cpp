#include "guest/lib/memory_ops.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace kernel {
namespace {

constexpr usize kBytes = 400;

std::vector<u8> pattern() {
  std::vector<u8> bytes(kBytes);
  for (usize i = 0; i < kBytes; i++) {
    bytes[i] = static_cast<u8>(i * 7 + 3);
  }
  return bytes;
}

TEST(MemoryOps, CopyMatchesForEveryAlignmentAndLength) {
  for (usize to = 0; to < 9; to++) {
    for (usize from = 0; from < 9; from++) {
      for (usize length = 0; length < 200; length += length < 40 ? 1 : 13) {
        const auto source = pattern();
        std::vector<u8> mine(kBytes, 0xee);
        std::vector<u8> libc(kBytes, 0xee);
        copy_memory(mine.data() + to, source.data() + from, length);
        std::memcpy(libc.data() + to, source.data() + from, length);
        ASSERT_EQ(mine, libc) << to << " " << from << " " << length;
      }
    }
  }
}

TEST(MemoryOps, MoveMatchesForEveryOverlap) {
  for (usize to = 0; to < 24; to++) {
    for (usize from = 0; from < 24; from++) {
      for (const usize length : {usize{0}, usize{1}, usize{7}, usize{8}, usize{33}, usize{64}, usize{200}}) {
        auto mine = pattern();
        auto libc = pattern();
        move_memory(mine.data() + to, mine.data() + from, length);
        std::memmove(libc.data() + to, libc.data() + from, length);
        ASSERT_EQ(mine, libc) << to << " " << from << " " << length;
      }
    }
  }
}

TEST(MemoryOps, FillStaysInside) {
  for (usize to = 0; to < 9; to++) {
    for (usize length = 0; length < 200; length++) {
      auto mine = pattern();
      auto libc = pattern();
      fill_memory(mine.data() + to, 0xa5, length);
      std::memset(libc.data() + to, 0xa5, length);
      ASSERT_EQ(mine, libc) << to << " " << length;
    }
  }
}

TEST(MemoryOps, CompareFindsTheFirstDifference) {
  const auto a = pattern();
  for (usize from = 0; from < 9; from++) {
    for (usize at = 0; at < 100; at++) {
      auto b = a;
      b[from + at]++;
      const int mine = compare_memory(a.data() + from, b.data() + from, 100);
      const int libc = std::memcmp(a.data() + from, b.data() + from, 100);
      ASSERT_EQ(mine < 0, libc < 0) << from << " " << at;
      ASSERT_NE(mine, 0);
    }
    EXPECT_EQ(compare_memory(a.data() + from, a.data() + from, 100), 0);
  }
}

}  // namespace
}  // namespace kernel
