// System calls as text, one line a call, from the supervisor's syscall events and the process' memory.
//
// A line appears when its call ends, so that calls of several processes stay whole; one that never ends
// (exit, a killed or unfinished call) shows " = ?" at the exit event or in finish().
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "quire/machine.h"
#include "quire/trace_sink.h"

namespace quire {

class Strace : public TraceSink {
 public:
  using LineSink = std::function<void(std::string_view line)>;  ///< a whole line with its '\n'

  Strace(Machine& machine, LineSink lines) : machine_(machine), lines_(std::move(lines)) {}

  void on_event(const TraceEvent& event) override;
  /// Shows the calls still under way.
  void finish();

 private:
  struct Pending {
    std::uint64_t number;
    std::array<std::uint64_t, 6> args;
    std::uint64_t satp;
    std::string early;  ///< arguments as they read on entry: exec replaces the memory they lie in
  };

  void enter(int pid, const TraceEvent& event);
  void leave(int pid, std::int64_t result);
  void unfinished(int pid, std::string_view outcome);

  Machine& machine_;
  LineSink lines_;
  std::map<int, Pending> pending_;
};

}  // namespace quire
