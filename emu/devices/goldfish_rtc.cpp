#include "emu/devices/goldfish_rtc.h"

namespace quire {

namespace {

enum Register : u64 {
  kTimeLow = 0x00,  ///< reading it latches the upper half
  kTimeHigh = 0x04,
  kAlarmLow = 0x08,  ///< writing it arms the alarm
  kAlarmHigh = 0x0c,
  kIrqEnabled = 0x10,
  kClearAlarm = 0x14,
  kAlarmStatus = 0x18,
  kClearInterrupt = 0x1c,
};

constexpr u64 join(u64 high, u64 low) { return high << 32 | static_cast<u32>(low); }

}  // namespace

GoldfishRtc::GoldfishRtc(Clock& clock, IrqLine& irq, u64 epoch_ns)
    : clock_(clock), irq_(irq), epoch_ns_(epoch_ns) {
  reset();
}

void GoldfishRtc::reset() {
  disarm();
  offset_ns_ = epoch_ns_;
  latched_high_ = alarm_high_ = 0;
  alarm_ns_ = 0;
  irq_enabled_ = irq_pending_ = false;
  update_irq();
}

void GoldfishRtc::set_time(u64 time_ns) {
  offset_ns_ = time_ns - clock_.now_ns();
  if (event_) {
    arm(alarm_ns_);
  }
}

void GoldfishRtc::arm(u64 alarm_ns) {
  disarm();
  alarm_ns_ = alarm_ns;
  const u64 now = now_ns();
  if (alarm_ns <= now) {
    fire();
    return;
  }
  const u64 clock_now = clock_.now_ns();
  const u64 wait_ns = alarm_ns - now;
  const u64 deadline_ns = wait_ns > ~clock_now ? ~u64{0} : clock_now + wait_ns;
  event_ = clock_.schedule(deadline_ns, [this] { fire(); });
}

void GoldfishRtc::disarm() {
  if (event_) {
    clock_.cancel(*event_);
    event_.reset();
  }
}

void GoldfishRtc::fire() {
  event_.reset();
  irq_pending_ = true;
  update_irq();
}

void GoldfishRtc::update_irq() { irq_.set(irq_pending_ && irq_enabled_); }

u64 GoldfishRtc::read(u64 offset, unsigned size) {
  if (size != 4) {
    return 0;
  }
  switch (offset) {
    case kTimeLow: {
      const u64 now = now_ns();
      latched_high_ = static_cast<u32>(now >> 32);
      return static_cast<u32>(now);
    }
    case kTimeHigh:
      return latched_high_;
    case kAlarmLow:
      return static_cast<u32>(alarm_ns_);
    case kAlarmHigh:
      return alarm_ns_ >> 32;
    case kIrqEnabled:
      return irq_enabled_;
    case kAlarmStatus:
      return event_.has_value();
    default:
      return 0;
  }
}

void GoldfishRtc::write(u64 offset, unsigned size, u64 value) {
  if (size != 4) {
    return;
  }
  switch (offset) {
    case kTimeLow:
      set_time(join(now_ns() >> 32, value));
      break;
    case kTimeHigh:
      set_time(join(value, now_ns()));
      break;
    case kAlarmLow:
      arm(join(alarm_high_, value));
      break;
    case kAlarmHigh:
      alarm_high_ = static_cast<u32>(value);
      break;
    case kIrqEnabled:
      irq_enabled_ = (value & 1) != 0;
      update_irq();
      break;
    case kClearAlarm:
      disarm();
      break;
    case kClearInterrupt:
      irq_pending_ = false;
      update_irq();
      break;
    default:
      break;
  }
}

void GoldfishRtc::transfer(StateArchive& archive) {
  archive(offset_ns_, latched_high_, alarm_high_, alarm_ns_, irq_enabled_, irq_pending_);
  archive.event(clock_, event_, [this] { fire(); });
}

}  // namespace quire
