#include "emu/debug/gdb_stub.h"

#include <fmt/format.h>

#include <algorithm>

#include "emu/debug/gdb_packet.h"
#include "emu/debug/gdb_registers.h"
#include "emu/debug/hex.h"

namespace quire::debug {
namespace {

// gdb's own numbers of signals, which are Linux's where those are below 16 (Debugging with GDB, E.14).
constexpr unsigned kSigint = 2;
constexpr unsigned kSigtrap = 5;
constexpr int kLimitStatus = 124;

/// "ADDR,LENGTH"; nothing when there is anything else.
struct Range {
  std::uint64_t address;
  std::uint64_t length;
};
std::optional<Range> take_range(std::string_view& args) {
  const auto address = take_hex(args);
  if (!address || !take(args, ",")) return std::nullopt;
  const auto length = take_hex(args);
  if (!length) return std::nullopt;
  return Range{*address, *length};
}

/// How many of the bytes are RAM, by physical address.
std::uint64_t physical_bytes(const MemoryView& memory, const Range& range) {
  const std::uint64_t offset = range.address - memory.base();
  return offset >= memory.size_bytes() ? 0 : std::min(range.length, memory.size_bytes() - offset);
}

std::string console_packet(const std::string& text) {
  return "O" + text_to_hex(fmt::format("quire: {}\n", text));
}

}  // namespace

GdbStub::GdbStub(Machine& machine, std::function<int(const Stop&)> killing_signal)
    : machine_(machine), killing_signal_(std::move(killing_signal)), monitor_(machine) {
  connected();
}

GdbStub::~GdbStub() { clear_stops(); }

void GdbStub::connected() {
  clear_stops();
  monitor_.set_physical_memory(false);
  no_acks_ = false;
  extended_ = false;
  tells_kind_ = false;
  if (!ended_) last_stop_ = stop_packet(kSigtrap, "");
}

Answer GdbStub::handle(std::string_view packet) {
  try {
    return dispatch(packet);
  } catch (const Error&) {  // what the machine refuses
    return answer(kInvalid);
  }
}

Answer GdbStub::dispatch(std::string_view packet) {
  if (packet.empty()) return unsupported();
  const std::string_view args = packet.substr(1);
  switch (packet[0]) {
    case '!':
      extended_ = true;
      return ok();
    case '?':
      return answer(last_stop_);
    case 'g':
      return read_general();
    case 'G':
      return write_general(args);
    case 'p':
      return read_one(args);
    case 'P':
      return write_one(args);
    case 'm':
      return read_memory(args);
    case 'M':
      return write_memory(args, false);
    case 'X':
      return write_memory(args, true);
    case 'Z':
      return set_stop(args, true);
    case 'z':
      return set_stop(args, false);
    case 'c':
      return resume(args, Resume::kContinue, false);
    case 'C':
      return resume(args, Resume::kContinue, true);
    case 's':
      return resume(args, Resume::kStep, false);
    case 'S':
      return resume(args, Resume::kStep, true);
    case 'H':
    case 'T':
      return select_thread(packet);
    case 'D':
      clear_stops();
      return {.packets = {"OK"}, .resume = Resume::kDetach};
    case 'k':
      return {.packets = {}, .resume = Resume::kKill};
    case 'R':
      return extended_ ? Answer{.packets = {}, .resume = restart().resume} : unsupported();
    case 'q':
      return query(packet);
    case 'Q':
      return set_query(packet);
    case 'v':
      return v_packet(packet);
    default:
      return unsupported();
  }
}

Answer GdbStub::read_general() const {
  std::string text;
  for (unsigned r = 0; r < kGdbGeneral; ++r) text += register_hex(*read_register(machine_.hart(), r));
  return answer(std::move(text));
}

Answer GdbStub::write_general(std::string_view args) {
  constexpr std::size_t kDigits = 16;
  if (args.size() != kGdbGeneral * kDigits || !from_hex(args)) return answer(kInvalid);
  for (unsigned r = 0; r < kGdbGeneral; ++r) {
    if (!write_register(machine_.hart(), r, *parse_register(args.substr(r * kDigits, kDigits)))) {
      return answer(kInvalid);
    }
  }
  return ok();
}

Answer GdbStub::read_one(std::string_view args) const {
  const auto number = parse_hex(args);
  if (!number || *number > kGdbPrivilege) return answer(kInvalid);
  const auto value = read_register(machine_.hart(), static_cast<unsigned>(*number));
  return answer(value ? register_hex(*value) : "xxxxxxxxxxxxxxxx");
}

Answer GdbStub::write_one(std::string_view args) {
  const auto number = take_hex(args);
  if (!number || *number > kGdbPrivilege || !take(args, "=")) return answer(kInvalid);
  const auto value = parse_register(args);
  if (!value || !write_register(machine_.hart(), static_cast<unsigned>(*number), *value)) {
    return answer(kInvalid);
  }
  return ok();
}

Answer GdbStub::read_memory(std::string_view args) const {
  auto range = take_range(args);
  if (!range || !args.empty()) return answer(kInvalid);
  // Short answers are allowed; gdb asks again for the rest.
  range->length = std::min<std::uint64_t>(range->length, kMaxPacketBytes / 2);
  std::vector<std::uint8_t> bytes(range->length);
  if (monitor_.physical_memory()) {
    bytes.resize(physical_bytes(machine_.memory(), *range));
    machine_.memory().read(range->address, bytes);
  } else {
    bytes.resize(machine_.read_virtual(range->address, bytes));
  }
  return bytes.empty() && range->length != 0 ? answer(kBadAddress) : answer(to_hex(bytes));
}

Answer GdbStub::write_memory(std::string_view args, bool binary) {
  const auto range = take_range(args);
  if (!range || !take(args, ":")) return answer(kInvalid);
  const auto bytes =
      binary ? std::optional(std::vector<std::uint8_t>(args.begin(), args.end())) : from_hex(args);
  if (!bytes || bytes->size() != range->length) return answer(kInvalid);
  if (!monitor_.physical_memory()) {
    return machine_.write_virtual(range->address, *bytes) == bytes->size() ? ok() : answer(kBadAddress);
  }
  if (physical_bytes(machine_.memory(), *range) != bytes->size()) return answer(kBadAddress);
  machine_.memory().write(range->address, *bytes);
  return ok();
}

/// "TYPE,ADDR,KIND"; kind is a length for watchpoints and says nothing for breakpoints.
Answer GdbStub::set_stop(std::string_view args, bool insert) {
  if (args.size() < 2 || args[1] != ',') return answer(kInvalid);
  const char type = args[0];
  args.remove_prefix(2);
  const auto range = take_range(args);
  if (!range) return answer(kInvalid);
  if (type == '0' || type == '1') {
    set_breakpoint(type == '0' ? software_ : hardware_, range->address, insert);
    return ok();
  }
  if (type < '2' || type > '4') return unsupported();
  const WatchKind kind = type == '2'   ? WatchKind::kWrite
                         : type == '3' ? WatchKind::kRead
                                       : WatchKind::kAccess;
  const Watchpoint watchpoint{range->address, range->length, kind};
  const auto found = std::find(watchpoints_.begin(), watchpoints_.end(), watchpoint);
  if (insert && found == watchpoints_.end()) {
    machine_.add_watchpoint(watchpoint);
    watchpoints_.push_back(watchpoint);
  } else if (!insert && found != watchpoints_.end()) {
    machine_.remove_watchpoint(watchpoint);
    watchpoints_.erase(found);
  }
  return ok();
}

void GdbStub::set_breakpoint(std::set<std::uint64_t>& kind, std::uint64_t pc, bool insert) {
  if (insert) {
    kind.insert(pc);
    machine_.add_breakpoint(pc);
    return;
  }
  kind.erase(pc);
  if (!software_.contains(pc) && !hardware_.contains(pc)) machine_.remove_breakpoint(pc);
}

void GdbStub::clear_stops() {
  for (const std::uint64_t pc : software_) machine_.remove_breakpoint(pc);
  for (const std::uint64_t pc : hardware_) machine_.remove_breakpoint(pc);
  for (const Watchpoint& watchpoint : watchpoints_) machine_.remove_watchpoint(watchpoint);
  software_.clear();
  hardware_.clear();
  watchpoints_.clear();
}

/// "[SIGNAL][;][ADDR]": there are no signals to pass on, but where to go on is heeded.
Answer GdbStub::resume(std::string_view args, Resume how, bool with_signal) {
  if (with_signal) {
    if (!take_hex(args)) return answer(kInvalid);
    take(args, ";");
  }
  if (!args.empty()) {
    const auto pc = parse_hex(args);
    if (!pc || (*pc & 1) != 0) return answer(kInvalid);
    machine_.hart().set_pc(*pc);
  }
  if (ended_) return answer(last_stop_);
  return {.packets = {}, .resume = how};
}

/// "ACTION[:THREAD]" separated by ';': the first that is for our only thread counts.
Answer GdbStub::resume_by_thread(std::string_view actions) {
  while (!actions.empty()) {
    const std::string_view action = actions.substr(0, actions.find(';'));
    actions.remove_prefix(std::min(action.size() + 1, actions.size()));
    const auto colon = action.find(':');
    const std::string_view thread = colon == std::string_view::npos ? "-1" : action.substr(colon + 1);
    if (thread != "-1" && thread != "0" && parse_hex(thread) != 1) continue;
    std::string_view what = action.substr(0, colon);
    if (what.empty()) return answer(kInvalid);
    const char letter = what[0];
    what.remove_prefix(1);
    if (letter == 'r') {
      const auto range = take_range(what);
      if (!range || !what.empty()) return answer(kInvalid);
      if (ended_) return answer(last_stop_);
      return {.packets = {},
              .resume = Resume::kStepRange,
              .range_begin = range->address,
              .range_end = range->length};
    }
    if (letter == 'c' || letter == 'C') return resume(what, Resume::kContinue, letter == 'C');
    if (letter == 's' || letter == 'S') return resume(what, Resume::kStep, letter == 'S');
    return answer(kInvalid);
  }
  return answer(kInvalid);
}

/// "HcN", "HgN" and "TN"; any, all and 1 are our only thread.
Answer GdbStub::select_thread(std::string_view args) const {
  const std::string_view thread = args.substr(std::min<std::size_t>(args.size(), args[0] == 'H' ? 2 : 1));
  return thread == "-1" || thread == "0" || parse_hex(thread) == 1 ? ok() : answer("E01");
}

/// What R and vRun do; breakpoints stay.
Answer GdbStub::restart() {
  machine_.restart();
  ended_ = false;
  last_stop_ = stop_packet(kSigtrap, "");
  return answer(last_stop_);
}

std::string GdbStub::stop_packet(unsigned signal, std::string_view reason) const {
  return fmt::format("T{:02x}thread:1;{:02x}:{};{}", signal, kGdbPc, register_hex(machine_.hart().pc()),
                     reason);
}

std::string GdbStub::reason_of(const Stop& stop) const {
  if (stop.reason == StopReason::kWatchpoint && stop.watch) {
    const WatchKind kind = stop.watch->watchpoint.kind;
    const char* name = kind == WatchKind::kWrite ? "watch" : kind == WatchKind::kRead ? "rwatch" : "awatch";
    return fmt::format("{}:{:x};", name, stop.watch->address);
  }
  if (stop.reason == StopReason::kBreakpoint && tells_kind_) {
    return hardware_.contains(stop.pc) && !software_.contains(stop.pc) ? "hwbreak:;" : "swbreak:;";
  }
  return "";
}

std::vector<std::string> GdbStub::stopped(const Stop& stop) {
  std::vector<std::string> packets;
  switch (stop.reason) {
    case StopReason::kExited: {
      ended_ = true;
      const int signal = killing_signal_ ? killing_signal_(stop) : 0;
      last_stop_ =
          signal != 0 ? fmt::format("X{:02x}", signal) : fmt::format("W{:02x}", stop.exit_status & 0xff);
      break;
    }
    case StopReason::kIdle:
      packets.push_back(console_packet(stop.detail));
      last_stop_ = stop_packet(kSigint, "");
      break;
    case StopReason::kTimeout:
    case StopReason::kRequested:
      last_stop_ = stop_packet(kSigint, "");
      break;
    case StopReason::kLimit:
    case StopReason::kBreakpoint:
    case StopReason::kWatchpoint:
      last_stop_ = stop_packet(kSigtrap, reason_of(stop));
      break;
  }
  packets.push_back(last_stop_);
  return packets;
}

std::vector<std::string> GdbStub::ran_out(const Stop& stop) {
  ended_ = true;
  last_stop_ = fmt::format("W{:02x}", kLimitStatus);
  return {console_packet(stop.detail), last_stop_};
}

}  // namespace quire::debug
