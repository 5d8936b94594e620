// The DMA engine (quire/arch/dma_engine.h, docs/dma-engine.md).
//
// Invariant: an event is scheduled exactly while the engine is busy; the line equals "interrupts enabled, and
// done or error".
#pragma once

#include <optional>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/dma_engine.h"
#include "quire/state_archive.h"

namespace quire {

class DmaEngine final : public Device {
 public:
  DmaEngine(Clock& clock, Dma& dma, IrqLine& irq);
  ~DmaEngine() override;
  DmaEngine(const DmaEngine&) = delete;
  DmaEngine& operator=(const DmaEngine&) = delete;

  std::string_view name() const override { return "dma"; }
  void reset() override;
  void transfer(StateArchive& archive) override;
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

 private:
  bool busy() const { return (status_ & arch::kDmaBusy) != 0; }
  u64 read_register(u64 reg) const;
  void write_register(u64 reg, u64 value, u64 written);
  void control(u64 value);
  void start();
  void stop(u64 outcome);
  void schedule_burst(u64 delay_ns);
  void copy_burst();
  void cancel_burst();
  u64 burst_bytes() const;
  void update_line();

  Clock& clock_;
  Dma& dma_;
  IrqLine& irq_;
  u64 source_ = 0;
  u64 destination_ = 0;
  u64 length_ = 0;
  u64 status_ = 0;
  u64 copied_ = 0;
  u64 fault_ = 0;
  bool interrupt_enabled_ = false;
  std::optional<Clock::EventId> event_;  ///< the burst under way
  std::vector<u8> buffer_;               ///< scratch
};

}  // namespace quire
