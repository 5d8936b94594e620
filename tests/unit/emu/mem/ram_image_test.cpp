#include "emu/mem/ram_image.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "emu/mem/bus.h"

namespace quire {
namespace {

constexpr PhysAddr kBase{0x8000'0000};
constexpr u64 kPages = 1100;  // three chunks, the last one not whole

void put(Ram& ram, u64 page, u8 value) {
  const std::array<u8, 1> byte{value};
  ram.write(kBase + page * kPageBytes + 7, byte);
}

std::vector<u64> differences(const RamImage& a, const RamImage& b) {
  std::vector<u64> pages;
  a.for_each_difference(b, [&pages](u64 page) { pages.push_back(page); });
  return pages;
}

TEST(RamImage, SharesThePagesThatAreTheSame) {
  Ram ram(kBase, kPages * kPageBytes);
  RamImager imager(ram);
  for (const u64 page : {0U, 5U, 600U, 1099U}) put(ram, page, 1);
  const RamImage first = imager.take();
  put(ram, 5, 2);
  put(ram, 700, 3);
  const RamImage second = imager.take();
  EXPECT_EQ(first.page(0), second.page(0));
  EXPECT_EQ(first.page(1099), second.page(1099));
  EXPECT_EQ(differences(first, second), (std::vector<u64>{5, 700}));
  EXPECT_EQ(first.page(5)[7], 1);
  EXPECT_EQ(second.page(5)[7], 2);
}

TEST(RamImage, AWriteThatChangesNothingSharesToo) {
  Ram ram(kBase, kPages * kPageBytes);
  RamImager imager(ram);
  put(ram, 3, 9);
  const RamImage first = imager.take();
  put(ram, 3, 9);
  EXPECT_EQ(imager.take().page(3), first.page(3));
}

TEST(RamImage, PagesOfZeroesTakeNoRoom) {
  Ram ram(kBase, kPages * kPageBytes);
  RamImager imager(ram);
  put(ram, 3, 9);
  imager.take();
  put(ram, 3, 0);
  EXPECT_EQ(imager.take().page(3), nullptr);
  EXPECT_EQ(imager.take().page(4), nullptr);
}

TEST(RamImage, PutsBackWhatChangedAndTellsOfThatAlone) {
  struct Recorder final : RamWatcher {
    std::vector<u64> pages;
    void ram_written(PhysAddr start, u64, Writer writer) override {
      EXPECT_EQ(writer, Writer::kOther);
      pages.push_back((start - kBase) / kPageBytes);
    }
  };
  Ram ram(kBase, kPages * kPageBytes);
  RamImager imager(ram);
  put(ram, 1, 1);
  put(ram, 1000, 1);
  const RamImage image = imager.take();
  put(ram, 1, 2);
  imager.take();  // another image in between
  put(ram, 2, 5);
  Recorder recorder;
  ram.add_watcher(&recorder);
  imager.put(image);
  ram.remove_watcher(&recorder);
  EXPECT_EQ(recorder.pages, (std::vector<u64>{1, 2}));
  EXPECT_EQ(*ram.host(kBase + kPageBytes + 7), 1);
  EXPECT_EQ(*ram.host(kBase + 2 * kPageBytes + 7), 0);
  EXPECT_FALSE(ram.has_changed(1));
}

TEST(RamImage, AStoreOverTwoPagesChangesBoth) {
  Ram ram(kBase, kPages * kPageBytes);
  Bus bus(ram);
  RamImager imager(ram);
  const RamImage empty = imager.take();
  ASSERT_TRUE(bus.store(kBase + 2 * kPageBytes - 4, 8, ~u64{0}));
  EXPECT_EQ(differences(empty, imager.take()), (std::vector<u64>{1, 2}));
}

}  // namespace
}  // namespace quire
