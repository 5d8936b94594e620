// The screen: an area of RAM at a fixed place that firmware is said to have set up, as Linux's
// `simple-framebuffer` binding describes it.
//
// It is no device: the guest stores pixels, and whoever looks reads them. The area is reserved in the device
// tree, so that no kernel takes it for free memory. Pixels are x8r8g8b8, the format every driver knows: a
// little-endian word 0xXXRRGGBB each. Rows follow each other without gaps.
#pragma once

#include <span>

#include "emu/base/types.h"
#include "quire/screen.h"

namespace quire {

inline constexpr const char* kFramebufferFormat = "x8r8g8b8";
inline constexpr u64 kFramebufferPixelBytes = 4;
/// The area is whole pages of this size, and no page of it is used otherwise.
inline constexpr u64 kFramebufferAlignment = u64{2} << 20;

inline constexpr u32 kMinScreenPixels = 16;    ///< a side
inline constexpr u32 kMaxScreenPixels = 8192;  ///< likewise

struct Framebuffer {
  u64 address;
  ScreenSize size;

  u64 stride_bytes() const { return size.width * kFramebufferPixelBytes; }
  u64 size_bytes() const { return stride_bytes() * size.height; }
};

/// `pixels`: the framebuffer's size_bytes().
Screen picture_of(ScreenSize size, std::span<const u8> pixels);

}  // namespace quire
