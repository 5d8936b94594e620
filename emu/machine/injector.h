// Injector: the faults that wait in a machine (quire/fault.h), and who asks for them.
//
// Invariant: a layer knows of it exactly while a fault of that layer's waits; so a machine without faults
// pays for null pointers. A fault that is over is not kept: two machines that behave alike from here on hold
// the same.
#pragma once

#include <vector>

#include "emu/base/fault_times.h"
#include "emu/devices/faults.h"
#include "emu/hart/hart.h"
#include "emu/mem/faults.h"
#include "quire/fault.h"
#include "quire/state_archive.h"

namespace quire {

class Board;

class Injector final : private MmuFaults, private BusFaults, private IrqFaults, private BlkFaults {
 public:
  Injector(Hart& hart, Board& board) : hart_(hart), board_(board) {}
  ~Injector() override = default;
  Injector(const Injector&) = delete;
  Injector& operator=(const Injector&) = delete;

  /// Error(kUsage) for a place that the machine has not.
  void arm(const ArmedFault& fault);
  void disarm();
  usize armed();
  /// How often one has made a difference since the first was armed after disarm() or a restored state.
  u64 fired() const { return fired_; }

  /// Whether bits are held: instructions then run one by one, with hold() between them.
  bool holds();
  void hold();

  /// Asked when a line of the hart rises. Whether it does not.
  bool loses_interrupt(Interrupt line);

  void transfer(StateArchive& archive);

 private:
  using Kind = ArmedFault::Kind;
  struct Armed {
    ArmedFault fault;
    FaultCounter counter;
  };

  bool loses_fence() override;
  u64 altered(PhysAddr address, u64 value) override;
  bool loses_irq(unsigned source) override;
  std::optional<BlkFault> fault_of(unsigned drive, BlkOperation operation) override;

  void check(const ArmedFault& fault) const;
  bool is_over(const Armed& armed) const;
  void forget_what_is_over();
  void install();
  bool any(Kind first, Kind last) const;
  template <class Concerns>
  const ArmedFault* next_of(Concerns&& concerns);
  void hold(const ArmedFault& fault);
  void hold_ram(const ArmedFault& fault);

  Hart& hart_;
  Board& board_;
  std::vector<Armed> armed_;
  u64 fired_ = 0;
};

}  // namespace quire
