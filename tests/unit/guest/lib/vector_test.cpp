#include "guest/lib/vector.h"

#include <gtest/gtest.h>

#include "guest/lib/unique_ptr.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

TEST(Vector, GrowsAndKeepsOrder) {
  Vector<int> v;
  for (int i = 0; i < 1000; i++) {
    ASSERT_TRUE(v.push(i).ok());
  }
  ASSERT_EQ(v.size(), 1000U);
  for (int i = 0; i < 1000; i++) {
    EXPECT_EQ(v[static_cast<usize>(i)], i);
  }
}

TEST(Vector, FailedGrowthLeavesItAsItWas) {
  Vector<int> v;
  ASSERT_TRUE(v.push(7).ok());
  while (v.size() < v.capacity()) {
    ASSERT_TRUE(v.push(8).ok());
  }
  const usize size = v.size();
  host::g_failing_allocations = 1;
  const auto pushed = v.push(9);
  ASSERT_FALSE(pushed.ok());
  EXPECT_EQ(pushed.error(), Errno::kENOMEM);
  EXPECT_EQ(v.size(), size);
  EXPECT_EQ(v[0], 7);
  EXPECT_TRUE(v.push(9).ok());
}

TEST(Vector, ReserveRefusesSizesThatOverflow) {
  Vector<u64> v;
  EXPECT_EQ(v.reserve(~usize{0} / 4).error(), Errno::kENOMEM);
}

TEST(Vector, InsertAndEraseShift) {
  Vector<int> v;
  for (const int i : {1, 2, 4}) {
    ASSERT_TRUE(v.push(i).ok());
  }
  ASSERT_TRUE(v.insert(2, 3).ok());
  EXPECT_EQ(v[2], 3);
  EXPECT_EQ(v[3], 4);
  v.erase(0);
  EXPECT_EQ(v.size(), 3U);
  EXPECT_EQ(v[0], 2);
}

TEST(Vector, EmplaceOfItsOwnElementSurvivesGrowth) {
  Vector<UniquePtr<int>> owners;
  ASSERT_TRUE(owners.push(try_make<int>(5).value_or(nullptr)).ok());
  Vector<int> v;
  ASSERT_TRUE(v.push(42).ok());
  while (v.size() < v.capacity()) {
    ASSERT_TRUE(v.push(0).ok());
  }
  ASSERT_TRUE(v.emplace(v[0]).ok());
  EXPECT_EQ(v.back(), 42);
}

TEST(Vector, MovesOwnersAndDestroysThemOnce) {
  struct Counted {
    explicit Counted(int* count) : count_(count) {}
    ~Counted() { ++*count_; }
    int* count_;
  };
  int destroyed = 0;
  {
    Vector<UniquePtr<Counted>> v;
    for (int i = 0; i < 100; i++) {
      ASSERT_TRUE(v.push(try_make<Counted>(&destroyed).value_or(nullptr)).ok());
    }
    Vector<UniquePtr<Counted>> w = std::move(v);
    EXPECT_TRUE(v.empty());
    EXPECT_EQ(destroyed, 0);
    w.pop();
    EXPECT_EQ(destroyed, 1);
  }
  EXPECT_EQ(destroyed, 100);
}

}  // namespace
}  // namespace kernel
