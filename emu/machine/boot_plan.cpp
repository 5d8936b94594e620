#include "emu/machine/boot_plan.h"

#include <fmt/format.h>

#include "emu/machine/device_tree.h"
#include "emu/machine/device_tree_file.h"
#include "emu/machine/isa_string.h"
#include "emu/machine/ram_layout.h"
#include "quire/arch/memmap.h"
#include "quire/error.h"

namespace quire {
namespace {

// Linux wants the tree inside one 2 MiB page of its early mapping.
constexpr u64 kDeviceTreeAlignment = u64{2} << 20;

/// OpenSBI, include/sbi/fw_dynamic.h, version 2.
struct DynamicInfo {
  u64 magic = 0x4942'534f;  // "OSBI"
  u64 version = 2;
  u64 next_address = 0;
  u64 next_mode = 1;  // S
  u64 options = 0;
  u64 boot_hart = 0;
};
static_assert(sizeof(DynamicInfo) == 48);

u64 place(RamLayout& layout, u64 size, u64 alignment, const char* what, const Config& config) {
  const auto address = layout.place_top(size, alignment);
  if (!address) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the {} ({} bytes) does not fit beside the kernel in {} MiB of RAM; give it more",
                            what, size, config.ram_bytes >> 20));
  }
  return *address;
}

KernelImage parse_kernel_of(const Config& config) {
  if (config.kernel.empty()) {
    return {};
  }
  return parse_kernel(config.kernel, config.kernel_name.empty() ? "kernel" : config.kernel_name,
                      {kRamBase, config.ram_bytes},
                      config.mode == BootMode::kBare ? RawKernel::kRefused : RawKernel::kTaken);
}

std::optional<KernelImage> parse_firmware_of(const Config& config) {
  if (config.mode != BootMode::kFirmware) {
    return std::nullopt;
  }
  return parse_firmware(config.firmware, config.firmware_name.empty() ? "firmware" : config.firmware_name,
                        {kRamBase, config.ram_bytes});
}

bool overlap(const ImageSegment& a, const ImageSegment& b) {
  return a.address < b.address + b.memory_bytes && b.address < a.address + a.memory_bytes;
}

void check_apart(const KernelImage& firmware, const KernelImage& kernel, const Config& config) {
  for (const ImageSegment& a : firmware.segments) {
    for (const ImageSegment& b : kernel.segments) {
      if (overlap(a, b)) {
        throw Error(
            ErrorKind::kFile,
            fmt::format("{}: its part at {:#x} overlaps the firmware's at {:#x} ({}); firmware expects a "
                        "kernel at {:#x}",
                        config.kernel_name, b.address, a.address, config.firmware_name,
                        kRamBase + kRawKernelOffset));
      }
    }
  }
}

}  // namespace

BootPlan::BootPlan(const Config& config, unsigned virtio_slots)
    : firmware_(parse_firmware_of(config)), kernel_(parse_kernel_of(config)), initrd_(config.initrd) {
  RamLayout layout(kRamBase, config.ram_bytes);
  place_images(layout, config);
  DeviceTreeInputs inputs{.ram_bytes = config.ram_bytes,
                          .command_line = config.command_line,
                          .initrd = std::nullopt,
                          .seed = config.seed,
                          .virtio_slots = virtio_slots,
                          .extensions = parse_isa(config.isa),
                          .framebuffer = std::nullopt,
                          .added = place_added_devices(config)};
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
  device_tree_ = config.device_tree.empty()
                     ? build_device_tree(inputs)
                     : complete_device_tree(config.device_tree, config.device_tree_name, inputs);
  device_tree_address_ = place(layout, device_tree_.size(), kDeviceTreeAlignment, "device tree", config);
  if (firmware_) {
    dynamic_info_address_ = place(layout, sizeof(DynamicInfo), kPageBytes, "firmware's information", config);
  }
}

void BootPlan::place_images(RamLayout& layout, const Config& config) {
  for (const ImageSegment& segment : kernel_.segments) {
    layout.reserve(segment.address, segment.memory_bytes);
  }
  if (firmware_) {
    check_apart(*firmware_, kernel_, config);
    for (const ImageSegment& segment : firmware_->segments) {
      layout.reserve(segment.address, segment.memory_bytes);
    }
    // A raw image does not say how much memory it uses beyond itself.
    layout.reserve(kRamBase, kRawKernelOffset);
  }
}

void BootPlan::install(Ram& ram) const {
  const auto put = [&ram](const KernelImage& image) {
    for (const ImageSegment& segment : image.segments) {
      ram.write(PhysAddr(segment.address), segment.contents);
    }
  };
  put(kernel_);
  if (firmware_) {
    put(*firmware_);
    DynamicInfo info;
    info.next_address = kernel_.segments.empty() ? kRamBase + kRawKernelOffset : kernel_.entry;
    ram.write(PhysAddr(dynamic_info_address_), {reinterpret_cast<const u8*>(&info), sizeof info});
  }
  if (!initrd_.empty()) {
    ram.write(PhysAddr(initrd_address_), initrd_);
  }
  ram.write(PhysAddr(device_tree_address_), device_tree_);
}

}  // namespace quire
