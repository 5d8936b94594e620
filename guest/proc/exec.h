// execve(2): replaces the running process' program.
//
// Everything that can fail happens in a new address space, before the old program is touched: there is no
// point of no return that leads to a killed process but an end that was asked for meanwhile.
#pragma once

#include "guest/proc/elf_loader.h"
#include "guest/proc/exec_args.h"
#include "guest/proc/process.h"

namespace kernel {

/// The longest vector of arguments for the running process: a quarter of the stack's limit (execve(2)).
u64 exec_args_limit(const Process& process);

/// Runs `program`; `name` is what AT_EXECFN and comm tell of it. On success the frame of the running task
/// starts the program. ENOEXEC, ENOENT, EACCES, ETXTBSY, ELIBBAD, ELOOP, E2BIG, ENOMEM, EIO, EINTR.
KResult<void> exec_program(const Path& program, StringView name, ExecArgs& args);

}  // namespace kernel
