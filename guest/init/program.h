// Starting a program from nothing: the children of the first process.
#pragma once

#include "guest/init/run_request.h"
#include "guest/proc/process.h"

namespace kernel {

/// Makes a process with the console as its descriptors and runs `request` in it; returns its number once the
/// program is in place (or refused). Emits `spawn` with `token`. Errors are those of execve(2) and fork(2).
KResult<u32> start_program(const RunRequest& request, u32 token);

}  // namespace kernel
