// Unpacks an initramfs image into the mounted name tree.
#pragma once

#include "guest/fs/path.h"

namespace kernel {

/// Later entries replace earlier ones; hard links are kept. EINVAL for a damaged image, ENOSPC and ENOMEM for
/// one that does not fit; one line of the log then names the entry and the cause. What came before stays.
KResult<void> unpack_initramfs(const FsContext& context, ConstByteSpan image);

}  // namespace kernel
