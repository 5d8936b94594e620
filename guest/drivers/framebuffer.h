// The framebuffer that firmware set up: Linux's device-tree binding display/simple-framebuffer, x8r8g8b8.
#pragma once

#include "guest/hal/fdt.h"

namespace kernel {

struct Framebuffer {
  PhysRange memory;    ///< whole rows, from the first pixel on
  u64 mappable_bytes;  ///< the pages from the first pixel on in which nothing else is
  u8* pixels;          ///< the same in the kernel's address space
  u32 width;           ///< pixels
  u32 height;
  u32 stride_bytes;
};

/// Finds it in the device tree; one that is malformed, or has another format, is left alone with a line in
/// the log.
void init_framebuffer();
/// Null: the board has none.
const Framebuffer* framebuffer();

}  // namespace kernel
