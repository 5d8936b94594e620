#include "guest/fs/cpio.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "quire/arch/linux/stat.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

/// One entry as the format's description has it.
std::string entry(const std::string& name, u32 mode, const std::string& data, u32 inode = 1, u32 links = 1) {
  char header[111];
  std::snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", inode,
                mode, 10U, 20U, links, 1234U, static_cast<unsigned>(data.size()), 0U, 0U, 5U, 1U,
                static_cast<unsigned>(name.size() + 1), 0U);
  std::string text = header + name + '\0';
  text.resize((text.size() + 3) / 4 * 4);
  text += data;
  text.resize((text.size() + 3) / 4 * 4);
  return text;
}
std::string trailer() { return entry("TRAILER!!!", 0, ""); }

struct Listing {
  std::vector<CpioEntry> entries;
  bool failed = false;
};
Listing list(const std::string& archive) {
  Listing listing;
  CpioReader reader(as_bytes(archive));
  while (true) {
    auto next = reader.next();
    if (!next.ok()) {
      listing.failed = true;
      return listing;
    }
    if (!next.value()) {
      return listing;
    }
    listing.entries.push_back(*next.value());
  }
}

TEST(Cpio, GivesEntriesWithAttributesAndData) {
  const std::string archive =
      entry(".", 040755, "") + entry("./bin", 040755, "") + entry("/bin/sh", 0100755, "text!") + trailer();
  const Listing listing = list(archive);
  ASSERT_FALSE(listing.failed);
  ASSERT_EQ(listing.entries.size(), 3U);
  EXPECT_EQ(listing.entries[0].name, "");
  EXPECT_EQ(listing.entries[1].name, "bin");
  const CpioEntry& file = listing.entries[2];
  EXPECT_EQ(file.name, "bin/sh");
  EXPECT_EQ(as_text(file.data), "text!");
  EXPECT_EQ(file.mode, 0100755U);
  EXPECT_EQ(file.uid, 10U);
  EXPECT_EQ(file.gid, 20U);
  EXPECT_EQ(file.mtime, 1234U);
  EXPECT_EQ(file.rdev, make_device(5, 1));
}

TEST(Cpio, GoesOnWithTheNextArchiveBehindPadding) {
  const std::string archive = entry("a", 0100644, "1") + trailer() + std::string(512, '\0') +
                              entry("b", 0100644, "2") + trailer() + std::string(100, '\0');
  const Listing listing = list(archive);
  ASSERT_FALSE(listing.failed);
  ASSERT_EQ(listing.entries.size(), 2U);
  EXPECT_EQ(listing.entries[1].name, "b");
}

TEST(Cpio, AcceptsAnEmptyImageAndALastFileWithoutPadding) {
  EXPECT_FALSE(list("").failed);
  std::string archive = entry("x", 0100644, "12345");
  archive.resize(archive.size() - 3);
  const Listing listing = list(archive);
  EXPECT_FALSE(listing.failed);
  ASSERT_EQ(listing.entries.size(), 1U);
  EXPECT_EQ(as_text(listing.entries[0].data), "12345");
}

TEST(Cpio, RefusesDamage) {
  const std::string good = entry("file", 0100644, "contents") + trailer();
  EXPECT_TRUE(list("not an archive").failed);
  EXPECT_TRUE(list(good.substr(0, 50)).failed);
  EXPECT_TRUE(list(good.substr(0, 118)).failed);
  std::string no_digit = good;
  no_digit[20] = 'g';
  EXPECT_TRUE(list(no_digit).failed);
  std::string huge = good;
  huge.replace(54, 8, "ffffffff");  // c_filesize
  EXPECT_TRUE(list(huge).failed);
  std::string no_nul = good;
  no_nul[110 + 4] = 'x';
  EXPECT_TRUE(list(no_nul).failed);
  std::string no_name = good;
  no_name.replace(94, 8, "00000000");  // c_namesize
  EXPECT_TRUE(list(no_name).failed);
}

TEST(Cpio, NeverLeavesTheImageForRandomDamage) {
  std::mt19937_64 random(4);
  const std::string good =
      entry("dir", 040755, "") + entry("dir/file", 0100644, std::string(100, 'x')) + trailer();
  for (int round = 0; round < 20000; round++) {
    std::string bad = good.substr(0, random() % (good.size() + 1));
    for (int changes = 0; changes < 3 && !bad.empty(); changes++) {
      bad[random() % bad.size()] = "0123456789abcdef\0/"[random() % 18];
    }
    const Listing listing = list(bad);
    for (const CpioEntry& found : listing.entries) {
      if (!found.data.empty()) {
        const auto* const base = reinterpret_cast<const u8*>(bad.data());
        ASSERT_GE(found.data.data(), base);
        ASSERT_LE(found.data.data() + found.data.size(), base + bad.size());
      }
    }
  }
}

}  // namespace
}  // namespace kernel
