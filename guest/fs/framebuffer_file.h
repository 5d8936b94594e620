// /dev/fb0: the screen as Linux's programs know it, when the board has one.
#pragma once

#include "guest/fs/inode.h"

namespace kernel {

/// Adds the node to /dev; nothing where there is no framebuffer.
KResult<void> add_framebuffer_file(FileSystem& devfs);

}  // namespace kernel
