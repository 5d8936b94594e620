// What the guest's framebuffer shows, as a picture.
#pragma once

#include <cstdint>
#include <vector>

namespace quire {

/// A size in pixels.
struct ScreenSize {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

/// A copy: the machine may go on.
struct Screen {
  ScreenSize size;
  std::vector<std::uint8_t>
      rgba;  ///< rows from the top, pixels from the left, four bytes each; A is always 255
};

/// A PNG file with `screen` in it, lossless. Throws Error(kInternal) when libpng fails.
std::vector<std::uint8_t> encode_png(const Screen& screen);

}  // namespace quire
