// Goldfish real-time clock: nanoseconds since 1970, and one alarm.
//
// Registers of the Android emulator's "goldfish RTC" (32 bits each); the time is the virtual clock's
// plus an offset the guest may set. Invariant: while the alarm is armed its event is scheduled; the
// line equals "alarm fired and interrupts enabled".
#pragma once

#include <optional>

#include "emu/base/types.h"
#include "quire/state_archive.h"

namespace quire {

class GoldfishRtc final : public Device {
 public:
  /// `epoch_ns`: what the clock shows at virtual time 0.
  GoldfishRtc(Clock& clock, IrqLine& irq, u64 epoch_ns);

  std::string_view name() const override { return "rtc"; }
  void reset() override;
  void transfer(StateArchive& archive) override;
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

 private:
  u64 now_ns() const { return clock_.now_ns() + offset_ns_; }
  void set_time(u64 time_ns);
  void arm(u64 alarm_ns);
  void disarm();
  void fire();
  void update_irq();

  Clock& clock_;
  IrqLine& irq_;
  const u64 epoch_ns_;
  u64 offset_ns_ = 0;     ///< shown time minus virtual time, modulo 2^64
  u32 latched_high_ = 0;  ///< upper half, taken when the lower was read
  u32 alarm_high_ = 0;    ///< written, waiting for the lower half
  u64 alarm_ns_ = 0;
  bool irq_enabled_ = false;
  bool irq_pending_ = false;
  std::optional<Clock::EventId> event_;  ///< armed
};

}  // namespace quire
