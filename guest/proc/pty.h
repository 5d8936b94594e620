// Pseudo-terminals (pty(7)): a terminal whose device is a program, which holds the master side.
#pragma once

#include "guest/fs/file.h"

namespace kernel {

/// /dev/ptmx. Once, at boot.
KResult<void> register_ptys();
/// The file system of /dev/pts: an entry for every pseudo-terminal whose master is open.
KResult<RefPtr<FileSystem>> make_devpts();

}  // namespace kernel
