#include "emu/machine/framebuffer.h"

#include <png.h>

#include <string>

#include "emu/base/assert.h"
#include "quire/error.h"

namespace quire {

Screen picture_of(ScreenSize size, std::span<const u8> pixels) {
  QUIRE_ASSERT(pixels.size() == u64{size.width} * size.height * kFramebufferPixelBytes);
  Screen screen{size, std::vector<u8>(pixels.size())};
  for (std::size_t at = 0; at < pixels.size(); at += kFramebufferPixelBytes) {
    screen.rgba[at] = pixels[at + 2];
    screen.rgba[at + 1] = pixels[at + 1];
    screen.rgba[at + 2] = pixels[at];
    screen.rgba[at + 3] = 0xff;
  }
  return screen;
}

std::vector<u8> encode_png(const Screen& screen) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = screen.size.width;
  image.height = screen.size.height;
  image.format = PNG_FORMAT_RGBA;
  std::vector<u8> file(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size_bytes = file.size();
  if (png_image_write_to_memory(&image, file.data(), &size_bytes, 0, screen.rgba.data(), 0, nullptr) == 0) {
    throw Error(ErrorKind::kInternal, std::string("cannot make a PNG: ") + image.message);
  }
  file.resize(size_bytes);
  return file;
}

}  // namespace quire
