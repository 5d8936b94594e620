#include "emu/devices/unflushed_writes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace quire::testing {
namespace {

constexpr usize kSector = UnflushedWrites::kSectorBytes;

/// A disk of four sectors with a cache.
struct Disk {
  std::string medium = std::string(4 * kSector, '.');
  UnflushedWrites cache;

  void write(u64 offset, const std::string& data) {
    std::vector<u8> before(medium.begin() + static_cast<std::ptrdiff_t>(offset),
                           medium.begin() + static_cast<std::ptrdiff_t>(offset + data.size()));
    cache.add(offset, std::move(before), {reinterpret_cast<const u8*>(data.data()), data.size()});
    medium.replace(offset, data.size(), data);
  }
  /// A letter a sector; '?' for one that is not of one letter.
  std::string cut(u64 seed) {
    EXPECT_TRUE(cache.cut_power(seed, [this](u64 offset, std::span<const u8> data) {
      medium.replace(offset, data.size(), reinterpret_cast<const char*>(data.data()), data.size());
      return true;
    }));
    std::string letters;
    for (usize at = 0; at < medium.size(); at += kSector) {
      const bool whole = medium.substr(at, kSector) == std::string(kSector, medium[at]);
      letters += whole ? medium[at] : '?';
    }
    return letters;
  }
};

TEST(UnflushedWrites, WhatWasFlushedStays) {
  for (u64 seed = 0; seed < 50; ++seed) {
    Disk disk;
    disk.write(0, std::string(2 * kSector, 'a'));
    disk.cache.flushed();
    EXPECT_EQ(disk.cut(seed), "aa..");
  }
}

TEST(UnflushedWrites, AWriteIsThereGoneOrTornBySectors) {
  std::set<std::string> seen;
  for (u64 seed = 0; seed < 100; ++seed) {
    Disk disk;
    disk.write(kSector, std::string(2 * kSector, 'a'));
    seen.insert(disk.cut(seed));
    EXPECT_EQ(disk.cache.count(), 0u);
  }
  EXPECT_EQ(seen, (std::set<std::string>{".aa.", "....", ".a..", "..a."}));
}

TEST(UnflushedWrites, ALaterWriteMayArriveWithoutAnEarlierOne) {
  std::set<std::string> seen;
  for (u64 seed = 0; seed < 100; ++seed) {
    Disk disk;
    disk.write(0, std::string(kSector, 'a'));
    disk.write(kSector, std::string(kSector, 'b'));
    disk.write(0, std::string(kSector, 'c'));
    seen.insert(disk.cut(seed));
  }
  for (const char* state : {"....", "a...", "c...", ".b..", "ab..", "cb.."}) {
    EXPECT_EQ(seen.count(state), 1u) << state;
  }
  EXPECT_EQ(seen.size(), 6u);
}

TEST(UnflushedWrites, TheSameSeedHasTheSameFate) {
  for (u64 seed = 0; seed < 20; ++seed) {
    Disk one, two;
    for (Disk* disk : {&one, &two}) {
      disk->write(0, std::string(3 * kSector, 'a'));
      disk->write(2 * kSector, std::string(2 * kSector, 'b'));
    }
    EXPECT_EQ(one.cut(seed), two.cut(seed));
  }
}

}  // namespace
}  // namespace quire::testing
