// Finisher (the SiFive test device): the guest ends or restarts the machine.
//
// Commands in quire/arch/memmap.h. Stateless: what a command does is the machine's affair.
#pragma once

#include <functional>

#include "emu/base/types.h"
#include "quire/state_archive.h"

namespace quire {

class Finisher final : public Device {
 public:
  enum class Action { kPowerOff, kReset };
  /// `status`: 0 for a pass, the guest's 16-bit status for a failure; called from within the store.
  using Handler = std::function<void(Action action, u32 status)>;

  explicit Finisher(Handler handler) : handler_(std::move(handler)) {}

  std::string_view name() const override { return "finisher"; }
  void reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

 private:
  Handler handler_;
};

}  // namespace quire
