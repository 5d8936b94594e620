// LowerFile: a file of a tree that is only read, beneath a file system that keeps its changes to itself.
//
// Invariant: the tree does not change while it is in use; what comes of a change is up to whoever made it.
#pragma once

#include "guest/fs/inode.h"

namespace kernel {

struct LowerInfo {
  u32 mode;  ///< with the type
  u32 uid;
  u32 gid;
  u32 links;
  u64 id;  ///< the same for all names of a file, below 2^32
  u64 rdev;
  u64 size;
  TimeSpec atime;
  TimeSpec mtime;
  TimeSpec ctime;
};

/// Takes the entries of a directory, without "." and "..". `type`: as getdents64(2) has it.
class LowerSink {
 public:
  virtual KResult<void> entry(StringView name, u64 id, u8 type) = 0;

 protected:
  ~LowerSink() = default;
};

/// Any of these may sleep.
class LowerFile : public RefCounted<LowerFile> {
 public:
  virtual ~LowerFile() = default;
  virtual KResult<LowerInfo> info() = 0;
  virtual KResult<void> list(LowerSink& sink) = 0;
  /// A file of this directory; whether it is there shows when it is asked for something.
  virtual KResult<RefPtr<LowerFile>> child(StringView name) = 0;
  virtual KResult<String> read_link() = 0;
  /// Fills whole frames with the pages from `first` on, of which the first `bytes` are wanted and the rest is
  /// zeroed.
  virtual KResult<void> read_pages(u64 first, u64 bytes, Span<Frame* const> frames) = 0;
};

}  // namespace kernel
