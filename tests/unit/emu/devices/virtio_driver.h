// A driver as small as the specification allows, to drive a device through its registers and rings.
#pragma once

#include <vector>

#include "emu/devices/virtio_mmio.h"
#include "quire/arch/virtio.h"
#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {

namespace vio = arch::virtio;

struct DriverQueue {
  u32 size = 0;
  u64 desc = 0, avail = 0, used = 0;
  u16 next_desc = 0;
  u16 used_seen = 0;
};

class VirtioDriver {
 public:
  VirtioDriver(VirtioMmio& device, FakeRam& ram) : device_(device), ram_(ram) {}

  u32 reg(u32 offset) { return static_cast<u32>(device_.read(offset, 4)); }
  void set_reg(u32 offset, u32 value) { device_.write(offset, 4, value); }

  u64 offered() {
    set_reg(vio::kRegDeviceFeaturesSel, 0);
    const u64 low = reg(vio::kRegDeviceFeatures);
    set_reg(vio::kRegDeviceFeaturesSel, 1);
    return low | u64{reg(vio::kRegDeviceFeatures)} << 32;
  }
  /// Reset to FEATURES_OK; true when it stuck.
  bool negotiate(u64 features) {
    set_reg(vio::kRegStatus, 0);
    set_reg(vio::kRegStatus, vio::kStatusAcknowledge);
    set_reg(vio::kRegStatus, vio::kStatusAcknowledge | vio::kStatusDriver);
    for (u32 half = 0; half < 2; ++half) {
      set_reg(vio::kRegDriverFeaturesSel, half);
      set_reg(vio::kRegDriverFeatures, static_cast<u32>(features >> (32 * half)));
    }
    set_reg(vio::kRegStatus, vio::kStatusAcknowledge | vio::kStatusDriver | vio::kStatusFeaturesOk);
    return (reg(vio::kRegStatus) & vio::kStatusFeaturesOk) != 0;
  }
  void set_up(u32 index, u32 size) {
    if (queues.size() <= index) {
      queues.resize(index + 1);
    }
    DriverQueue& queue = queues[index];
    queue = {.size = size};
    queue.desc = allocate(vio::desc_table_bytes(size));
    queue.avail = allocate(vio::avail_ring_bytes(size));
    queue.used = allocate(vio::used_ring_bytes(size));
    write_setup(index);
  }
  void write_setup(u32 index) {
    const DriverQueue& queue = queues[index];
    set_reg(vio::kRegQueueSel, index);
    set_reg(vio::kRegQueueNum, queue.size);
    set_address(vio::kRegQueueDescLow, queue.desc);
    set_address(vio::kRegQueueDriverLow, queue.avail);
    set_address(vio::kRegQueueDeviceLow, queue.used);
    set_reg(vio::kRegQueueReady, 1);
  }
  void go() { set_reg(vio::kRegStatus, reg(vio::kRegStatus) | vio::kStatusDriverOk); }

  /// Zeroed guest memory, page-aligned.
  u64 allocate(u64 len_bytes) {
    const u64 address = next_free_;
    next_free_ += (len_bytes + 4095) & ~u64{4095};
    return address;
  }

  void put_desc(u32 index, u16 slot, const vio::Desc& desc) {
    ram_.put(queues[index].desc + slot * sizeof(vio::Desc), desc);
  }
  void make_available(u32 index, u16 head) {
    DriverQueue& queue = queues[index];
    const u16 idx = ram_.get<u16>(queue.avail + 2);
    ram_.put<u16>(queue.avail + 4 + (idx % queue.size) * 2, head);
    ram_.put<u16>(queue.avail + 2, static_cast<u16>(idx + 1));
  }
  /// Chains `parts` (flags: kDescWrite or 0) and makes them available; gives the head.
  u16 submit(u32 index, const std::vector<vio::Desc>& parts) {
    DriverQueue& queue = queues[index];
    const u16 head = queue.next_desc;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      vio::Desc desc = parts[i];
      const u16 slot = queue.next_desc;
      queue.next_desc = static_cast<u16>((slot + 1) % queue.size);
      if (i + 1 < parts.size()) {
        desc.flags |= vio::kDescNext;
        desc.next = queue.next_desc;
      }
      put_desc(index, slot, desc);
    }
    make_available(index, head);
    return head;
  }
  void notify(u32 index) { set_reg(vio::kRegQueueNotify, index); }

  u16 used_idx(u32 index) { return ram_.get<u16>(queues[index].used + 2); }
  vio::UsedElem used(u32 index, u16 at) {
    return ram_.get<vio::UsedElem>(queues[index].used + 4 +
                                   (at % queues[index].size) * sizeof(vio::UsedElem));
  }
  bool broken() { return (reg(vio::kRegStatus) & vio::kStatusDeviceNeedsReset) != 0; }

  std::vector<DriverQueue> queues;

 private:
  void set_address(u32 low_register, u64 address) {
    set_reg(low_register, static_cast<u32>(address));
    set_reg(low_register + 4, static_cast<u32>(address >> 32));
  }

  VirtioMmio& device_;
  FakeRam& ram_;
  u64 next_free_ = FakeRam::kBase;
};

}  // namespace quire::testing
