// Pipes and FIFOs (pipe(7)).
//
// Invariants: bytes leave in the order they came; a write of at most kPipeBuf bytes is not interleaved
// with others. Lock: each pipe's transfer lock, outside the mmap lock (user copies fault under it).
#pragma once

#include "guest/fs/credentials.h"
#include "guest/fs/file.h"

namespace kernel {

inline constexpr usize kDefaultPipeBytes = 65536;
inline constexpr usize kMaxPipeBytes = 1 << 20;

struct PipeEnds {
  RefPtr<File> reader;
  RefPtr<File> writer;
};
/// pipe2(2); `flags`: kOpenNonBlock, kOpenDirect (ignored). A write without reader is EPIPE: the caller adds
/// the signal.
KResult<PipeEnds> make_pipe(u32 flags, const FsCredentials& who);

/// F_GETPIPE_SZ and F_SETPIPE_SZ; EBADF when the file is no pipe, EBUSY, EPERM.
KResult<usize> pipe_capacity(File& file);
KResult<usize> set_pipe_capacity(File& file, usize bytes, const FsCredentials& who);

/// Operations of a FIFO in a directory; the pipe belongs to the inode.
FileOperations& fifo_operations();

}  // namespace kernel
