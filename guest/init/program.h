// Starting a program from nothing: the children of the first process.
#pragma once

#include "guest/init/run_request.h"
#include "guest/proc/process.h"

namespace kernel {

/// How far a start came.
enum class StartStep : u8 {
  kMemory,     ///< there was none for the process
  kDirectory,  ///< the working directory cannot be entered
  kProgram,    ///< the program's path leads nowhere
  kExecute,    ///< it does, but what is there cannot be executed
};

/// Makes a process with the console as its descriptors and runs `request` in it; returns its number once the
/// program is in place (or refused). Emits `spawn` with `token`. Errors are those of execve(2) and fork(2);
/// `failed` (may be null) then tells more.
KResult<u32> start_program(const RunRequest& request, u32 token, StartStep* failed = nullptr);

}  // namespace kernel
