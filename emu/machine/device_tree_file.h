// A device tree that the user brings: checked, and completed with what only this run knows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "emu/machine/device_tree.h"

namespace quire {

/// `file` with the command line (if there is one) and the initrd of `inputs` in /chosen; all else stays as it
/// is. Error(kFile) that names the file when it is no sound flattened device tree.
std::vector<std::uint8_t> complete_device_tree(std::span<const std::uint8_t> file, const std::string& name,
                                               const DeviceTreeInputs& inputs);

}  // namespace quire
