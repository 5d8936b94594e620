#include "emu/block/block_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "emu/isa/decode.h"

namespace quire {
namespace {

constexpr PhysAddr kBase{0x8000'0000};
constexpr u32 kNop = 0x0000'0013;
constexpr u32 kJumpSelf = 0x0000'006f;
constexpr u32 kEcall = 0x0000'0073;
constexpr u16 kShortNop = 0x0001;

void op_handler() {}
void slow() {}
void fall_through() {}
void link_exit() {}
void cross_page() {}
void straddle() {}
void stop() {}

HandlerTable handlers() {
  HandlerTable table{};
  table.op.fill(op_handler);
  table.slow = slow;
  table.fall_through = fall_through;
  table.link = link_exit;
  table.cross_page = cross_page;
  table.straddle = straddle;
  table.stop = stop;
  return table;
}

struct BlockCacheTest : testing::Test {
  Ram ram{kBase, 0x4000};
  std::unique_ptr<FastTlb> fast = std::make_unique<FastTlb>();
  Isa isa;
  std::unique_ptr<BlockCache> owner;
  BlockCache* cache = nullptr;

  void SetUp() override {
    fast->clear();
    owner = std::make_unique<BlockCache>(ram, *fast, isa, handlers());
    cache = owner.get();
  }
  template <class T>
  void put(u64 offset, std::initializer_list<T> words) {
    for (const T word : words) {
      std::memcpy(ram.host(kBase + offset), &word, sizeof word);
      offset += sizeof word;
    }
  }
  Block* build(u64 offset) {
    return cache->find_or_build(cache->page(kBase + (offset & ~u64{0xfff})), offset & 0xfff);
  }
  static const Exit* exits(const Block& block, unsigned cells) {
    return reinterpret_cast<const Exit*>(block.cells + cells);
  }
};

TEST_F(BlockCacheTest, BlocksEndBeforeAPossibleStopAndBeginWithItsMark) {
  put<u32>(0x10, {kNop, kNop, kNop, kJumpSelf});
  put<u32>(0x1010, {kNop, kJumpSelf});
  put<u32>(0x2000, {kJumpSelf});
  build(0x10);
  build(0x2000);
  BlockCache::StopOffsets stops;
  stops.set(0x18 / 2);
  cache->set_stops(stops);
  EXPECT_EQ(cache->page(kBase).find(0x10), nullptr);
  EXPECT_NE(cache->page(kBase + 0x2000).find(0), nullptr);
  const Block* before = build(0x10);
  EXPECT_EQ(before->count, 2);
  EXPECT_EQ(before->entry, before->cells);
  const Block* at = build(0x18);
  EXPECT_EQ(at->count, 2);
  ASSERT_EQ(at->entry, at->cells - 1);
  EXPECT_EQ(at->entry->handler, stop);
  EXPECT_EQ(at->entry->imm, 2);
  EXPECT_EQ(at->cells[1].place, 4);
  cache->set_stops({});
  EXPECT_EQ(build(0x10)->count, 4);
}

TEST_F(BlockCacheTest, EndsWithTheJumpAndCountsIt) {
  put<u32>(0x10, {kNop, kNop, kJumpSelf, kNop});
  const Block* block = build(0x10);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->count, 3);
  EXPECT_EQ(block->length_bytes, 12);
  EXPECT_EQ(block->cells[2].place, 8);
  const Exit* exit = exits(*block, 3);
  EXPECT_EQ(exit->pc_delta, 8);
  EXPECT_EQ(exit->target, exit->as_cell());
  EXPECT_EQ(exit->handler, link_exit);
  EXPECT_EQ(Exit::of_cell(exit->as_cell()), exit);
}

TEST_F(BlockCacheTest, BranchHasTakenExitFirst) {
  put<u32>(0, {kNop, 0xfe00'0ee3});  // beqz zero, -4
  const Block* block = build(0);
  const Exit* exit = exits(*block, 2);
  EXPECT_EQ(exit[0].pc_delta, 0);
  EXPECT_EQ(exit[1].pc_delta, 8);
}

TEST_F(BlockCacheTest, SystemInstructionsEndABlockWithoutAnExit) {
  put<u32>(0, {kNop, kEcall, kNop});
  EXPECT_EQ(build(0)->count, 2);
}

TEST_F(BlockCacheTest, StopsAtThePagesEndAndLeavesToTheNext) {
  put<u32>(0xff8, {kNop, kNop, kNop});
  const Block* block = build(0xff8);
  EXPECT_EQ(block->count, 2);
  EXPECT_EQ(block->cells[2].handler, fall_through);
  const Exit* exit = exits(*block, 3);
  EXPECT_EQ(exit->pc_delta, 8);
  EXPECT_EQ(exit->handler, cross_page);
}

TEST_F(BlockCacheTest, InstructionThatStraddlesIsInNoBlock) {
  put<u16>(0xffc, {kShortNop, 0x0013, 0x0000});
  const Block* block = build(0xffc);
  EXPECT_EQ(block->count, 1);
  EXPECT_EQ(block->cells[0].place, 1);  // compressed
  EXPECT_EQ(build(0xffe), nullptr);
}

TEST_F(BlockCacheTest, StraddlingBlockChecksItsBitsAndLooksAtEveryExit) {
  const u32 branch = 0xfe00'0ee3;  // beqz zero, -4
  put<u32>(0xffe, {branch});
  cache->set_straddling(cache->page(kBase), decode(branch));
  const Block* block = build(0xffe);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->count, 1);
  EXPECT_EQ(block->cells[0].handler, straddle);
  EXPECT_EQ(static_cast<u32>(block->cells[0].imm), branch);
  EXPECT_EQ(block->cells[1].place, 0);
  EXPECT_EQ(exits(*block, 2)[0].handler, cross_page);
  EXPECT_EQ(exits(*block, 2)[0].pc_delta, -4);
  EXPECT_EQ(exits(*block, 2)[1].handler, cross_page);
}

TEST_F(BlockCacheTest, StraddlingBlocksThatAreReplacedAreFreedWithWhatIsLinkedToThem) {
  put<u32>(0xffa, {kNop});
  put<u16>(0xffe, {0x0013});
  CodePage& page = cache->page(kBase);
  build(0xffa);
  cache->set_straddling(page, decode(kNop));
  const usize before = cache->held_bytes();
  const Block* const first = page.find(0xffe);
  cache->set_straddling(page, decode(kNop));
  EXPECT_EQ(page.find(0xffe), first) << "the same bits need no other block";
  for (u32 i = 1; i < 1000; ++i) cache->set_straddling(page, decode(kNop | i << 20));
  EXPECT_EQ(static_cast<u32>(page.find(0xffe)->cells[0].imm), kNop | 999 << 20);
  EXPECT_EQ(page.find(0xffa), nullptr) << "its exit may lead to a block that is gone";
  EXPECT_TRUE(ram.watched(kBase));
  EXPECT_FALSE(cache->collect());
  EXPECT_LT(cache->held_bytes(), before);
  EXPECT_EQ(cache->stats().built - cache->stats().dropped, 1u);
}

TEST_F(BlockCacheTest, HoldsNoMoreThanItsLimitAndOneBlock) {
  owner.reset();
  constexpr usize kLimit = 100'000;
  owner = std::make_unique<BlockCache>(ram, *fast, isa, handlers(), kLimit);
  cache = owner.get();
  for (u64 offset = 0; offset < 0x4000; offset += 2) put<u16>(offset, {kShortNop});
  unsigned collected = 0;
  for (u64 offset = 0; offset < 0x4000; offset += 2) {
    if (cache->full()) {
      EXPECT_TRUE(cache->collect());
      EXPECT_EQ(cache->held_bytes(), 0u);
      EXPECT_FALSE(ram.watched(kBase + (offset - 2)));
      ++collected;
    }
    ASSERT_NE(build(offset), nullptr);
    ASSERT_LT(cache->held_bytes(), kLimit + 25'000) << "a page's table and a block";
  }
  EXPECT_GT(collected, 50u);
}

TEST_F(BlockCacheTest, WhatIsDroppedCountsUntilItIsCollected) {
  owner.reset();
  owner = std::make_unique<BlockCache>(ram, *fast, isa, handlers(), 100'000);
  cache = owner.get();
  put<u32>(0, {kNop, kJumpSelf});
  const std::vector<u8> bytes(4);
  while (!cache->full()) {
    build(0);
    ram.write(kBase, bytes);
  }
  EXPECT_FALSE(cache->collect()) << "freeing what was dropped is enough";
  EXPECT_FALSE(cache->full());
}

TEST_F(BlockCacheTest, LongRunsAreCut) {
  for (u64 offset = 0; offset < 0x800; offset += 4) put<u32>(offset, {kNop});
  const Block* block = build(0);
  EXPECT_EQ(block->count, kMaxBlockInsns);
  EXPECT_LE(block->length_bytes, kMaxBlockBytes);
  EXPECT_EQ(exits(*block, block->count + 1u)->handler, link_exit);
}

TEST_F(BlockCacheTest, SamePlaceIsDecodedOnce) {
  put<u32>(0, {kNop, kJumpSelf});
  EXPECT_EQ(build(0), build(0));
  EXPECT_NE(build(4), build(0));
  EXPECT_EQ(cache->stats().built, 2u);
}

TEST_F(BlockCacheTest, WritesToDecodedBytesDropThePageOthersDoNot) {
  put<u32>(0x100, {kNop, kJumpSelf});
  Block* const block = build(0x100);
  EXPECT_TRUE(ram.watched(kBase + 0x100));
  const std::vector<u8> bytes(4);
  ram.write(kBase + 0x108, bytes);
  ram.write(kBase + 0xfc, bytes);
  EXPECT_EQ(cache->page(kBase).find(0x100), block);
  ram.write(kBase + 0x106, bytes);
  EXPECT_EQ(cache->page(kBase).find(0x100), nullptr);
  EXPECT_FALSE(ram.watched(kBase + 0x100));
  EXPECT_EQ(block->count, 2);  // still readable: it may be running
  EXPECT_FALSE(cache->collect());
  EXPECT_EQ(cache->stats().dropped, 1u);
}

TEST_F(BlockCacheTest, WritesAcrossPagesReachEachOfThem) {
  put<u32>(0x1000, {kJumpSelf});
  put<u32>(0x2000, {kJumpSelf});
  build(0x1000);
  build(0x2000);
  const std::vector<u8> bytes(0x3000);
  ram.write(kBase + 0x800, bytes);
  EXPECT_EQ(cache->page(kBase + 0x1000).find(0), nullptr);
  EXPECT_EQ(cache->page(kBase + 0x2000).find(0), nullptr);
}

TEST_F(BlockCacheTest, FirstBlockOfAPageDropsFastStoreEntries) {
  const u64 payload = reinterpret_cast<u64>(ram.host(kBase)) - kBase.value;
  fast->fill(0, Access::kWrite, kBase.value, payload);
  ram.set_stored_fast(kBase);
  fast->fill(0, Access::kRead, kBase.value, payload);
  put<u32>(0, {kJumpSelf});
  build(0);
  EXPECT_EQ(fast->bank(0).slot(Access::kWrite, kBase.value).tag, u64{FastTlb::kNoPage});
  EXPECT_EQ(fast->bank(0).slot(Access::kRead, kBase.value).tag, kBase.value);
}

TEST_F(BlockCacheTest, LeavesNoPageWatchedBehind) {
  put<u32>(0, {kJumpSelf});
  build(0);
  owner.reset();
  EXPECT_FALSE(ram.watched(kBase));
}

TEST_F(BlockCacheTest, CellsKeepRoundingModeAndThirdSource) {
  put<u32>(0, {0x2231'70c3, kJumpSelf});  // fmadd.d f1, f2, f3, f4, dyn
  const Block* block = build(0);
  EXPECT_EQ(block->insns[0].op, Op::fmadd_d);
  EXPECT_EQ(block->cells[0].imm & 0xff, 4);
  EXPECT_EQ(block->cells[0].imm >> 8, 7);
}

}  // namespace
}  // namespace quire
