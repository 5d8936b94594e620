// tmpfs: files that live in the page cache. Behind /, /tmp, /dev, /dev/shm, memory files and shared anonymous
// memory.
//
// Invariants: `used_pages` counts the pages in the caches of all its files and never exceeds `max_pages`;
// a directory holds a reference to each inode it names, so an inode lives while it has a name or a holder.
#pragma once

#include "guest/fs/credentials.h"
#include "guest/fs/file.h"
#include "guest/fs/lower.h"

namespace kernel {

struct TmpfsOptions {
  StringView type = "tmpfs";  ///< devfs is one of these under another name; must be a literal
  u32 root_mode = 01777;
  u64 max_pages = 0;  ///< 0: half of RAM
};
KResult<RefPtr<FileSystem>> make_tmpfs(const TmpfsOptions& options);
/// One that starts as the tree `root` (lower.h), of which it takes up directories and pages when they are
/// first asked for. What is changed is changed here alone.
KResult<RefPtr<FileSystem>> make_tmpfs_over(const TmpfsOptions& options, RefPtr<LowerFile> root);

/// Mounts the internal instance for memory files. Once, at boot.
KResult<void> init_memory_files();
/// A file without a name. `shown` is its path in /proc/PID/maps, " (deleted)" is added. `seals`: the first
/// ones.
KResult<RefPtr<File>> make_memory_file(StringView shown, u64 size, u32 open_flags, u32 seals,
                                       const FsCredentials& who);
/// memfd_create(2), flags and name checked here. EINVAL.
KResult<RefPtr<File>> memfd_create(StringView name, u32 flags, const FsCredentials& who);
/// What MAP_SHARED|MAP_ANONYMOUS and shared mappings of /dev/zero map.
KResult<RefPtr<File>> make_shared_memory(u64 bytes);

}  // namespace kernel
