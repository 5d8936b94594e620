#include "emu/debug/gdb_server.h"

#include <fmt/format.h>

#include <algorithm>

namespace quire::debug {
namespace {

constexpr double kSliceSeconds = 0.05;
constexpr int kForEver = -1;

bool limit_of_run(const Stop& stop, std::uint64_t end_icount) {
  return stop.reason == StopReason::kLimit && stop.icount >= end_icount;
}

}  // namespace

GdbServer::GdbServer(Machine& machine, std::string_view address, Wiring wiring)
    : machine_(machine),
      wiring_(std::move(wiring)),
      listener_(SocketAddress::parse(address)),
      stub_(machine, wiring_.killing_signal) {}

void GdbServer::say(const std::string& line) const {
  if (wiring_.say) wiring_.say(line);
}

Stop GdbServer::make_stop(StopReason reason, std::string detail) const {
  return {.reason = reason,
          .hart = 0,
          .pc = machine_.hart().pc(),
          .icount = machine_.icount(),
          .exit_status = 0,
          .detail = std::move(detail)};
}

Stop GdbServer::run(const RunLimits& limits) {
  limits_ = limits;
  const std::uint64_t now = machine_.icount();
  end_icount_ = limits.max_insns > UINT64_MAX - now ? UINT64_MAX : now + limits.max_insns;
  held_since_ = Clock::now();
  say(fmt::format("waiting for gdb; in it: target remote {}", listener_.name()));
  while (!is_over()) {
    if (interrupted()) {
      end_ = make_stop(StopReason::kRequested, "stopped on request");
    } else if (client_ == nullptr) {
      await_client(kForEver);
    } else {
      serve_once();
    }
  }
  client_.reset();
  tell_held();
  return *std::move(end_);
}

void GdbServer::await_client(int timeout_ms) {
  if (const auto fd = listener_.accept(timeout_ms)) {
    client_ = std::make_unique<Connection>(*fd);
    parser_ = {};
    last_sent_.clear();
    stub_.connected();
  }
}

void GdbServer::lose_client(std::string_view why) {
  client_.reset();
  if (exited_) {
    end_ = exited_;
    return;
  }
  say(fmt::format("{}; in gdb again: target remote {}", why, listener_.name()));
}

void GdbServer::serve_once() {
  if (const auto incoming = parser_.next()) {
    serve(*incoming);
    return;
  }
  if (client_->wait(kForEver) != Connection::Wait::kReady) return;  // a signal
  if (const auto bytes = client_->read()) {
    parser_.feed(*bytes);
  } else {
    lose_client("gdb has gone and the guest waits");
  }
}

void GdbServer::serve(const Incoming& incoming) {
  switch (incoming.kind) {
    case Incoming::Kind::kAck:
    case Incoming::Kind::kInterrupt:  // it is stopped
      return;
    case Incoming::Kind::kNak:
      if (!stub_.no_acks()) client_->write(last_sent_);
      return;
    case Incoming::Kind::kDamaged:
      if (!stub_.no_acks()) client_->write("-");
      return;
    case Incoming::Kind::kPacket:
      break;
  }
  if (!stub_.no_acks()) client_->write("+");
  const Answer answer = stub_.handle(incoming.payload);
  if (!stub_.guest_has_ended()) {
    exited_.reset();
  } else if (!exited_) {
    exited_ = make_stop(StopReason::kRequested, "killed by gdb");
  }
  send(answer.packets);
  if (client_ != nullptr) resume(answer);
}

void GdbServer::send(const std::vector<std::string>& payloads) {
  for (const std::string& payload : payloads) {
    last_sent_ = frame(payload);
    if (!client_->write(last_sent_)) return;  // its end is read next
  }
}

void GdbServer::resume(const Answer& answer) {
  switch (answer.resume) {
    case Resume::kNo:
      return;
    case Resume::kKill:
      end_ = exited_ ? *exited_ : make_stop(StopReason::kRequested, "killed by gdb");
      return;
    case Resume::kDetach:
      client_.reset();
      end_ = exited_;
      run_detached();
      return;
    case Resume::kContinue:
    case Resume::kStep:
    case Resume::kStepRange:
      break;
  }
  tell(run_as(answer));
}

/// What the end of a resumption means, to the client and to us.
void GdbServer::tell(Stop stop) {
  const bool exited = stop.reason == StopReason::kExited;
  if (!exited && interrupted()) {
    stop = make_stop(StopReason::kRequested, "stopped on request");
  } else if (!exited && out_of_time()) {
    stop = make_stop(StopReason::kTimeout, "the time limit is reached");
  }
  const bool ran_out = stop.reason == StopReason::kTimeout || limit_of_run(stop, end_icount_);
  if (client_ != nullptr) send(ran_out ? stub_.ran_out(stop) : stub_.stopped(stop));
  if (exited && client_ != nullptr && stub_.extended()) {
    exited_ = stop;
  } else if (exited || ran_out || interrupted()) {
    end_ = stop;
  }
}

/// At most `max_insns`, the end of the run or a slice of host time.
Stop GdbServer::run_slice(std::uint64_t max_insns) {
  tell_held();
  const auto begin = Clock::now();
  Stop stop = machine_.run(
      {.max_insns = std::min(max_insns, end_icount_ - machine_.icount()), .timeout_seconds = kSliceSeconds});
  held_since_ = Clock::now();
  ran_ += held_since_ - begin;
  return stop;
}

void GdbServer::tell_held() {
  if (wiring_.held) wiring_.held(Clock::now() - held_since_);
}

Stop GdbServer::run_as(const Answer& answer) {
  const std::uint64_t step = answer.resume == Resume::kContinue ? UINT64_MAX : 1;
  for (;;) {
    Stop stop = run_slice(step);
    const bool in_range = answer.resume == Resume::kStepRange && stop.pc >= answer.range_begin &&
                          stop.pc < answer.range_end && !limit_of_run(stop, end_icount_);
    const bool goes_on =
        stop.reason == StopReason::kTimeout || (stop.reason == StopReason::kLimit && in_range);
    if (!goes_on || out_of_time()) return stop;
    if (client_wants_stop()) return make_stop(StopReason::kRequested, "stopped by gdb");
  }
}

/// Looks at what the client has sent while the guest runs: Ctrl-C, or its end.
bool GdbServer::client_wants_stop() {
  for (;;) {
    while (const auto incoming = parser_.next()) {  // also what came in one piece with the resumption
      if (incoming->kind == Incoming::Kind::kInterrupt) return true;
    }
    if (client_->wait(0) != Connection::Wait::kReady) return false;
    if (const auto bytes = client_->read()) {
      parser_.feed(*bytes);
    } else {
      lose_client("gdb has gone and the guest has been stopped");
      return true;
    }
  }
}

void GdbServer::run_detached() {
  while (!is_over() && client_ == nullptr) {
    Stop stop = run_slice(UINT64_MAX);
    if (stop.reason != StopReason::kTimeout || out_of_time()) {
      end_ = std::move(stop);
    } else {
      await_client(0);
    }
  }
}

}  // namespace quire::debug
