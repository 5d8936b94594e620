// Who asks: the identity that file permissions are checked against (credentials(7), path_resolution(7)).
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"

namespace kernel {

class Inode;

struct FsCredentials {
  u32 uid = 0;  ///< the file-system uid and gid
  u32 gid = 0;
  Span<const u32> groups;  ///< supplementary ones; the memory is the process'

  bool privileged() const { return uid == 0; }
  bool in_group(u32 group) const;
};

/// `wanted`: kAccessRead | kAccessWrite | kAccessExecute (fcntl.h). EACCES.
KResult<void> check_access(const FsCredentials& who, const Inode& inode, u32 wanted);
/// EPERM unless the caller owns the file or is privileged.
KResult<void> check_owner(const FsCredentials& who, const Inode& inode);

}  // namespace kernel
