// Shares as the supervisor is told of them: a 9P device each, and the mount file (quire/arch/bootinfo.h).
#pragma once

#include <string>

#include "quire/config.h"
#include "quire/launch.h"

namespace quire {

/// Empty when there is nothing to mount. Error(kUsage) for a path that cannot be one.
std::string make_mount_file(const GuestMounts& mounts);

/// The devices that the mount file speaks of.
void add_shares(Config& config, const GuestMounts& mounts);

}  // namespace quire
