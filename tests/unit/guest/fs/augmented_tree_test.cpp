#include "guest/fs/augmented_tree.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>

#include "guest/fs/interval_tree.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

struct Item {
  u64 key = 0;
  u64 sum = 0;
  AugmentedNode node;
};
struct SumTraits {
  static AugmentedNode& node(Item& item) { return item.node; }
  static Item& owner(AugmentedNode& node) {
    return *reinterpret_cast<Item*>(reinterpret_cast<u8*>(&node) - offsetof(Item, node));
  }
  static bool less(const Item& a, const Item& b) { return a.key < b.key; }
  static void update(Item& item, const Item* left, const Item* right) {
    item.sum = item.key + (left != nullptr ? left->sum : 0) + (right != nullptr ? right->sum : 0);
  }
};
using SumTree = AugmentedTree<Item, SumTraits>;

TEST(AugmentedTree, KeepsOrderBalanceAndSummaryThroughRandomChanges) {
  std::mt19937_64 random(1);
  SumTree tree;
  std::vector<std::unique_ptr<Item>> items;
  std::multiset<u64> expected;
  for (int step = 0; step < 20000; step++) {
    if (items.empty() || random() % 5 < 3) {
      items.push_back(std::make_unique<Item>());
      items.back()->key = random() % 1000;
      tree.insert(*items.back());
      expected.insert(items.back()->key);
    } else {
      const usize at = random() % items.size();
      tree.erase(*items[at]);
      EXPECT_FALSE(items[at]->node.linked());
      expected.erase(expected.find(items[at]->key));
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
    }
    if (step % 100 == 0) {
      tree.check();
      u64 sum = 0;
      auto want = expected.begin();
      for (Item* item = tree.first(); item != nullptr; item = SumTree::next(*item), ++want) {
        ASSERT_EQ(item->key, *want);
        sum += item->key;
      }
      ASSERT_EQ(want, expected.end());
      ASSERT_EQ(tree.root() != nullptr ? tree.root()->sum : 0, sum);
    }
  }
  auto want = expected.rbegin();
  for (Item* item = tree.last(); item != nullptr; item = SumTree::previous(*item), ++want) {
    ASSERT_EQ(item->key, *want);
  }
  for (const auto& item : items) {
    tree.erase(*item);
  }
  EXPECT_TRUE(tree.empty());
}

TEST(AugmentedTree, StaysLogarithmicForAscendingKeys) {
  SumTree tree;
  std::vector<Item> items(4096);
  for (usize i = 0; i < items.size(); i++) {
    items[i].key = i;
    tree.insert(items[i]);
  }
  EXPECT_LE(tree.root()->node.height, 18U);
  for (Item& item : items) {
    tree.erase(item);
  }
}

TEST(IntervalTree, FindsExactlyTheOverlapping) {
  std::mt19937_64 random(2);
  IntervalTree tree;
  std::vector<Interval> intervals(300);
  for (Interval& interval : intervals) {
    interval.first = random() % 1000;
    interval.last = interval.first + random() % 50;
    tree.insert(interval);
  }
  for (int query = 0; query < 1000; query++) {
    const u64 first = random() % 1050;
    const u64 last = first + random() % 20;
    std::multiset<const Interval*> found;
    u64 previous_start = 0;
    tree.for_each_overlap(first, last, [&](Interval& interval) {
      EXPECT_GE(interval.first, previous_start);
      previous_start = interval.first;
      found.insert(&interval);
    });
    for (const Interval& interval : intervals) {
      ASSERT_EQ(found.count(&interval), interval.first <= last && interval.last >= first ? 1U : 0U);
    }
  }
  for (Interval& interval : intervals) {
    tree.erase(interval);
  }
  EXPECT_TRUE(tree.empty());
}

}  // namespace
}  // namespace kernel
