#include "emu/launch/guest_tree.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "quire/error.h"

namespace quire {
namespace {

TEST(GuestTree, MakesParentsAndKeepsTheirPermissions) {
  GuestTree tree;
  tree.add_directory("/tmp", 01777);
  tree.add_text("/tmp/a/b", "x");
  EXPECT_EQ(tree.entries().at("/tmp").mode, S_IFDIR | 01777U);
  EXPECT_EQ(tree.entries().at("/tmp/a").mode, S_IFDIR | 0755U);
}

TEST(GuestTree, NormalisesPaths) {
  EXPECT_EQ(normal_guest_path("/a/./b//../c/"), "/a/c");
  EXPECT_EQ(normal_guest_path("//a"), "/a");
  EXPECT_EQ(normal_guest_path("/../.."), "/");
}

TEST(GuestTree, RefusesContradictions) {
  GuestTree tree;
  tree.add_text("/file", "x");
  EXPECT_THROW(tree.add_text("/file/below", "x"), Error);
  EXPECT_THROW(tree.add_directory("/file"), Error);
  EXPECT_THROW(tree.add_text("relative", "x"), Error);
  EXPECT_THROW(tree.add_text(std::string("/nul\0", 5), "x"), Error);
  EXPECT_THROW(tree.add_text("/", "x"), Error);
  EXPECT_THROW(tree.add_text("/TRAILER!!!", "x"), Error);
  EXPECT_THROW(tree.add_text("/TRAILER!!!/in", "x"), Error);
  EXPECT_NO_THROW(tree.add_text("/a/TRAILER!!!", "x"));
}

TEST(GuestTree, RefusesNamesThatTheGuestCannotHave) {
  GuestTree tree;
  EXPECT_NO_THROW(tree.add_text("/" + std::string(255, 'a') + "/" + std::string(255, 'b'), "x"));
  EXPECT_THROW(tree.add_text("/" + std::string(256, 'a'), "x"), Error);
  EXPECT_THROW(tree.add_text("/" + std::string(256, 'a') + "/b", "x"), Error);
  std::string deep;
  while (deep.size() < 4090) deep += "/aaaa";
  EXPECT_NO_THROW(tree.add_directory(deep));
  EXPECT_THROW(tree.add_text(deep + "/bbbbb", "x"), Error);
}

TEST(GuestTree, MergeKeepsPermissionsOfDirectoriesOnTheWay) {
  GuestTree base;
  base.add_directory("/tmp", 01777);
  GuestTree other;
  other.add_text("/tmp/program", "x");
  base.merge(std::move(other));
  EXPECT_EQ(base.entries().at("/tmp").mode, S_IFDIR | 01777U);
  EXPECT_TRUE(base.contains("/tmp/program"));
}

TEST(GuestTree, SameTreeGivesSameArchive) {
  GuestTree one;
  one.add_text("/a", "1");
  one.add_text("/b", "2");
  GuestTree two;
  two.add_text("/b", "2");
  two.add_text("/a", "1");
  EXPECT_EQ(one.to_cpio(), two.to_cpio());
}

/// An archive as its format's description reads it, with nothing of the writer's code.
struct ReadBack {
  std::string name;
  unsigned mode;
  std::string data;
};
std::vector<ReadBack> read_newc(const std::vector<std::uint8_t>& archive) {
  std::vector<ReadBack> entries;
  std::size_t at = 0;
  const auto field = [&](unsigned index) {
    return static_cast<unsigned>(
        std::stoul(std::string(archive.begin() + static_cast<std::ptrdiff_t>(at + 6 + 8 * index),
                               archive.begin() + static_cast<std::ptrdiff_t>(at + 14 + 8 * index)),
                   nullptr, 16));
  };
  const auto text = [&](std::size_t start, std::size_t size) {
    return std::string(archive.begin() + static_cast<std::ptrdiff_t>(start),
                       archive.begin() + static_cast<std::ptrdiff_t>(start + size));
  };
  while (at + 110 <= archive.size()) {
    EXPECT_EQ(text(at, 6), "070701");
    const unsigned mode = field(1);
    const unsigned data_bytes = field(6);
    const unsigned name_bytes = field(11);
    const std::string name = text(at + 110, name_bytes - 1);
    const std::size_t data = (at + 110 + name_bytes + 3) / 4 * 4;
    if (name == "TRAILER!!!") {
      break;
    }
    entries.push_back({name, mode, text(data, data_bytes)});
    at = (data + data_bytes + 3) / 4 * 4;
  }
  return entries;
}

TEST(GuestTree, ArchiveReadsBackInOrderOfPaths) {
  GuestTree tree;
  tree.add_file("/bin/tool", {0, 1, 2, 0xff, 10}, 0755);
  tree.add_text("/odd", "abc");
  tree.add_text("/empty", "");
  tree.add_symlink("/link", "/bin/tool");
  const auto entries = read_newc(tree.to_cpio());
  ASSERT_EQ(entries.size(), 6U);
  const char* const names[] = {".", "bin", "bin/tool", "empty", "link", "odd"};
  for (unsigned i = 0; i < 6; ++i) {
    EXPECT_EQ(entries[i].name, names[i]);
  }
  EXPECT_EQ(entries[1].mode, S_IFDIR | 0755U);
  EXPECT_EQ(entries[2].mode, S_IFREG | 0755U);
  EXPECT_EQ(entries[2].data, std::string("\0\1\2\xff\n", 5));
  EXPECT_EQ(entries[4].mode, S_IFLNK | 0777U);
  EXPECT_EQ(entries[4].data, "/bin/tool");
  EXPECT_EQ(entries[5].data, "abc");
}

}  // namespace
}  // namespace quire
