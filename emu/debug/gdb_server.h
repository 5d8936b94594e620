// GdbServer: runs a machine under gdb's control.
//
// Before the first instruction it waits for a client. While the guest runs, the machine is run in slices of
// host time between which the connection is looked at; what the guest does depends on none of it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "emu/debug/gdb_packet.h"
#include "emu/debug/gdb_stub.h"
#include "emu/debug/socket.h"
#include "quire/machine.h"

namespace quire::debug {

class GdbServer {
 public:
  struct Wiring {
    std::function<bool()> interrupted;               ///< the user wants the whole run to end; may be empty
    std::function<int(const Stop&)> killing_signal;  ///< as GdbStub takes it
    std::function<void(std::string_view)> say;       ///< one line for people; may be empty
    /// Host time for which the guest has been held since it last ran; may be empty. Told before the guest
    /// runs and at the end.
    std::function<void(std::chrono::duration<double>)> held;
  };

  /// Listens from now on. Throws Error: kUsage for the text of `address`, kFile when it cannot be had.
  GdbServer(Machine& machine, std::string_view address, Wiring wiring);

  /// Runs to the end, to a limit (host time while the guest runs), or until the client kills it: kRequested.
  /// A client that detaches leaves the guest running, one that vanishes leaves it stopped; both can come
  /// again.
  Stop run(const RunLimits& limits);

 private:
  using Clock = std::chrono::steady_clock;

  void await_client(int timeout_ms);
  void lose_client(std::string_view why);
  /// One packet or Ctrl-C of the client, or its end; waits for it.
  void serve_once();
  void serve(const Incoming& incoming);
  void resume(const Answer& answer);
  void tell(Stop stop);
  /// Runs as `how` says until there is something to tell.
  Stop run_as(const Answer& answer);
  Stop run_slice(std::uint64_t max_insns);
  void tell_held();
  bool client_wants_stop();
  void run_detached();
  void send(const std::vector<std::string>& payloads);
  bool is_over() const { return end_.has_value(); }
  bool interrupted() const { return wiring_.interrupted && wiring_.interrupted(); }
  bool out_of_time() const { return limits_.timeout_seconds > 0 && ran_.count() >= limits_.timeout_seconds; }
  Stop make_stop(StopReason reason, std::string detail) const;
  void say(const std::string& line) const;

  Machine& machine_;
  Wiring wiring_;
  Listener listener_;
  GdbStub stub_;
  std::unique_ptr<Connection> client_;
  PacketParser parser_;
  std::string last_sent_;  // for a client that asks again
  RunLimits limits_;
  std::uint64_t end_icount_ = 0;
  std::chrono::duration<double> ran_{};
  Clock::time_point held_since_;
  std::optional<Stop> exited_;  ///< the guest has, and an extended client may restart it
  std::optional<Stop> end_;
};

}  // namespace quire::debug
