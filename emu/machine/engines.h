// The engines that this build and host have.
#pragma once

#include <memory>

#include "emu/hart/engine.h"
#include "emu/hart/hart.h"
#include "quire/config.h"

namespace quire {

/// Throws Error(kUsage) for one that there is not.
std::unique_ptr<HartEngine> make_engine(const EngineConfig& config, Hart& hart);

}  // namespace quire
