// TraceWriter: a machine's events as lines of text.
//
// Instructions have the form of Spike's commit log ("core   0: 3 0x... (0x...) x5  0x... mem 0x..."), so that
// tools made for it read ours; the rest is ours: core, category, icount, privilege, pc, what happened.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "emu/debug/disassembler.h"
#include "emu/debug/trace_spec.h"
#include "quire/machine.h"

namespace quire::debug {

class TraceWriter final : public Observer {
 public:
  /// Observes `machine`, which must outlive it. Error(kFile) when the file cannot be made.
  TraceWriter(Machine& machine, const TraceSpec& spec);
  ~TraceWriter() override;
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  /// Hands over all that has been traced. Error(kFile) when the host took not all of it; such a failure also
  /// stops the run.
  void finish();

 private:
  void on_insn(const InsnEvent& event) override;
  void on_mmu(const MmuEvent& event) override;
  void on_trap(const TrapEvent& event) override;
  void on_interrupt(const TrapEvent& event) override;
  void on_device(const DeviceEvent& event) override;
  void on_sbi(const SbiEvent& event) override;
  void on_code(const CodeEvent& event) override;

  void write(std::string_view text);
  void write_event(const EventPlace& at, const char* category, std::string_view what);
  std::string handler_text(const TrapEvent& event) const;
  std::string block_text(const CodeEvent& event);

  Machine& machine_;
  TraceSpec spec_;
  Disassembler disassembler_;
  HostDisassembler host_disassembler_;
  std::FILE* file_;
  int error_ = 0;  // errno of the first write that failed
};

/// One line of Spike's commit log, with its end.
std::string commit_log_line(const InsnEvent& event);

}  // namespace quire::debug
