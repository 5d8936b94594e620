#include "guest/vm/vma_set.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "quire/arch/sv39.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

constexpr u64 kPage = kPageBytes;

class VmaSetTest : public testing::Test {
 protected:
  ~VmaSetTest() override {
    for (auto& [start, range] : ranges_) {
      set_.erase(*range);
    }
  }
  VmaRange& add(u64 first_page, u64 pages, u64 guard_pages = 0) {
    auto range = std::make_unique<VmaRange>();
    range->start = VirtAddr(first_page * kPage);
    range->end = VirtAddr((first_page + pages) * kPage);
    range->guard_bytes = guard_pages * kPage;
    set_.insert(*range);
    return *(ranges_[first_page] = std::move(range));
  }
  static std::optional<u64> page(std::optional<VirtAddr> address) {
    return address ? std::optional(address->value / kPage) : std::nullopt;
  }

  VmaSet set_;
  std::map<u64, std::unique_ptr<VmaRange>> ranges_;
};

TEST_F(VmaSetTest, FindsByAddress) {
  VmaRange& low = add(10, 5);
  VmaRange& high = add(20, 1);
  EXPECT_EQ(set_.find(VirtAddr(10 * kPage)), &low);
  EXPECT_EQ(set_.find(VirtAddr(15 * kPage - 1)), &low);
  EXPECT_EQ(set_.find(VirtAddr(15 * kPage)), nullptr);
  EXPECT_EQ(set_.find_from(VirtAddr(15 * kPage)), &high);
  EXPECT_EQ(set_.find_from(VirtAddr(21 * kPage)), nullptr);
  EXPECT_TRUE(set_.overlaps(VirtAddr(14 * kPage), VirtAddr(16 * kPage)));
  EXPECT_FALSE(set_.overlaps(VirtAddr(15 * kPage), VirtAddr(20 * kPage)));
}

TEST_F(VmaSetTest, PlacesTopDownAndBottomUp) {
  add(10, 5);
  add(20, 10);
  add(32, 8);
  EXPECT_EQ(page(set_.find_gap_down(2 * kPage, 0, 40 * kPage)), 30U);
  EXPECT_EQ(page(set_.find_gap_down(3 * kPage, 0, 40 * kPage)), 17U);
  EXPECT_EQ(page(set_.find_gap_down(6 * kPage, 0, 40 * kPage)), 4U);
  EXPECT_EQ(page(set_.find_gap_down(11 * kPage, 0, 40 * kPage)), std::nullopt);
  EXPECT_EQ(page(set_.find_gap_down(11 * kPage, 0, 100 * kPage)), 89U);
  EXPECT_EQ(page(set_.find_gap_up(6 * kPage, kPage, 40 * kPage)), 1U);
  EXPECT_EQ(page(set_.find_gap_up(2 * kPage, 12 * kPage, 40 * kPage)), 15U);
  EXPECT_EQ(page(set_.find_gap_up(6 * kPage, 12 * kPage, 50 * kPage)), 40U);
}

TEST_F(VmaSetTest, KeepsTheGuardBelowAGrowingStackFree) {
  add(10, 1);
  add(30, 2, 5);
  EXPECT_EQ(page(set_.find_gap_down(kPage, 0, 30 * kPage)), 24U);
  EXPECT_EQ(page(set_.find_gap_down(14 * kPage, 0, 30 * kPage)), 11U);
  EXPECT_EQ(page(set_.find_gap_down(15 * kPage, 0, 30 * kPage)), std::nullopt);
}

TEST_F(VmaSetTest, AgreesWithALinearSearchThroughRandomChanges) {
  std::mt19937_64 random(6);
  constexpr u64 kPages = 400;
  std::vector<bool> used(kPages);
  for (int step = 0; step < 5000; step++) {
    const u64 first = random() % kPages;
    const u64 pages = 1 + random() % 6;
    if (first + pages <= kPages &&
        !set_.overlaps(VirtAddr(first * kPage), VirtAddr((first + pages) * kPage)) && random() % 2 == 0) {
      add(first, pages);
      std::fill_n(used.begin() + static_cast<std::ptrdiff_t>(first), pages, true);
    } else if (!ranges_.empty() && random() % 3 == 0) {
      auto at = ranges_.lower_bound(first);
      at = at == ranges_.end() ? ranges_.begin() : at;
      VmaRange& range = *at->second;
      for (u64 p = range.start.value / kPage; p < range.end.value / kPage; p++) {
        used[p] = false;
      }
      set_.erase(range);
      ranges_.erase(at);
    }
    const u64 low = random() % kPages;
    const u64 high = low + random() % (kPages - low + 1);
    const u64 wanted = 1 + random() % 10;
    std::optional<u64> best_down;
    std::optional<u64> best_up;
    u64 run = 0;
    for (u64 p = low; p < high; p++) {
      run = used[p] ? 0 : run + 1;
      if (run >= wanted) {
        best_down = p + 1 - wanted;
        best_up = best_up ? best_up : best_down;
      }
    }
    ASSERT_EQ(page(set_.find_gap_down(wanted * kPage, low * kPage, high * kPage)), best_down);
    ASSERT_EQ(page(set_.find_gap_up(wanted * kPage, low * kPage, high * kPage)), best_up);
    if (step % 50 == 0) {
      set_.check();
    }
  }
}

}  // namespace
}  // namespace kernel
