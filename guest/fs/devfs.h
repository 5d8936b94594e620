// Character devices: operations by device number, and the nodes of /dev.
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/path.h"

namespace kernel {

/// A driver's files. Registered once, for ever; a second registration of a number is EEXIST.
KResult<void> register_char_device(u64 device, FileOperations& operations);
/// ENXIO.
KResult<FileOperations*> find_char_device(u64 device);

/// A file system of type devtmpfs with null, zero, full, random, urandom, console and tty, and the usual
/// links.
KResult<RefPtr<FileSystem>> make_devfs();
/// Adds a node, or fails as create does.
KResult<void> add_device_node(FileSystem& devfs, StringView name, u32 mode, u64 device);

/// Descriptors 0, 1 and 2 of the first program: the console streams.
struct ConsoleFiles {
  RefPtr<File> input;
  RefPtr<File> output;
  RefPtr<File> error;
};
KResult<ConsoleFiles> open_console_files(const FsContext& context);

}  // namespace kernel
