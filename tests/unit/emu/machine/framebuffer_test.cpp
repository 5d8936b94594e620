#include "emu/machine/framebuffer.h"

#include <gtest/gtest.h>
#include <png.h>

namespace quire {
namespace {

TEST(Framebuffer, WordsBecomeRedGreenBlueAndOpaque) {
  const u32 words[] = {0x00ff'0000, 0xab00'ff00, 0x0000'00ff, 0x1212'3456};
  const Screen screen = picture_of({2, 2}, {reinterpret_cast<const u8*>(words), sizeof words});
  const std::vector<u8> expected = {255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 0x12, 0x34, 0x56, 255};
  EXPECT_EQ(screen.rgba, expected);
  EXPECT_EQ(screen.size.width, 2u);
}

TEST(Framebuffer, PngHoldsTheSamePixels) {
  Screen screen{{33, 17}, std::vector<u8>(33 * 17 * 4)};
  for (std::size_t i = 0; i < screen.rgba.size(); ++i) {
    screen.rgba[i] = i % 4 == 3 ? 255 : static_cast<u8>(i * 7 + i / 132);
  }
  const std::vector<u8> file = encode_png(screen);
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_memory(&image, file.data(), file.size()), 0) << image.message;
  EXPECT_EQ(image.width, 33u);
  EXPECT_EQ(image.height, 17u);
  image.format = PNG_FORMAT_RGBA;
  std::vector<u8> pixels(PNG_IMAGE_SIZE(image));
  ASSERT_NE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr), 0) << image.message;
  EXPECT_EQ(pixels, screen.rgba);
}

}  // namespace
}  // namespace quire
