#include "quire/state_archive.h"

#include <gtest/gtest.h>

#include "emu/devices/disk_image.h"
#include "emu/machine/state_archives.h"
#include "quire/machine.h"
#include "tests/unit/emu/devices/temp_file.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using testing::TempFile;

struct Part {
  u32 number = 0;
  bool flag = false;
  std::optional<u64> maybe;
  std::array<u16, 3> few{};
  std::vector<u32> many;
  std::string text;
  void transfer(StateArchive& archive) { archive(number, flag, maybe, few, many, text); }
};

TEST(StateArchive, LoadsWhatWasSaved) {
  Part part{.number = 7, .flag = true, .maybe = 9, .few = {1, 2, 3}, .many = {4, 5}, .text = "six"};
  SaveArchive save;
  part.transfer(save);
  const std::vector<u8> bytes = save.take();
  Part other{
      .number = 1, .flag = false, .maybe = {}, .few = {}, .many = {1, 2, 3}, .text = "longer than six"};
  LoadArchive load(bytes, "part");
  other.transfer(load);
  load.finish();
  EXPECT_EQ(other.number, 7U);
  EXPECT_TRUE(other.flag);
  EXPECT_EQ(other.maybe, 9U);
  EXPECT_EQ(other.few, part.few);
  EXPECT_EQ(other.many, part.many);
  EXPECT_EQ(other.text, "six");
}

TEST(StateArchive, RefusesWhatIsShorterLongerOrLies) {
  Part part{.number = 7, .flag = true, .maybe = 9, .few = {1, 2, 3}, .many = {4, 5}, .text = "six"};
  SaveArchive save;
  part.transfer(save);
  const std::vector<u8> bytes = save.take();
  for (usize length = 0; length < bytes.size(); ++length) {
    Part other;
    LoadArchive load({bytes.data(), length}, "part");
    EXPECT_THROW(other.transfer(load), Error) << length;
  }
  std::vector<u8> longer = bytes;
  longer.push_back(0);
  Part other;
  LoadArchive load(longer, "part");
  other.transfer(load);
  EXPECT_THROW(load.finish(), Error);
  std::vector<u8> liar = bytes;
  liar[4 + 1 + 1 + 8 + 6 + 3] = 0x7f;  // the count of `many`
  LoadArchive lying(liar, "part");
  EXPECT_THROW(other.transfer(lying), Error);
}

TEST(StateArchive, AThrowAwayDiskIsAsItWas) {
  TempFile file(std::string(64 << 10, 'a'));
  DiskImage image(file.path(), DiskAccess::kThrowAway);
  const u8 then[] = {'t', 'h', 'e', 'n'};
  ASSERT_TRUE(image.write(5000, then));
  ASSERT_TRUE(image.write_zeroes(8192, 4096, Unmap::kNo));
  SaveArchive save;
  image.transfer(save);
  const std::vector<u8> bytes = save.take();
  const u8 later[] = {'l', 'a', 't', 'e', 'r'};
  ASSERT_TRUE(image.write(5000, later));
  ASSERT_TRUE(image.write(8192, later));
  ASSERT_TRUE(image.write(40000, later));
  LoadArchive load(bytes, "disk");
  image.transfer(load);
  load.finish();
  const auto text = [&image](u64 offset) {
    u8 out[5];
    EXPECT_TRUE(image.read(offset, out));
    return std::string(out, out + sizeof out);
  };
  EXPECT_EQ(text(5000), "thena");
  EXPECT_EQ(text(8192), std::string(5, '\0'));
  EXPECT_EQ(text(40000), "aaaaa");
}

TEST(StateArchive, AnotherDiskIsNotTheSame) {
  TempFile file(std::string(8192, 'a'));
  TempFile larger(std::string(16384, 'a'));
  DiskImage image(file.path(), DiskAccess::kReadOnly);
  DiskImage other(larger.path(), DiskAccess::kReadOnly);
  SaveArchive save;
  image.transfer(save);
  const std::vector<u8> bytes = save.take();
  LoadArchive load(bytes, "disk");
  EXPECT_THROW(other.transfer(load), Error);
}

/// Why a machine of this config gives no snapshot; empty when it gives one.
std::string refusal(const std::function<void(Config&)>& change) {
  Config config = test::config_for(BootMode::kBare, {test::jump(0)});
  change(config);
  Machine machine(config);
  try {
    machine.snapshot();
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
}

TEST(StateArchive, WhatIsTheHostsIsRefusedByName) {
  TempFile file(std::string(8192, 'a'));
  const auto drive = [&file](bool read_only, bool snapshot) {
    return [&file, read_only, snapshot](Config& c) { c.drives = {{file.path(), read_only, snapshot}}; };
  };
  EXPECT_EQ(refusal(drive(true, false)), "");
  EXPECT_EQ(refusal(drive(false, true)), "");
  EXPECT_NE(refusal(drive(false, false)).find("writes to " + file.path()), std::string::npos);
  EXPECT_NE(refusal([](Config& c) {
              c.shares = {{"/tmp", "share", false}};
            }).find("virtio-9p"),
            std::string::npos);
  EXPECT_NE(refusal([](Config& c) { c.net.mode = NetMode::kUser; }).find("virtio-net"), std::string::npos);
}

}  // namespace
}  // namespace quire
