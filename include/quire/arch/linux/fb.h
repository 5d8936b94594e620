// Framebuffers as programs see them: linux/fb.h's structures and ioctls, for a screen of fixed mode.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

inline constexpr u32 kFbMajor = 29;

enum FbIoctl : u32 {
  kFbGetVariable = 0x4600,  ///< FBIOGET_VSCREENINFO: struct FbVariable
  kFbPutVariable = 0x4601,  ///< FBIOPUT_VSCREENINFO: likewise
  kFbGetFixed = 0x4602,     ///< FBIOGET_FSCREENINFO: struct FbFixed
  kFbPan = 0x4606,          ///< FBIOPAN_DISPLAY: struct FbVariable
};

struct FbChannel {
  u32 offset;  ///< of its lowest bit in a pixel
  u32 bits;
  u32 most_significant_right;
};

/// struct fb_var_screeninfo.
struct FbVariable {
  u32 width, height;
  u32 virtual_width, virtual_height;
  u32 x_offset, y_offset;
  u32 bits_per_pixel;
  u32 grayscale;
  FbChannel red, green, blue, transparent;
  u32 nonstandard;
  u32 activate;
  u32 height_mm, width_mm;
  u32 acceleration;
  u32 timing[9];  ///< pixel clock, margins, sync lengths, sync, vmode
  u32 rotate;
  u32 colorspace;
  u32 reserved[4];
};
static_assert(sizeof(FbVariable) == 160);

/// struct fb_fix_screeninfo.
struct FbFixed {
  char id[16];
  u64 memory_start;
  u32 memory_bytes;
  u32 type;  ///< 0: packed pixels
  u32 type_auxiliary;
  u32 visual;  ///< kFbTrueColor
  u16 pan_steps[3];
  u32 line_bytes;
  u64 registers_start;
  u32 registers_bytes;
  u32 accelerator;
  u16 capabilities;
  u16 reserved[2];
};
static_assert(sizeof(FbFixed) == 80);

inline constexpr u32 kFbTrueColor = 2;
inline constexpr u32 kFbUnknownMillimetres = ~u32{0};

}  // namespace quire::arch
