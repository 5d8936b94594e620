// Tells disk images of other formats from raw ones, by their magic numbers.
//
// A raw image has no header, so it cannot be recognised: what nothing here knows is taken for raw.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "emu/base/types.h"

namespace quire {

/// Bytes of an image's beginning and of its end that are enough to tell.
inline constexpr u64 kFormatHeadBytes = 512;
inline constexpr u64 kFormatTailBytes = 512;

/// The name that `qemu-img convert -f` takes; empty for what is not known. `head` and `tail` are the image's
/// first and last bytes, all of them when it is shorter.
std::string_view recognise_image_format(std::span<const u8> head, std::span<const u8> tail);

}  // namespace quire
