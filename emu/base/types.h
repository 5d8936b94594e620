// The emulator uses the shared architecture's names (u64, PhysAddr, Exception ...) unqualified.
#pragma once

#include "quire/arch/types.h"

namespace quire {

using namespace arch;  // NOLINT(google-build-using-namespace)

}  // namespace quire
