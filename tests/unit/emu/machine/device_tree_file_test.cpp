// Device trees that users bring.
#include "emu/machine/device_tree_file.h"

#include <gtest/gtest.h>

extern "C" {
#include <libfdt.h>
}

#include "quire/error.h"

namespace quire {
namespace {

const DeviceTreeInputs kInputs{.ram_bytes = 64 << 20,
                               .command_line = "root=/dev/vda",
                               .initrd = InitrdRange{0x8400'0000, 0x8400'1234},
                               .seed = 7,
                               .virtio_slots = 2};

std::string complaint_about(const std::vector<std::uint8_t>& file) {
  try {
    complete_device_tree(file, "board.dtb", kInputs);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    return error.what();
  }
  return "";
}

TEST(DeviceTreeFile, TellsOfThisRunInChosen) {
  const auto tree = complete_device_tree(build_device_tree(kInputs), "board.dtb", kInputs);
  ASSERT_EQ(fdt_check_full(tree.data(), tree.size()), 0);
  const int chosen = fdt_path_offset(tree.data(), "/chosen");
  int length = 0;
  EXPECT_STREQ(static_cast<const char*>(fdt_getprop(tree.data(), chosen, "bootargs", &length)),
               "root=/dev/vda");
  EXPECT_NE(fdt_getprop(tree.data(), chosen, "linux,initrd-end", &length), nullptr);
}

TEST(DeviceTreeFile, WhatIsCutOffIsRefused) {
  const auto whole = build_device_tree(kInputs);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    EXPECT_NE(complaint_about({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)})
                  .find("board.dtb: not"),
              std::string::npos);
  }
}

/// Formats before 16 name nodes by their whole path; libfdt's check does not come back from them.
TEST(DeviceTreeFile, OldFormatsAreRefused) {
  for (const std::uint32_t version : {0U, 1U, 2U, 5U, 15U}) {
    auto tree = build_device_tree(kInputs);
    fdt_set_version(tree.data(), version);
    fdt_set_last_comp_version(tree.data(), version);
    EXPECT_NE(complaint_about(tree).find("board.dtb: "), std::string::npos) << version;
  }
}

/// libfdt 1.6.1 takes a length of -2 for one of 0, and with -12 comes to the same tag again, for ever.
TEST(DeviceTreeFile, PropertiesLongerThanAnyFileAreRefused) {
  for (const int length : {-1, -2, -8, -12, -100}) {
    std::vector<std::uint8_t> tree(512);
    ASSERT_EQ(fdt_create_empty_tree(tree.data(), static_cast<int>(tree.size())), 0);
    ASSERT_EQ(fdt_setprop_empty(tree.data(), 0, "ranges"), 0);
    EXPECT_EQ(complaint_about(tree), "");
    fdt_get_property_w(tree.data(), 0, "ranges", nullptr)->len =
        cpu_to_fdt32(static_cast<std::uint32_t>(length));
    EXPECT_NE(complaint_about(tree).find("board.dtb: not a sound"), std::string::npos) << length;
  }
}

}  // namespace
}  // namespace quire
