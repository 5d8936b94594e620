// GdbStub: what a gdb remote target answers (Debugging with GDB, appendix E), without the connection.
//
// Packets in, packets out: nothing here waits, runs the machine or knows where the bytes come from. The guest
// is never patched: software and hardware breakpoints alike are the machine's own. Invariant: every
// breakpoint and watchpoint that the stub has set is in its tables, and gone from the machine when they are
// cleared.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "emu/debug/monitor.h"
#include "quire/machine.h"

namespace quire::debug {

/// What the client wants to happen next.
enum class Resume : std::uint8_t {
  kNo,  ///< stay stopped
  kContinue,
  kStep,       ///< one instruction
  kStepRange,  ///< instructions while pc is in [range_begin, range_end)
  kDetach,     ///< run on without a debugger
  kKill,       ///< end the run
};

struct Answer {
  std::vector<std::string> packets;  ///< payloads, in order
  Resume resume = Resume::kNo;
  std::uint64_t range_begin = 0;
  std::uint64_t range_end = 0;
};

class GdbStub {
 public:
  /// `killing_signal` says which signal ended the guest's program with this stop, 0 for none; may be empty.
  explicit GdbStub(Machine& machine, std::function<int(const Stop&)> killing_signal = {});
  ~GdbStub();
  GdbStub(const GdbStub&) = delete;
  GdbStub& operator=(const GdbStub&) = delete;

  /// A client has come: what an earlier one has set is forgotten, and it is told where the guest is now.
  void connected();
  Answer handle(std::string_view packet);
  /// The packets that tell of the end of a resumption.
  std::vector<std::string> stopped(const Stop& stop);
  /// Likewise when a limit of the whole run is reached: to the client the guest ends with status 124.
  std::vector<std::string> ran_out(const Stop& stop);

  /// Whether packets are no longer acknowledged, from the packet after the present answer on.
  bool no_acks() const { return no_acks_; }
  /// Whether the client would restart a guest that has ended.
  bool extended() const { return extended_; }
  bool guest_has_ended() const { return ended_; }

 private:
  Answer dispatch(std::string_view packet);
  // gdb_stub.cpp
  Answer read_general() const;
  Answer write_general(std::string_view args);
  Answer read_one(std::string_view args) const;
  Answer write_one(std::string_view args);
  Answer read_memory(std::string_view args) const;
  Answer write_memory(std::string_view args, bool binary);
  Answer set_stop(std::string_view args, bool insert);
  Answer resume(std::string_view args, Resume how, bool with_signal);
  Answer resume_by_thread(std::string_view actions);
  Answer select_thread(std::string_view args) const;
  Answer restart();
  void set_breakpoint(std::set<std::uint64_t>& kind, std::uint64_t pc, bool insert);
  void clear_stops();
  std::string stop_packet(unsigned signal, std::string_view reason) const;
  std::string reason_of(const Stop& stop) const;
  // gdb_queries.cpp
  Answer query(std::string_view packet);
  Answer set_query(std::string_view packet);
  Answer v_packet(std::string_view packet);
  Answer supported(std::string_view features);
  Answer transfer(std::string_view args) const;
  Answer monitor(std::string_view hex);
  Answer kill();

  Machine& machine_;
  std::function<int(const Stop&)> killing_signal_;
  Monitor monitor_;
  std::set<std::uint64_t> software_, hardware_;  // breakpoints
  std::vector<Watchpoint> watchpoints_;
  std::string last_stop_;  // what `?` is told
  bool ended_ = false;     // the guest has; nothing to resume
  bool no_acks_ = false;
  bool extended_ = false;
  bool tells_kind_ = false;  // the client understands swbreak and hwbreak
};

// Answers of one packet.
inline Answer answer(std::string payload) { return {.packets = {std::move(payload)}}; }
inline Answer ok() { return answer("OK"); }
/// "We do not know this packet."
inline Answer unsupported() { return answer(""); }
/// E and an errno in hex, as gdb shows no more of it than that.
inline constexpr const char* kBadAddress = "E0e";
inline constexpr const char* kInvalid = "E16";

}  // namespace quire::debug
