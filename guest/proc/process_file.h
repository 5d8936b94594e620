// pidfd_open(2): a descriptor that stands for one process, whatever becomes of its number.
#pragma once

#include "guest/proc/process.h"

namespace kernel {

/// `flags`: kOpenNonBlock.
KResult<RefPtr<File>> make_process_file(Process& process, u32 flags);
/// EBADF: no such file; ESRCH: it has been reaped.
KResult<Process*> process_of_file(const File& file);
bool is_process_file(const File& file);

}  // namespace kernel
