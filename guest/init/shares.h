// Mounts the shares of the host that the mount file names (quire/arch/bootinfo.h).
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"
#include "guest/lib/vector.h"

namespace kernel {

/// One line of the mount file.
struct ShareMount {
  enum class Kind : u8 { kRoot, kShare } kind;
  bool writable;
  StringView tag;
  StringView path;  ///< kShare: where
};

/// Views into `bytes`. EINVAL. Pure.
KResult<Vector<ShareMount>> parse_mount_file(ConstByteSpan bytes);

/// Puts the root among `mounts`, if there is one, over the name tree as it is.
KResult<void> mount_share_root(const Vector<ShareMount>& mounts);
/// Mounts the others, on directories that are made where they are missing.
KResult<void> mount_shares(const Vector<ShareMount>& mounts);

}  // namespace kernel
