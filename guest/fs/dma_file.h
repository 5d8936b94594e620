// /dev/dma0: memory for the DMA engine, mapped into processes, and transfers within it (docs/dma-engine.md).
#pragma once

#include "guest/fs/inode.h"

namespace kernel {

/// Adds the node to /dev; nothing where there is no engine.
KResult<void> add_dma_file(FileSystem& devfs);

}  // namespace kernel
