// Refusing settings no machine can have, before anything is made.
#pragma once

#include "quire/config.h"

namespace quire {

/// Error(kUsage) that names the setting, its value and what is possible.
void check_config(const Config& config);

}  // namespace quire
