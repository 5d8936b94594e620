// The tree of a 9P share as a LowerFile: a root file system of the host's, of which no change reaches the
// host.
#pragma once

#include "guest/fs/lower.h"

namespace kernel {

/// The root of the share with that tag. ENODEV.
KResult<RefPtr<LowerFile>> ninep_lower_root(StringView tag);

}  // namespace kernel
