// The engines that this build and host have, and which of them runs a machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "emu/hart/engine.h"
#include "emu/hart/hart.h"
#include "quire/config.h"

namespace quire {

/// Throws Error(kUsage), with all names there are, for one of EngineConfig::off that there is not. Without a
/// translator any will do.
void check_switches(const std::vector<std::string>& off);

struct ChosenEngine {
  std::unique_ptr<HartEngine> engine;
  EngineKind kind;      ///< which one it is; never kAuto
  std::string instead;  ///< of kAuto: why it is not the translator; empty: it is, or was not asked for
};

/// Throws Error(kUsage) for one that there is not, Error(kInternal) where the host gives the translator no
/// memory; kAuto never throws.
ChosenEngine make_engine(const EngineConfig& config, Hart& hart);

}  // namespace quire
