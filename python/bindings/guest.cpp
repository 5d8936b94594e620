// Running a machine on behalf of Python; see guest.h.
#include "python/bindings/guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace quire::python {
namespace py = pybind11;
namespace {

using Seconds = std::chrono::duration<double>;

/// Long enough to cost nothing, short enough for Ctrl-C.
constexpr double kSliceSeconds = 0.05;
constexpr std::uint64_t kFirstSliceInsns = 1'000'000;

/// Stops the machine when one of the conditions holds.
class ConditionSink : public TraceSink {
 public:
  ConditionSink(Machine& machine, const std::vector<Condition>& conditions)
      : machine_(machine), conditions_(conditions) {
    machine_.add_sink(this);
  }
  ~ConditionSink() override { machine_.remove_sink(this); }
  ConditionSink(const ConditionSink&) = delete;
  ConditionSink& operator=(const ConditionSink&) = delete;

  void on_event(const TraceEvent& event) override {
    for (const Condition& condition : conditions_) {
      if (condition.matches(event)) {
        met_ = &condition;
        machine_.request_stop();
        return;
      }
    }
  }
  const Condition* met() const { return met_; }

 private:
  Machine& machine_;
  const std::vector<Condition>& conditions_;
  const Condition* met_ = nullptr;
};

std::string reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::kExited:
      return "exited";
    case StopReason::kLimit:
      return "limit";
    case StopReason::kTimeout:
      return "timeout";
    case StopReason::kRequested:
      return "requested";
    case StopReason::kIdle:
      return "idle";
    case StopReason::kBreakpoint:
      return "breakpoint";
    case StopReason::kWatchpoint:
      return "watchpoint";
  }
  return "?";
}

}  // namespace

Condition::Condition(const std::string& event, const std::vector<FieldFilter>& fields)
    : info_(find_event(event)), fields_(fields) {
  if (info_ == nullptr) {
    throw Error(ErrorKind::kUsage, fmt::format("no event is called '{}'; quire.EVENTS lists them", event));
  }
  for (const FieldFilter& field : fields_) {
    const int column = info_->field(field.field);
    if (column < 0) {
      throw Error(ErrorKind::kUsage, fmt::format("event '{}' has no field '{}'", event, field.field));
    }
    columns_.push_back(static_cast<std::size_t>(column));
  }
}

bool Condition::matches(const TraceEvent& event) const {
  if (event.id != info_->id) {
    return false;
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (event.args[columns_[i]] != fields_[i].value) {
      return false;
    }
  }
  return true;
}

bool Condition::holds_already(const ProcessTable& processes) const {
  if (info_->id != arch::TraceEventId::k_exit || fields_.size() != 1 || fields_[0].field != "pid") {
    return false;
  }
  const ProcessInfo* process = processes.find(static_cast<int>(fields_[0].value));
  return process != nullptr && process->exited;
}

std::string Condition::describe() const {
  std::string text(info_->name);
  text += '(';
  for (const FieldFilter& field : fields_) {
    text += fmt::format("{}{}={:#x}", &field == fields_.data() ? "" : ", ", field.field, field.value);
  }
  return text.append(")");
}

/// Marks the guest as running; only one thread may.
class Guest::BusyMark {
 public:
  explicit BusyMark(Guest& guest) : guest_(guest) {
    if (guest_.busy_.exchange(true)) {
      throw Error(ErrorKind::kState,
                  "the machine is running in another thread; wait for its run() to return");
    }
  }
  ~BusyMark() {
    guest_.busy_ = false;
    // What came too late for this run is not for the next.
    guest_.stop_wanted_ = false;
    guest_.machine_->cancel_stop();
  }
  BusyMark(const BusyMark&) = delete;
  BusyMark& operator=(const BusyMark&) = delete;

 private:
  Guest& guest_;
};

Guest::Guest(Config config) {
  config.uart = uart_;
  config.uart_in = uart_in_;
  config.stdin_stream = stdin_;
  config.stdout_stream = stdout_;
  config.stderr_stream = stderr_;
  machine_ = std::make_shared<Machine>(config);
  machine_->add_sink(&events_);
  machine_->add_sink(&processes_);
  machine_->add_part("event counts", [this](StateArchive& archive) { events_.transfer(archive); });
  machine_->add_part("processes", [this](StateArchive& archive) { processes_.transfer(archive); });
}

Guest::~Guest() { release(); }  // nobody runs it: who does holds it

void Guest::check_not_running() const {
  if (busy_) {
    throw Error(ErrorKind::kState, "the machine is running in another thread; wait for its run() to return");
  }
}

Machine& Guest::edited() {
  Machine& machine = idle();
  ++edits_;
  return machine;
}

Machine& Guest::idle() {
  if (!machine_) {
    throw Error(ErrorKind::kState, "the machine is closed");
  }
  check_not_running();
  return *machine_;
}

RunResult Guest::run(std::optional<std::uint64_t> max_insns, double timeout_seconds,
                     const std::vector<Condition>& until) {
  Machine& machine = idle();
  const BusyMark mark(*this);
  for (const Condition& condition : until) {
    if (condition.holds_already(processes_)) {
      return {"until", Stop{StopReason::kRequested, 0, machine.hart().pc(), machine.icount(), 0,
                            condition.describe()}};
    }
  }
  const ConditionSink conditions(machine, until);
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t left = max_insns.value_or(UINT64_MAX);
  std::uint64_t slice = kFirstSliceInsns;
  for (;;) {
    RunLimits limits;
    limits.max_insns = std::min(left, slice);
    const auto slice_begin = std::chrono::steady_clock::now();
    if (timeout_seconds > 0) {
      // A deadline that has passed still gives the guest one look at it, so that progress is made.
      limits.timeout_seconds = std::max(1e-9, timeout_seconds - Seconds(slice_begin - begin).count());
    }
    const std::uint64_t before = machine.icount();
    Stop stop;
    {
      const py::gil_scoped_release release;
      stop = machine.run(limits);
    }
    const std::uint64_t ran = machine.icount() - before;
    left = left == UINT64_MAX ? left : left - std::min(ran, left);
    if (PyErr_CheckSignals() != 0) {
      throw py::error_already_set();
    }
    if (conditions.met() != nullptr && stop.reason != StopReason::kExited) {
      stop.detail = conditions.met()->describe();
      return {"until", std::move(stop)};
    }
    if (stop_wanted_ && stop.reason != StopReason::kExited) {
      stop.detail = "stopped on request";
      return {reason_name(StopReason::kRequested), std::move(stop)};
    }
    if (stop.reason != StopReason::kLimit || left == 0) {
      return {reason_name(stop.reason), std::move(stop)};
    }
    const double took = Seconds(std::chrono::steady_clock::now() - slice_begin).count();
    const double factor = std::clamp(kSliceSeconds / std::max(took, 1e-6), 0.25, 4.0);
    slice = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(static_cast<double>(slice) * factor), 10'000,
                                      1ULL << 34);
  }
}

void Guest::stop() {
  if (machine_ && busy_) {
    stop_wanted_ = true;
    machine_->request_stop();
  }
}

Snapshot Guest::snapshot() {
  Machine& machine = idle();
  const BusyMark mark(*this);
  const py::gil_scoped_release release;
  return machine.snapshot();
}

void Guest::restore(const Snapshot& snapshot) {
  Machine& machine = idle();
  const BusyMark mark(*this);
  {
    const py::gil_scoped_release release;
    machine.restore(snapshot);
  }
  ++edits_;
}

int Guest::spawn(const Program& program) {
  Machine& machine = edited();
  const BusyMark mark(*this);
  const py::gil_scoped_release release;
  return quire::spawn(machine, program, [] {
    const py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) {
      throw py::error_already_set();
    }
  });
}

void Guest::close() {
  check_not_running();
  release();
}

void Guest::release() noexcept {
  if (!machine_) {
    return;
  }
  for (const auto& recorder : recorders_) {
    machine_->remove_sink(recorder.get());
  }
  recorders_.clear();
  machine_->remove_sink(&processes_);
  machine_->remove_sink(&events_);
  machine_->remove_part("processes");  // a view of RAM may keep the machine
  machine_->remove_part("event counts");
  machine_.reset();
}

std::shared_ptr<EventRecorder> Guest::record(const std::vector<std::string>& names,
                                             const std::vector<FieldFilter>& filters) {
  Machine& machine = idle();
  auto recorder = std::make_shared<EventRecorder>(names, filters);
  machine.add_sink(recorder.get());
  recorders_.push_back(recorder);
  return recorder;
}

void Guest::stop_recording(const std::shared_ptr<EventRecorder>& recorder) {
  const auto found = std::find(recorders_.begin(), recorders_.end(), recorder);
  if (found != recorders_.end()) {
    idle().remove_sink(recorder.get());
    recorders_.erase(found);
  }
}

}  // namespace quire::python
