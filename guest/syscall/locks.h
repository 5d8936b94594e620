// fcntl(2)'s locking commands, for the switch over its commands.
#pragma once

#include "guest/syscall/arguments.h"

namespace kernel {

SyscallResult record_lock(i32 fd, File& file, FcntlCommand command, VirtAddr argument);

}  // namespace kernel
