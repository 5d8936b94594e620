// What the guest finds in RAM at its first instruction: firmware, kernel, initrd, device tree.
//
// Made once and checked whole; install() can then put it there at every power-on. Nothing overlaps anything.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emu/machine/framebuffer.h"
#include "emu/machine/kernel_image.h"
#include "emu/machine/ram_layout.h"
#include "emu/mem/ram.h"
#include "quire/config.h"

namespace quire {

class BootPlan {
 public:
  /// Keeps spans into `config`, which outlives it. Error(kFile) for a bad kernel, Error(kUsage) when things
  /// do not fit.
  BootPlan(const Config& config, unsigned virtio_slots);

  /// Precondition: `ram` has the size of the config, and is all zero.
  void install(Ram& ram) const;

  u64 entry() const { return firmware_ ? firmware_->entry : kernel_.entry; }
  /// Where OpenSBI's fw_dynamic finds what comes after it, for a2; 0 without firmware.
  u64 dynamic_info_address() const { return dynamic_info_address_; }
  u64 device_tree_address() const { return device_tree_address_; }
  std::span<const u8> device_tree() const { return device_tree_; }
  const KernelImage& kernel() const { return kernel_; }
  const std::optional<Framebuffer>& framebuffer() const { return framebuffer_; }

 private:
  void place_images(RamLayout& layout, const Config& config);

  std::optional<KernelImage> firmware_;
  KernelImage kernel_;  ///< without segments when there is none
  std::optional<Framebuffer> framebuffer_;
  std::span<const u8> initrd_;
  u64 initrd_address_ = 0;
  std::vector<u8> device_tree_;
  u64 device_tree_address_ = 0;
  u64 dynamic_info_address_ = 0;
};

}  // namespace quire
