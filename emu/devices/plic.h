// PLIC: routes the board's interrupt lines to the harts' external interrupts.
//
// RISC-V PLIC specification 1.0.0. Sources are level-triggered; contexts are hart 0 M, hart 0 S,
// hart 1 M ... Invariant: a source is never pending while one of its requests is in service
// (claimed and not completed), and each context's line equals "some enabled pending source has a
// priority above the threshold".
#pragma once

#include <array>
#include <bitset>
#include <memory>
#include <vector>

#include "emu/base/types.h"
#include "emu/devices/faults.h"
#include "quire/arch/memmap.h"
#include "quire/state_archive.h"

namespace quire {

class Plic final : public Device {
 public:
  /// One line a context, in the order of contexts; not owned.
  explicit Plic(const std::vector<IrqLine*>& contexts);

  std::string_view name() const override { return "plic"; }
  void reset() override;
  void transfer(StateArchive& archive) override;
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

  /// The input of source `id`, 1..kPlicSources. Lives as long as the PLIC.
  IrqLine& source(unsigned id);

  /// Null: nothing goes wrong.
  void set_faults(IrqFaults* faults) { faults_ = faults; }
  /// A request that no device made: the source is pending, unless one of its requests is in service.
  void raise_spurious(unsigned id);

  static constexpr u32 kMaxPriority = 7;

 private:
  class Source final : public IrqLine {
   public:
    Source(Plic& plic, unsigned id) : plic_(plic), id_(id) {}
    void set(bool asserted) override { plic_.set_level(id_, asserted); }

   private:
    Plic& plic_;
    unsigned id_;
  };
  using SourceSet = std::bitset<kPlicSources + 1>;  ///< bit 0, "no interrupt", is never set
  struct Context {
    IrqLine* line = nullptr;
    SourceSet enabled;
    u32 threshold = 0;
  };

  void set_level(unsigned id, bool asserted);
  void update();
  unsigned best_source(const Context& context, u32 above_priority) const;
  u32 claim(const Context& context);
  void complete(const Context& context, u32 id);

  std::vector<std::unique_ptr<Source>> sources_;  ///< by id - 1
  std::vector<Context> contexts_;
  std::array<u32, kPlicSources + 1> priority_{};
  SourceSet level_;
  SourceSet pending_;
  SourceSet in_service_;
  IrqFaults* faults_ = nullptr;
};

}  // namespace quire
