// Failures in the supervisor at the host's wish: its k-th allocation or transfer from now on
// (quire/arch/injection.h).
#pragma once

#include <cstdint>

#include "quire/arch/injection.h"
#include "quire/fault.h"
#include "quire/machine.h"

namespace quire {

/// Error(kUsage) for a machine without the supervisor, or whose supervisor is not up.
void fail_in_guest(Machine& machine, arch::FailTarget target, const FaultTimes& times);
/// Whether what fail_in_guest() asked for has come: false as long as it waits.
bool has_failed_in_guest(Machine& machine, arch::FailTarget target);

}  // namespace quire
