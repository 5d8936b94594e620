// The contents of /proc (proc(5)) that come from processes and the system.
#pragma once

#include "guest/lib/result.h"

namespace kernel {

/// Everything below; before procfs is made. ENOMEM.
KResult<void> register_process_files();

/// proc_pid_files.cpp: /proc/PID and its links; proc_system_files.cpp: the top level and /proc/sys.
KResult<void> register_pid_files();
KResult<void> register_system_files();

}  // namespace kernel
