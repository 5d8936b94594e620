// The built-in SBI's hands: what its calls do to this machine (emu/machine/sbi/sbi.h).
//
// Takes the place of M-mode firmware: the hart never enters M-mode under it, as all traps that S-mode can
// take are delegated and S-mode's ecalls end here.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "emu/hart/hart.h"
#include "emu/machine/sbi/sbi.h"
#include "emu/mem/bus.h"
#include "quire/byte_stream.h"
#include "quire/state_archive.h"

namespace quire {

class Firmware final : private sbi::SbiPlatform {
 public:
  struct Wiring {
    Hart& hart;
    Bus& bus;
    Clock& clock;
    std::function<u64()> time;  ///< mtime
    std::function<void(sbi::ResetKind, int exit_status)> reset;
    std::shared_ptr<ByteSink> console;
    std::shared_ptr<ByteSource> console_in;
  };
  explicit Firmware(Wiring wiring) : wiring_(std::move(wiring)) {}

  /// As firmware leaves the hart to a kernel; after the hart's own reset.
  void power_on();
  void transfer(StateArchive& archive);
  /// Answers the ecall in the hart's registers; pc is advanced by the caller.
  void handle_call(HartState& state);
  /// Ended itself by hart_stop; with one hart, for ever.
  bool hart_stopped() const { return hart_stopped_; }

 private:
  unsigned hart_count() const override { return 1; }
  u64 machine_id_csr(unsigned number) const override;
  void set_timer(unsigned hart, u64 ticks) override;
  void raise_software_interrupt(unsigned hart) override;
  void fence_i(unsigned hart) override;
  void sfence_vma(unsigned hart, u64 start, u64 size, std::optional<u64> asid) override;
  sbi::HartStatus hart_status(unsigned hart) const override;
  void start_hart(unsigned hart, u64 address, u64 opaque) override;
  void stop_hart(unsigned hart) override;
  void suspend_hart(unsigned hart) override;
  void suspend_hart_and_resume_at(unsigned hart, u64 address, u64 opaque) override;
  void reset(sbi::ResetKind kind, int exit_status) override;
  bool read_memory(u64 address, std::span<u8> out) override;
  bool write_memory(u64 address, std::span<const u8> data) override;
  void console_write(std::span<const u8> data) override;
  usize console_read(std::span<u8> out) override;

  void cancel_timer();
  void timer_due();

  Wiring wiring_;
  std::optional<Clock::EventId> timer_;
  bool hart_stopped_ = false;
  bool registers_set_ = false;  ///< by the call in progress: its results must not overwrite them
};

}  // namespace quire
