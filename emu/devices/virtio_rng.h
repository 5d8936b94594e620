// virtio entropy device (virtio 1.2, 5.4): a seeded generator, so that runs repeat.
//
// Invariant: the bytes are a function of the seed and of how many were given before.
#pragma once

#include "emu/base/types.h"
#include "emu/devices/virtio_device.h"
#include "emu/devices/virtqueue.h"
#include "quire/arch/random.h"

namespace quire {

class VirtioRng final : public VirtioDevice {
 public:
  explicit VirtioRng(u64 seed) : seed_(seed), generator_(seed) {}

  std::string_view name() const override { return "virtio-rng"; }
  arch::virtio::DeviceId id() const override { return arch::virtio::DeviceId::kEntropy; }
  u64 features() const override { return 0; }
  u32 queue_count() const override { return 1; }
  void power_on() override { generator_ = arch::Xoshiro256(seed_); }
  void driver_reset() override {}
  void transfer(StateArchive& archive) override { archive(generator_.state()); }
  void notified(u32 queue) override;

  /// A request is answered with at most this many bytes (5.4.6.2 allows fewer than asked).
  static constexpr u32 kMaxAnswerBytes = 4096;

 private:
  arch::Result<std::optional<u32>, QueueError> answer(const Chain& chain);

  const u64 seed_;
  arch::Xoshiro256 generator_;
};

}  // namespace quire
