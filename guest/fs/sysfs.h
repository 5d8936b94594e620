// /sys, as far as programs look: the processors. Everything else there is ENOENT.
#pragma once

#include "guest/fs/inode.h"

namespace kernel {

KResult<RefPtr<FileSystem>> make_sysfs();

}  // namespace kernel
