// virtio over MMIO, version 2 (virtio 1.2, 4.2): registers, negotiation, queue setup, interrupts.
//
// A driver that breaks a rule the device must rely on gets DEVICE_NEEDS_RESET (2.1.2), and the device
// does nothing more until it is reset. Requests are answered within the notifying store, up to what the
// budget of work allows (work_budget.h); the rest waits for an event. Invariant: outside of a call the
// line equals "InterruptStatus is not zero".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emu/base/types.h"
#include "emu/devices/virtio_device.h"
#include "emu/devices/virtqueue.h"
#include "emu/devices/work_budget.h"
#include "quire/device.h"

namespace quire {

class VirtioMmio final : public Device {
 public:
  VirtioMmio(std::unique_ptr<VirtioDevice> device, Dma& dma, IrqLine& irq, Clock& clock);
  ~VirtioMmio() override;
  VirtioMmio(const VirtioMmio&) = delete;
  VirtioMmio& operator=(const VirtioMmio&) = delete;

  std::string_view name() const override { return device_->name(); }
  void reset() override;
  void transfer(StateArchive& archive) override;
  std::string unsaveable() const override { return device_->unsaveable(); }
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

  // For the device type.

  /// Whether the driver accepted `feature`.
  bool has_feature(u64 feature) const { return (driver_features_ & feature) != 0; }
  /// DRIVER_OK, and nothing broken.
  bool live() const;
  /// Chains that wait in `queue`; 0 unless it is live and set up.
  u32 pending(u32 queue);
  /// Answers what waits in `queue` (Virtqueue::serve), and interrupts. When the budget is spent first, the
  /// device is notified of the queue again once there is more.
  void serve(u32 queue, const Virtqueue::Handler& handler);
  /// To be called for work in proportion to what the guest asked, each chain's own cost aside: bytes moved,
  /// or what takes the host as long.
  void spend(u64 bytes) { budget_.spend(bytes); }
  /// Whether a handler may go on with a long chain; else it notes Chain::done_bytes and answers nullopt.
  bool may_go_on() { return budget_.open(); }
  Dma& dma() { return dma_; }

  /// Why the device needs a reset; empty when it does not.
  std::string_view failure() const { return failure_; }
  /// What went wrong since power-on, for people: the rule a driver broke, or what the host refused; one line,
  /// or empty.
  std::string trouble() const;

 private:
  struct Queue {
    explicit Queue(Dma& dma) : ring(dma) {}
    Virtqueue::Setup setup;
    Virtqueue ring;
    std::optional<Clock::EventId> resumption;
  };

  u64 offered_features() const;
  Queue* selected();
  void driver_reset();
  u32 read_register(u32 offset);
  u64 read_config(u64 offset, unsigned size) const;
  void write_register(u32 offset, u32 value);
  void write_status(u32 value);
  void write_driver_features(u32 value);
  void write_queue_setup(u32 offset, u32 value);
  void write_queue_ready(u32 value);
  void resume_later(u32 queue);
  void resume(u32 queue);
  void cancel_resumptions();
  void raise(arch::virtio::InterruptBit cause);
  void fail(QueueError error);

  std::unique_ptr<VirtioDevice> device_;
  Dma& dma_;
  IrqLine& irq_;
  Clock& clock_;
  WorkBudget budget_;
  std::vector<Queue> queues_;
  u32 status_ = 0;
  u32 interrupt_status_ = 0;
  u32 device_features_sel_ = 0;
  u32 driver_features_sel_ = 0;
  u64 driver_features_ = 0;
  u32 queue_sel_ = 0;
  std::string failure_;
  std::string first_failure_;  ///< since power-on; outlives the driver's resets
};

}  // namespace quire
