#include "guest/mem/kmalloc.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "guest/mem/injection.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

// The slabs outlive a test's memory, so all of them share one.
host::PhysicalMemory& memory() {
  static host::PhysicalMemory memory(usize{32} << 20);
  return memory;
}

TEST(Kmalloc, PiecesDoNotOverlap) {
  memory();
  struct Piece {
    u8* at;
    usize bytes;
    u8 mark;
  };
  std::mt19937 random(2);
  std::vector<Piece> pieces;
  for (int round = 0; round < 20000; round++) {
    if (pieces.size() < 300 && random() % 5 < 3) {
      const usize bytes = random() % 10 == 0 ? random() % 60000 : random() % 2100;
      auto made = kmalloc(bytes);
      ASSERT_TRUE(made.ok());
      ASSERT_TRUE(is_aligned(reinterpret_cast<u64>(made.value()), 16));
      const Piece piece{static_cast<u8*>(made.value()), bytes, static_cast<u8>(random())};
      std::memset(piece.at, piece.mark, bytes);
      pieces.push_back(piece);
    } else if (!pieces.empty()) {
      const usize at = random() % pieces.size();
      const Piece piece = pieces[at];
      for (usize i = 0; i < piece.bytes; i++) {
        ASSERT_EQ(piece.at[i], piece.mark) << "written by another piece";
      }
      kfree(piece.at);
      pieces[at] = pieces.back();
      pieces.pop_back();
    }
  }
  for (const Piece& piece : pieces) {
    kfree(piece.at);
  }
}

TEST(Kmalloc, EmptySlabsGoBackToTheFrames) {
  memory();
  std::vector<void*> pieces;
  const u64 slabs = memory_stats().used_for(FrameUse::kSlab);
  for (int i = 0; i < 1000; i++) {
    pieces.push_back(kmalloc(64).value());
  }
  EXPECT_GE(memory_stats().used_for(FrameUse::kSlab), slabs + 1000 * 64 / kPageBytes);
  for (void* piece : pieces) {
    kfree(piece);
  }
  EXPECT_LE(memory_stats().used_for(FrameUse::kSlab), slabs + 1);  // one spare
}

TEST(Kmalloc, RefusesWhatNoBlockHolds) {
  memory();
  EXPECT_EQ(kmalloc(kMaxKmalloc + 1).error(), Errno::kENOMEM);
  EXPECT_EQ(kmalloc(~usize{0}).error(), Errno::kENOMEM);
  auto largest = kmalloc(kMaxKmalloc);
  ASSERT_TRUE(largest.ok());
  kfree(largest.value());
}

TEST(Kmalloc, FailsWhenFramesDo) {
  memory();
  inject({.nth = 1});
  EXPECT_EQ(kmalloc(100000).error(), Errno::kENOMEM);
  kfree(nullptr);
}

TEST(Kmalloc, ZeroedMeansZeroed) {
  memory();
  void* const dirty = kmalloc(500).value();
  std::memset(dirty, 0xff, 500);
  kfree(dirty);
  u8* const clean = static_cast<u8*>(kzalloc(500).value());
  for (int i = 0; i < 500; i++) {
    ASSERT_EQ(clean[i], 0);
  }
  kfree(clean);
}

}  // namespace
}  // namespace kernel
