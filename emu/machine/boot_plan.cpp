#include "emu/machine/boot_plan.h"

#include <fmt/format.h>

#include "emu/machine/device_tree.h"
#include "emu/machine/isa_string.h"
#include "emu/machine/ram_layout.h"
#include "quire/arch/memmap.h"
#include "quire/error.h"

namespace quire {
namespace {

// Linux wants the tree inside one 2 MiB page of its early mapping.
constexpr u64 kDeviceTreeAlignment = u64{2} << 20;

u64 place(RamLayout& layout, u64 size, u64 alignment, const char* what, const Config& config) {
  const auto address = layout.place_top(size, alignment);
  if (!address) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the {} ({} bytes) does not fit beside the kernel in {} MiB of RAM; give it more",
                            what, size, config.ram_bytes >> 20));
  }
  return *address;
}

}  // namespace

BootPlan::BootPlan(const Config& config, unsigned virtio_slots)
    : kernel_(parse_kernel(config.kernel, config.kernel_name.empty() ? "kernel" : config.kernel_name,
                           {kRamBase, config.ram_bytes})),
      initrd_(config.initrd) {
  RamLayout layout(kRamBase, config.ram_bytes);
  for (const ImageSegment& segment : kernel_.segments) {
    layout.reserve(segment.address, segment.memory_bytes);
  }
  DeviceTreeInputs inputs{.ram_bytes = config.ram_bytes,
                          .command_line = config.command_line,
                          .initrd = std::nullopt,
                          .seed = config.seed,
                          .virtio_slots = virtio_slots,
                          .extensions = parse_isa(config.isa),
                          .framebuffer = std::nullopt};
  if (config.screen) {
    framebuffer_ = Framebuffer{.address = 0, .size = *config.screen};
    const u64 size_bytes = arch::align_up(framebuffer_->size_bytes(), kFramebufferAlignment);
    framebuffer_->address = place(layout, size_bytes, kFramebufferAlignment, "screen", config);
    inputs.framebuffer = framebuffer_;
  }
  if (!initrd_.empty()) {
    initrd_address_ = place(layout, initrd_.size(), kPageBytes, "initrd", config);
    inputs.initrd = InitrdRange{initrd_address_, initrd_address_ + initrd_.size()};
  }
  device_tree_ = build_device_tree(inputs);
  device_tree_address_ = place(layout, device_tree_.size(), kDeviceTreeAlignment, "device tree", config);
}

void BootPlan::install(Ram& ram) const {
  for (const ImageSegment& segment : kernel_.segments) {
    ram.write(PhysAddr(segment.address), segment.contents);
  }
  if (!initrd_.empty()) {
    ram.write(PhysAddr(initrd_address_), initrd_);
  }
  ram.write(PhysAddr(device_tree_address_), device_tree_);
}

}  // namespace quire
