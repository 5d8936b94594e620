// Where the devices of Config::devices are on the board.
//
// Invariant: no two devices of the board overlap or share an interrupt, added ones included; places depend on
// the configuration alone.
#pragma once

#include <string>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/memmap.h"
#include "quire/config.h"

namespace quire {

struct PlacedDevice {
  AddedDevice device;
  arch::MemRegion region;
  unsigned irq;
};

/// In the order of `config.devices`: those that name a place have it, the others the first that is free.
/// Error(kUsage) for what cannot be.
std::vector<PlacedDevice> place_added_devices(const Config& config);

/// In one line, for people and to compare; "none" without any.
std::string added_devices_text(const Config& config);

}  // namespace quire
