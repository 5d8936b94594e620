#include "emu/machine/added_devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "quire/arch/bits.h"
#include "quire/arch/sv39.h"
#include "quire/error.h"

namespace quire {
namespace {

using arch::MemRegion;

constexpr u64 kMaxBytes = u64{256} << 20;
constexpr u64 kRegisterBytes = 8;
constexpr usize kMaxNameBytes = 31;
/// Physical addresses are this wide (privileged manual, Sv39).
constexpr u64 kAddressEnd = u64{1} << 56;

/// Where QEMU's `virt` board has devices that are added to it, and their interrupts.
constexpr MemRegion kFreeWindow{0x0400'0000, 0x0200'0000};
constexpr unsigned kFirstFreeIrq = 64;

struct Taken {
  std::string by;
  MemRegion region;
};

u64 end_of(const MemRegion& region) { return region.base + region.size_bytes; }

bool overlap(const MemRegion& a, const MemRegion& b) { return a.base < end_of(b) && b.base < end_of(a); }

/// All virtio slots count, the empty ones too: what is plugged must not move other devices.
std::vector<Taken> own_regions(u64 ram_bytes) {
  return {{"the finisher", arch::kFinisher},
          {"the RTC", arch::kRtc},
          {"the CLINT", arch::kClint},
          {"the PLIC", arch::kPlic},
          {"the UART", arch::kUart},
          {"the virtio slots", {arch::kVirtioFirst.base, arch::kVirtioSlots * arch::kVirtioStride}},
          {"the trace port", arch::kTracePort},
          {"the DMA engine", arch::kDmaEngine},
          {"RAM", {arch::kRamBase, ram_bytes}}};
}

std::string own_irq(unsigned irq) {
  switch (irq) {
    case arch::kUartIrq:
      return "the UART's";
    case arch::kRtcIrq:
      return "the RTC's";
    case arch::kDmaIrq:
      return "the DMA engine's";
    default:
      return irq >= arch::kVirtioFirstIrq && irq < arch::kVirtioFirstIrq + arch::kVirtioSlots
                 ? "a virtio slot's"
                 : "";
  }
}

[[noreturn]] void refuse(const AddedDevice& device, const std::string& why) {
  throw Error(ErrorKind::kUsage, fmt::format("the device '{}' {}", device.name, why));
}

bool is_node_name(std::string_view name) {
  constexpr std::string_view kAlso = ",._+-";
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= kMaxNameBytes && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || kAlso.find(c) != std::string_view::npos;
         });
}

void check_description(const AddedDevice& device) {
  if (!is_node_name(device.name)) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("'{}' is no name for a device: give 1 to {} letters, digits and ,._+-, a letter first",
                    device.name, kMaxNameBytes));
  }
  const auto has_bytes = [](const std::string& text) {
    return !text.empty() && text.find('\0') == std::string::npos;
  };
  if (device.compatible.empty() ||
      !std::all_of(device.compatible.begin(), device.compatible.end(), has_bytes)) {
    refuse(device, "needs to say what it is compatible with, as drivers look for it (\"example,adder\")");
  }
  if (device.size_bytes < kRegisterBytes || device.size_bytes > kMaxBytes ||
      device.size_bytes % kRegisterBytes != 0) {
    refuse(device, fmt::format("cannot be {} bytes large: give a multiple of {}, at most {} MiB",
                               device.size_bytes, kRegisterBytes, kMaxBytes >> 20));
  }
}

/// Places and interrupts as they are given away.
class Places {
 public:
  explicit Places(u64 ram_bytes) : taken_(own_regions(ram_bytes)) {}

  void take_region(const AddedDevice& device, const MemRegion& region) {
    if (region.base % arch::kPageBytes != 0) {
      refuse(device,
             fmt::format("cannot be at {:#x}: give a multiple of {:#x}, so that it can be mapped by pages",
                         region.base, arch::kPageBytes));
    }
    if (region.base >= kAddressEnd || region.size_bytes > kAddressEnd - region.base) {
      refuse(device,
             fmt::format("cannot be at {:#x}: physical addresses end at {:#x}", region.base, kAddressEnd));
    }
    for (const Taken& other : taken_) {
      if (overlap(region, other.region)) {
        refuse(device,
               fmt::format("at {:#x}..{:#x} overlaps {} at {:#x}..{:#x}; give it another address, or none to "
                           "have a free one",
                           region.base, end_of(region), other.by, other.region.base, end_of(other.region)));
      }
    }
    taken_.push_back({fmt::format("the device '{}'", device.name), region});
  }

  MemRegion free_region(const AddedDevice& device) {
    MemRegion region{kFreeWindow.base, device.size_bytes};
    for (;;) {
      const auto in_the_way = std::find_if(taken_.begin(), taken_.end(),
                                           [&](const Taken& other) { return overlap(region, other.region); });
      if (in_the_way == taken_.end()) break;
      region.base = arch::align_up(end_of(in_the_way->region), arch::kPageBytes);
    }
    if (end_of(region) > end_of(kFreeWindow)) {
      refuse(device, fmt::format("finds no {} free bytes below {:#x}; give it an address", device.size_bytes,
                                 end_of(kFreeWindow)));
    }
    taken_.push_back({fmt::format("the device '{}'", device.name), region});
    return region;
  }

  void take_irq(const AddedDevice& device, unsigned irq) {
    const std::string owner = own_irq(irq);
    if (irq == 0 || irq >= arch::kPlicSources) {
      refuse(device, fmt::format("cannot have interrupt {}: there are 1 to {}", irq, arch::kPlicSources - 1));
    }
    if (!owner.empty() || !irqs_.insert(irq).second) {
      refuse(device,
             fmt::format("cannot have interrupt {}, which is {}; give another, or none to have a free one",
                         irq, owner.empty() ? "another added device's" : owner));
    }
  }

  unsigned free_irq(const AddedDevice& device) {
    for (unsigned i = 0; i < arch::kPlicSources; ++i) {
      const unsigned irq = (kFirstFreeIrq + i) % arch::kPlicSources;
      if (irq != 0 && own_irq(irq).empty() && irqs_.insert(irq).second) return irq;
    }
    refuse(device, "finds no interrupt that is free; there are too many devices");
  }

 private:
  std::vector<Taken> taken_;
  std::set<unsigned> irqs_;
};

}  // namespace

std::vector<PlacedDevice> place_added_devices(const Config& config) {
  std::vector<PlacedDevice> placed;
  std::set<std::string> names;
  Places places(config.ram_bytes);
  for (const AddedDevice& device : config.devices) {
    check_description(device);
    if (!names.insert(device.name).second) {
      refuse(device, "is there twice; give each a name of its own");
    }
    placed.push_back({device, {device.base.value_or(0), device.size_bytes}, device.irq.value_or(0)});
    if (device.base) places.take_region(device, placed.back().region);
    if (device.irq) places.take_irq(device, *device.irq);
  }
  // What was asked for comes first, so that its place does not depend on the others'.
  for (PlacedDevice& one : placed) {
    if (!one.device.base) one.region = places.free_region(one.device);
    if (!one.device.irq) one.irq = places.free_irq(one.device);
  }
  return placed;
}

std::string added_devices_text(const Config& config) {
  std::string text;
  for (const PlacedDevice& placed : place_added_devices(config)) {
    text += fmt::format("{}{}@{:x}+{:x} irq {}", text.empty() ? "" : ", ", placed.device.name,
                        placed.region.base, placed.region.size_bytes, placed.irq);
  }
  return text.empty() ? "none" : text;
}

}  // namespace quire
