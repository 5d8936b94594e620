#include "emu/base/touch.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>

#include "quire/arch/sv39.h"

namespace quire {
namespace {

constexpr usize kBytes = 16 * kPageBytes;

struct Mapping {
  explicit Mapping(int protection)
      : start(static_cast<u8*>(mmap(nullptr, kBytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~Mapping() { munmap(start, kBytes); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  /// How many of its pages are there.
  long resident() const {
    unsigned char pages[kBytes / kPageBytes] = {};
    EXPECT_EQ(mincore(start, kBytes, pages), 0);
    return std::count_if(std::begin(pages), std::end(pages), [](unsigned char page) { return page & 1; });
  }

  u8* start;
};

TEST(TouchPages, EveryPageOfTheRangeIsThereAndNoOther) {
  const Mapping mapping(PROT_READ | PROT_WRITE);
  touch_pages(mapping.start + kPageBytes + 100, 2 * kPageBytes);  // parts of three
  const long there = mapping.resident();
  if (there == 0) GTEST_SKIP() << "the host's kernel does not know this advice";
  EXPECT_EQ(there, 3);
}

TEST(TouchPages, WhatWasWrittenStays) {
  const Mapping mapping(PROT_READ | PROT_WRITE);
  mapping.start[5 * kPageBytes] = 42;
  touch_pages(mapping.start, kBytes);
  touch_pages_to_read(mapping.start, kBytes);
  EXPECT_EQ(mapping.start[5 * kPageBytes], 42);
  EXPECT_EQ(mapping.start[6 * kPageBytes], 0);
}

TEST(TouchPages, MemoryThatMayNotBeWrittenIsLeftAlone) {
  const Mapping mapping(PROT_READ);
  touch_pages(mapping.start, kBytes);
  EXPECT_EQ(mapping.start[0], 0);
}

}  // namespace
}  // namespace quire
