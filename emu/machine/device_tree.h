// The device tree the guest boots with: a description of exactly the board that runs.
//
// Bindings are the Devicetree Specification v0.4 and Linux's documented ones, laid out as QEMU's `virt` board
// has them, so that software written for that board finds the same nodes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "emu/isa/extension.h"
#include "emu/machine/added_devices.h"
#include "emu/machine/framebuffer.h"

namespace quire {

struct InitrdRange {
  std::uint64_t start;
  std::uint64_t end;
};

struct DeviceTreeInputs {
  std::uint64_t ram_bytes;
  std::string command_line;
  std::optional<InitrdRange> initrd;
  std::uint64_t seed;     ///< /chosen/rng-seed is derived from it
  unsigned virtio_slots;  ///< the first so many are plugged
  ExtensionSet extensions = kDefaultExtensions;
  std::optional<Framebuffer> framebuffer = std::nullopt;
  std::vector<PlacedDevice> added = {};
};

/// The flattened tree.
std::vector<std::uint8_t> build_device_tree(const DeviceTreeInputs& inputs);

}  // namespace quire
