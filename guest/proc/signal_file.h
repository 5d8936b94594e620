// signalfd(2): pending signals read from a descriptor instead of delivered.
#pragma once

#include "guest/fs/file.h"
#include "quire/arch/linux/signal.h"

namespace kernel {

/// `flags`: kOpenNonBlock.
KResult<RefPtr<File>> make_signal_file(SigSet wanted, u32 flags);
/// Another set for an existing one. EINVAL: no such file.
KResult<void> change_signal_file(File& file, SigSet wanted);

}  // namespace kernel
