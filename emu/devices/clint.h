// CLINT: software interrupts and the timer of machine mode, as SiFive laid them out; and the comparator of
// Sstc, which is a CSR of the hart but compares the same mtime.
//
// Register layout of the RISC-V ACLINT specification 1.0-rc4, chapters 2 and 3: MSWI at 0, MTIMER's
// mtimecmp at 0x4000, mtime at 0xbff8. Invariant: outside of a call, each timer line equals
// `mtime >= compare` at the present moment; the clock's event makes it so in between.
#pragma once

#include <optional>
#include <vector>

#include "emu/base/types.h"
#include "quire/state_archive.h"

namespace quire {

/// Where one hart's interrupts go; not owned.
struct ClintLines {
  IrqLine* software;                    ///< MSIP
  IrqLine* timer;                       ///< MTIP
  IrqLine* supervisor_timer = nullptr;  ///< STIP by stimecmp; may be null
};

class Clint final : public Device {
 public:
  /// One entry a hart, hart 0 first.
  Clint(Clock& clock, const std::vector<ClintLines>& lines);

  std::string_view name() const override { return "clint"; }
  void reset() override;
  void transfer(StateArchive& archive) override;
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

  /// mtime, in ticks of kTimebaseHz; also what the `time` CSR reads.
  u64 time() const;

  /// mtime jumps, as a fault of its counter would make it; comparators follow.
  void jump(u64 ticks) { set_time(time() + ticks); }

  /// stimecmp of a hart, in ticks of mtime; empty: Sstc is off, and its line low.
  void set_supervisor_compare(unsigned hart, std::optional<u64> ticks);

 private:
  struct Comparator {
    IrqLine* line = nullptr;
    u64 compare = 0;
    std::optional<Clock::EventId> event = {};
  };
  struct Hart {
    ClintLines lines{};
    bool software_pending = false;
    Comparator machine;
    std::optional<Comparator> supervisor;
  };

  u64 clock_ticks() const;
  void set_time(u64 ticks);
  void cancel(Comparator& comparator);
  void update(Comparator& comparator);
  void fire(Comparator& comparator);
  void transfer(StateArchive& archive, Comparator& comparator);

  Clock& clock_;
  u64 time_offset_ = 0;      ///< mtime minus the clock's ticks, modulo 2^64
  std::vector<Hart> harts_;  // as many for ever: events point into it
};

}  // namespace quire
