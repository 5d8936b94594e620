// Trace port: hands the supervisor's events to the host (quire/arch/trace_port.h).
//
// Invariant: it never changes anything the guest can see; a record that cannot be read, an unknown
// event or too many arguments are dropped.
#pragma once

#include <functional>
#include <span>

#include "emu/base/types.h"
#include "quire/arch/trace_port.h"
#include "quire/state_archive.h"

namespace quire {

class TracePort final : public Device {
 public:
  /// Called from within the doorbell's store; `args` is valid during the call.
  using Handler = std::function<void(arch::TraceEventId id, std::span<const u64> args)>;

  TracePort(Dma& dma, Handler handler) : dma_(dma), handler_(std::move(handler)) {}

  std::string_view name() const override { return "trace-port"; }
  void reset() override { record_ = 0; }
  void transfer(StateArchive& archive) override { archive(record_); }
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

 private:
  void ring(u64 doorbell);

  Dma& dma_;
  Handler handler_;
  u64 record_ = 0;
};

}  // namespace quire
