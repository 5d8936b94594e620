// Character devices: operations by device number, and the nodes of /dev.
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/path.h"

namespace kernel {

/// A driver's files. Registered once, for ever; a second registration of a number is EEXIST.
KResult<void> register_char_device(u64 device, FileOperations& operations);
/// ENXIO.
KResult<FileOperations*> find_char_device(u64 device);

/// A file system of type devtmpfs with null, zero, full, random, urandom, console, tty and ptmx, and the
/// usual links, fb0 and dma0 where the board has them. The terminals' drivers are registered elsewhere.
KResult<RefPtr<FileSystem>> make_devfs();
/// Adds a node, or fails as create does.
KResult<void> add_device_node(FileSystem& devfs, StringView name, u32 mode, u64 device);

/// /dev/console as the standard streams, byte for byte.
FileOperations& plain_console_operations();

/// Descriptors 0, 1 and 2 of the first program: the console streams, or where `terminal` says so
/// /dev/console.
struct ConsoleFiles {
  RefPtr<File> streams[3];
};
KResult<ConsoleFiles> open_console_files(const FsContext& context, const bool (&terminal)[3]);

}  // namespace kernel
