// The way from an ecall to its handler.
#pragma once

namespace kernel {

/// Sets the system-call hook. Once, at boot.
void init_syscalls();

}  // namespace kernel
