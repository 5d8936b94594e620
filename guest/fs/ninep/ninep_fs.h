// A share of the host as a file system: what is written here reaches the host's files.
//
// Close-to-open, as NFS: opening a file asks the host whether it is still as it was (qid.version) and forgets
// cached pages when it is not; closing it (and the last mapping of it), fsync and msync write back. Between
// these neither side sees the other's changes for sure. Attributes of names in use are asked for again after
// a second.
#pragma once

#include "guest/fs/inode.h"

namespace kernel {

/// The share with that tag. ENODEV.
KResult<RefPtr<FileSystem>> make_ninep_fs(StringView tag);

}  // namespace kernel
