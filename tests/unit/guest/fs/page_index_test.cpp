#include "guest/fs/page_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

using Index = PageIndex<int>;

void clear(Index& index) {
  for (auto entry = index.next(0); entry.item != nullptr; entry = index.next(0)) {
    index.erase(entry.index);
  }
}

TEST(PageIndex, HoldsThePagesOfASmallFileWithoutNodes) {
  Index index;
  int page = 0;
  host::g_failing_allocations = 1;
  EXPECT_TRUE(index.insert(0, &page).ok());
  host::g_failing_allocations = 0;
  EXPECT_EQ(index.find(0), &page);
  EXPECT_EQ(index.find(1), nullptr);
  EXPECT_EQ(index.erase(0), &page);
  EXPECT_TRUE(index.empty());
}

TEST(PageIndex, ReachesTheLargestNumber) {
  Index index;
  int low = 0;
  int high = 0;
  ASSERT_TRUE(index.insert(0, &low).ok());
  ASSERT_TRUE(index.insert(~u64{0}, &high).ok());
  EXPECT_EQ(index.find(0), &low);
  EXPECT_EQ(index.find(~u64{0}), &high);
  const auto next = index.next(1);
  EXPECT_EQ(next.index, ~u64{0});
  EXPECT_EQ(next.item, &high);
  clear(index);
}

TEST(PageIndex, AgreesWithAMapThroughRandomChanges) {
  std::mt19937_64 random(3);
  Index index;
  std::map<u64, int*> expected;
  std::vector<int> items(1000);
  const auto number = [&] { return random() >> (random() % 64); };
  for (int step = 0; step < 50000; step++) {
    const u64 at = random() % 3 == 0 && !expected.empty() ? expected.begin()->first : number();
    if (random() % 2 == 0) {
      if (expected.count(at) == 0) {
        int* const item = &items[random() % items.size()];
        ASSERT_TRUE(index.insert(at, item).ok());
        expected[at] = item;
      }
    } else {
      const auto want = expected.find(at);
      ASSERT_EQ(index.erase(at), want == expected.end() ? nullptr : want->second);
      expected.erase(at);
    }
    const u64 from = number();
    const auto want = expected.lower_bound(from);
    const auto next = index.next(from);
    ASSERT_EQ(next.item, want == expected.end() ? nullptr : want->second);
    if (next.item != nullptr) {
      ASSERT_EQ(next.index, want->first);
    }
    ASSERT_EQ(index.size(), expected.size());
  }
  clear(index);
}

TEST(PageIndex, StaysWholeWithoutMemoryForNodes) {
  Index index;
  int page = 0;
  ASSERT_TRUE(index.insert(5, &page).ok());
  for (unsigned failing = 1; failing < 6; failing++) {
    // Far away: several nodes are needed, and some allocation in the middle fails.
    for (unsigned skip = 0; skip < 4; skip++) {
      host::g_failing_allocations = failing;
      const auto inserted = index.insert(u64{1} << 40, &page);
      host::g_failing_allocations = 0;
      if (inserted.ok()) {
        index.erase(u64{1} << 40);
      }
      EXPECT_EQ(index.find(5), &page);
      EXPECT_EQ(index.size(), 1U);
    }
  }
  clear(index);
}

}  // namespace
}  // namespace kernel
