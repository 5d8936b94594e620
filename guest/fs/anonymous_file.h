// Files that stand in no directory and have nothing but their operations: event counters, timers, epoll
// instances, process descriptors (their links in /proc/PID/fd read "anon_inode:[NAME]"), and sockets.
#pragma once

#include "guest/fs/file.h"

namespace kernel {

/// `name`: "[eventfd]". All such files share one inode, as on Linux. `flags`: access mode and status.
KResult<RefPtr<File>> make_anonymous_file(StringView name, u32 flags, FileOperations& operations,
                                          UniquePtr<FileState> state);

/// A file system that only gives inodes a number and a device; `type` must be a literal.
KResult<RefPtr<Mount>> make_internal_mount(StringView type, u32 magic);
/// A place for an inode of such a mount, shown as `name`.
KResult<Path> internal_path(const RefPtr<Mount>& mount, RefPtr<Inode> inode, StringView name);

}  // namespace kernel
