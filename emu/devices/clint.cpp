#include "emu/devices/clint.h"

#include "quire/arch/memmap.h"

namespace quire {

namespace {

constexpr u64 kMsipBase = 0x0;
constexpr u64 kTimecmpBase = 0x4000;
constexpr u64 kTimeBase = 0xbff8;

/// The register after a write of `size` bytes to it; `offset` is the byte within.
u64 merge(u64 old, u64 offset, unsigned size, u64 value) {
  if (size == 8) {
    return value;
  }
  const unsigned shift = static_cast<unsigned>(offset) * 8;
  const u64 mask = u64{0xffff'ffff} << shift;
  return (old & ~mask) | ((value << shift) & mask);
}

u64 extract(u64 whole, u64 offset, unsigned size) {
  return size == 8 ? whole : static_cast<u32>(whole >> (offset * 8));
}

}  // namespace

Clint::Clint(Clock& clock, const std::vector<ClintLines>& lines) : clock_(clock) {
  for (const ClintLines& hart_lines : lines) {
    Hart& hart = harts_.emplace_back();
    hart.lines = hart_lines;
    hart.machine.line = hart_lines.timer;
  }
  reset();
}

void Clint::reset() {
  for (Hart& hart : harts_) {
    hart.software_pending = false;
    hart.lines.software->set(false);
    // The specification leaves mtimecmp open at reset; "never" spares firmware a spurious interrupt.
    hart.machine.compare = ~u64{0};
  }
  for (unsigned hart = 0; hart < harts_.size(); ++hart) set_supervisor_compare(hart, {});
  set_time(0);
}

u64 Clint::clock_ticks() const { return clock_.now_ns() / kNanosecondsPerTick; }

u64 Clint::time() const { return clock_ticks() + time_offset_; }

void Clint::set_time(u64 ticks) {
  time_offset_ = ticks - clock_ticks();
  for (Hart& hart : harts_) {
    update(hart.machine);
    if (hart.supervisor) {
      update(*hart.supervisor);
    }
  }
}

void Clint::set_supervisor_compare(unsigned hart_index, std::optional<u64> ticks) {
  Hart& hart = harts_[hart_index];
  if (hart.lines.supervisor_timer == nullptr) {
    return;
  }
  if (hart.supervisor) {
    cancel(*hart.supervisor);
  }
  if (!ticks) {
    hart.supervisor.reset();
    hart.lines.supervisor_timer->set(false);
    return;
  }
  hart.supervisor = Comparator{.line = hart.lines.supervisor_timer, .compare = *ticks};
  update(*hart.supervisor);
}

void Clint::cancel(Comparator& comparator) {
  if (comparator.event) {
    clock_.cancel(*comparator.event);
    comparator.event.reset();
  }
}

void Clint::update(Comparator& comparator) {
  cancel(comparator);
  const u64 now = time();
  const bool due = now >= comparator.compare;
  comparator.line->set(due);
  if (due) {
    return;
  }
  const u64 ticks_left = comparator.compare - now;
  if (ticks_left > ~u64{0} / kNanosecondsPerTick - clock_ticks()) {
    return;  // beyond the end of virtual time
  }
  const u64 deadline_ns = (clock_ticks() + ticks_left) * kNanosecondsPerTick;
  comparator.event = clock_.schedule(deadline_ns, [this, &comparator] { fire(comparator); });
}

void Clint::fire(Comparator& comparator) {
  comparator.event.reset();
  update(comparator);
}

u64 Clint::read(u64 offset, unsigned size) {
  if (size < 4) {
    return 0;
  }
  if (offset >= kTimeBase) {
    return offset < kTimeBase + 8 ? extract(time(), offset - kTimeBase, size) : 0;
  }
  if (offset >= kTimecmpBase) {
    const u64 index = (offset - kTimecmpBase) / 8;
    return index < harts_.size() ? extract(harts_[index].machine.compare, offset % 8, size) : 0;
  }
  const u64 index = (offset - kMsipBase) / 4;
  return size == 4 && index < harts_.size() ? harts_[index].software_pending : 0;
}

void Clint::write(u64 offset, unsigned size, u64 value) {
  if (size < 4) {
    return;
  }
  if (offset >= kTimeBase) {
    if (offset < kTimeBase + 8) {
      set_time(merge(time(), offset - kTimeBase, size, value));
    }
    return;
  }
  if (offset >= kTimecmpBase) {
    const u64 index = (offset - kTimecmpBase) / 8;
    if (index < harts_.size()) {
      Hart& hart = harts_[index];
      hart.machine.compare = merge(hart.machine.compare, offset % 8, size, value);
      update(hart.machine);
    }
    return;
  }
  const u64 index = (offset - kMsipBase) / 4;
  if (size == 4 && index < harts_.size()) {
    Hart& hart = harts_[index];
    hart.software_pending = (value & 1) != 0;
    hart.lines.software->set(hart.software_pending);
  }
}

void Clint::transfer(StateArchive& archive) {
  archive(time_offset_);
  for (Hart& hart : harts_) {
    bool has_supervisor = hart.supervisor.has_value();
    archive(hart.software_pending, has_supervisor);
    if (archive.loading()) {
      hart.supervisor.reset();
      if (has_supervisor) {
        hart.supervisor.emplace(Comparator{.line = hart.lines.supervisor_timer});
      }
    }
    transfer(archive, hart.machine);
    if (hart.supervisor) {
      transfer(archive, *hart.supervisor);
    }
  }
}

void Clint::transfer(StateArchive& archive, Comparator& comparator) {
  archive(comparator.compare);
  archive.event(clock_, comparator.event, [this, &comparator] { fire(comparator); });
}

}  // namespace quire
