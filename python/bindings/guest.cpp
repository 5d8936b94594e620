// Running a machine on behalf of Python; see guest.h.
#include "python/bindings/guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "python/bindings/bind_hooks.h"

namespace quire::python {
namespace py = pybind11;
namespace {

using Seconds = std::chrono::duration<double>;

/// Long enough to cost nothing, short enough for Ctrl-C.
constexpr double kSliceSeconds = 0.05;
constexpr std::uint64_t kFirstSliceInsns = 1'000'000;

/// A guest that waits may execute nothing for ever, with devices that have something scheduled: Ctrl-C is
/// looked for in the host's time as well.
constexpr double kSignalSeconds = 0.1;

/// Callbacks that follow each other within this many instructions are not worth giving the GIL away between.
constexpr std::uint64_t kCloseInsns = 20'000;
/// But now and then, as other threads of Python want it, too.
constexpr unsigned kMaxKept = 1000;

/// How far to run next, so that signals are looked at in time and limits are kept.
class Pace {
 public:
  /// At least every `look_seconds` signals are looked at, whatever the guest executes; 0: it executes
  /// something.
  Pace(std::optional<std::uint64_t> max_insns, double timeout_seconds, double look_seconds)
      : left_(max_insns.value_or(UINT64_MAX)),
        timeout_seconds_(timeout_seconds),
        look_seconds_(look_seconds) {}

  RunLimits next() {
    RunLimits limits;
    limits.max_insns = std::min(left_, callbacks_are_close() ? kCloseInsns : slice_);
    slice_begin_ = std::chrono::steady_clock::now();
    limits.timeout_seconds = look_seconds_;
    if (timeout_seconds_ > 0) {
      // A deadline that has passed still gives the guest one look at it, so that progress is made.
      const double left = std::max(1e-9, timeout_seconds_ - Seconds(slice_begin_ - begin_).count());
      limits.timeout_seconds = look_seconds_ > 0 ? std::min(left, look_seconds_) : left;
    }
    return limits;
  }

  void ran(std::uint64_t insns, StopReason reason) {
    left_ = left_ == UINT64_MAX ? left_ : left_ - std::min(insns, left_);
    if (reason == StopReason::kTimeout) {
      kept_ = 0;
      return;
    }
    const bool whole = reason == StopReason::kLimit;
    if (callbacks_are_close() || !whole) {
      kept_ = whole || insns > kCloseInsns || kept_ == kMaxKept ? 0 : kept_ + 1;
      return;
    }
    const double took = Seconds(std::chrono::steady_clock::now() - slice_begin_).count();
    const double factor = std::clamp(kSliceSeconds / std::max(took, 1e-6), 0.25, 4.0);
    slice_ = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(static_cast<double>(slice_) * factor),
                                       10'000, 1ULL << 34);
  }

  bool callbacks_are_close() const { return kept_ != 0; }
  bool is_over() const { return left_ == 0; }
  bool timed_out() const {
    return timeout_seconds_ > 0 &&
           Seconds(std::chrono::steady_clock::now() - begin_).count() >= timeout_seconds_;
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  std::uint64_t left_;
  const double timeout_seconds_;
  const double look_seconds_;
  const Time begin_ = std::chrono::steady_clock::now();
  Time slice_begin_ = begin_;
  std::uint64_t slice_ = kFirstSliceInsns;
  unsigned kept_ = 0;  ///< slices since the GIL was given away last, with callbacks close to each other
};

}  // namespace

/// Stops the machine when one of the conditions holds.
class ConditionSink : public TraceSink {
 public:
  ConditionSink(Guest& guest, Machine& machine, const std::vector<Condition>& conditions)
      : guest_(guest), machine_(machine), conditions_(conditions) {
    for (const Condition& condition : conditions_) {
      if (condition.text()) {
        watch(condition);
      }
    }
    machine_.add_sink(this);
  }
  ~ConditionSink() override {
    machine_.remove_sink(this);
    for (const Condition& condition : conditions_) {
      if (condition.text()) {
        guest_.sink(condition.text()->stream).stop_watching();
      }
    }
  }
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
  void watch(const Condition& condition) {
    const Condition::Text& text = *condition.text();
    guest_.sink(text.stream).watch(text.text, text.offset, [this, &condition] {
      if (met_ == nullptr) met_ = &condition;
      machine_.request_stop();
    });
  }

  Guest& guest_;
  Machine& machine_;
  const std::vector<Condition>& conditions_;
  const Condition* met_ = nullptr;
};

namespace {

/// A hook stops the machine as a breakpoint or by a request.
bool is_of_hooks(StopReason reason) {
  return reason == StopReason::kBreakpoint || reason == StopReason::kRequested;
}

Stop limit_stop(Machine& machine) {
  return {StopReason::kLimit, 0, machine.hart().pc(),
          machine.icount(),   0, "the limit of instructions is reached"};
}

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

/// Marks the guest as running; only one thread may.
class Guest::BusyMark {
 public:
  explicit BusyMark(Guest& guest) : guest_(guest) {
    guest_.check_no_callback();
    if (guest_.busy_.exchange(true)) {
      throw Error(ErrorKind::kState,
                  "the machine is running in another thread; wait for its run() to return");
    }
  }
  ~BusyMark() {
    guest_.busy_ = false;
    guest_.until_idle_.clear();
    // What came too late for this run is not for the next.
    guest_.stop_wanted_ = false;
    guest_.machine_->cancel_stop();
  }
  BusyMark(const BusyMark&) = delete;
  BusyMark& operator=(const BusyMark&) = delete;

 private:
  Guest& guest_;
};

Guest::Guest(Config config, std::size_t output_limit_bytes, std::shared_ptr<DeviceCalls> devices,
             GuestMounts mounts)
    : stdout_(std::make_shared<BufferSink>(output_limit_bytes)),
      stderr_(std::make_shared<BufferSink>(output_limit_bytes)),
      uart_(std::make_shared<BufferSink>(output_limit_bytes)),
      mounts_(std::move(mounts)),
      devices_(std::move(devices)),
      output_limit_bytes_(output_limit_bytes) {
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
  if (devices_) devices_->attach(this);
}

BufferSink& Guest::sink(const std::string& name) {
  if (name == "stdout") {
    return *stdout_;
  }
  if (name == "stderr") {
    return *stderr_;
  }
  if (name == "uart") {
    return *uart_;
  }
  throw Error(ErrorKind::kUsage,
              fmt::format("no stream is called '{}'; there are stdout, stderr and uart", name));
}

Guest::~Guest() { release(); }  // nobody runs it: who does holds it

void Guest::check_not_running() const {
  if (devices_ && devices_->in_call_here()) {
    throw Error(
        ErrorKind::kState,
        "a device is called in the middle of an instruction and cannot look at its machine or change it; it "
        "has dma, irq, now_ns and after(), and may call stop()");
  }
  if (running()) {
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
                     const std::vector<Condition>& until, const py::object& callbacks) {
  check_no_callback();
  Machine& machine = idle();
  const BusyMark mark(*this);
  for (const Condition& condition : until) {
    const auto& text = condition.text();
    if (condition.holds_already(processes_) || (text && sink(text->stream).holds(text->text, text->offset))) {
      return {"until", Stop{StopReason::kRequested, 0, machine.hart().pc(), machine.icount(), 0,
                            condition.describe()}};
    }
  }
  const ConditionSink conditions(*this, machine, until);
  Pace pace(max_insns, timeout_seconds, devices_ ? kSignalSeconds : 0);
  tell_hooks(callbacks);  // what an exception left untold
  for (;;) {
    const std::uint64_t before = machine.icount();
    const RunLimits limits = pace.next();
    Stop stop = run_slice(limits, pace.callbacks_are_close() ? Gil::kKeep : Gil::kRelease);
    pace.ran(machine.icount() - before, stop.reason);
    if (hooks_ && stop.reason == StopReason::kBreakpoint) {
      hooks_->at_breakpoint(stop);
    }
    rethrow_device_failure();
    tell_hooks(callbacks);
    if (PyErr_CheckSignals() != 0) {
      throw py::error_already_set();
    }
    const bool ended = stop.reason == StopReason::kExited;
    if (conditions.met() != nullptr && !ended) {
      stop.detail = conditions.met()->describe();
      return {"until", std::move(stop)};
    }
    if (stop_wanted_ && !ended) {
      stop.detail = "stopped on request";
      return {reason_name(StopReason::kRequested), std::move(stop)};
    }
    const bool goes_on = stop.reason == StopReason::kLimit || is_of_hooks(stop.reason) ||
                         (stop.reason == StopReason::kTimeout && !pace.timed_out());
    if (!goes_on || pace.is_over()) {
      stop = goes_on ? limit_stop(machine) : std::move(stop);
      return {reason_name(stop.reason), std::move(stop)};
    }
  }
}

Stop Guest::run_slice(const RunLimits& limits, Gil gil) {
  if (gil == Gil::kKeep) {
    return machine_->run(limits);
  }
  const py::gil_scoped_release release;
  return machine_->run(limits);
}

/// Marks that Python is called: what it asks of the machine is answered.
class Guest::CallbackMark {
 public:
  explicit CallbackMark(Guest& guest) : guest_(guest) {
    guest_.callback_thread_ = std::this_thread::get_id();
    guest_.in_callback_ = true;
  }
  ~CallbackMark() { guest_.in_callback_ = false; }
  CallbackMark(const CallbackMark&) = delete;
  CallbackMark& operator=(const CallbackMark&) = delete;

 private:
  Guest& guest_;
};

void Guest::check_no_callback() const {
  if (in_own_callback()) {
    throw Error(
        ErrorKind::kState,
        "a callback cannot run, spawn on, restore or close its machine; call stop() in it, and do so when "
        "run() has returned");
  }
}

void Guest::tell_hooks(const py::object& callbacks) {
  if (!hooks_ || !hooks_->pending()) {
    return;
  }
  if (callbacks.is_none()) {
    hooks_->forget_pending();
    return;
  }
  const CallbackMark mark(*this);
  const py::list by_number(callbacks);
  while (hooks_->pending()) {
    const Hit hit = hooks_->next();
    const auto at = static_cast<Py_ssize_t>(hit.hook);
    if (at < PyList_GET_SIZE(by_number.ptr())) {
      const auto callback = py::reinterpret_borrow<py::object>(PyList_GET_ITEM(by_number.ptr(), at));
      if (!callback.is_none()) {
        tell_python(callback.ptr(), hit);
      }
    }
  }
}

std::size_t Guest::add_hook(HookSpec spec) {
  Machine& machine = idle();
  if (!hooks_) {
    hooks_ = std::make_unique<HookSet>(machine, processes_);
  }
  return hooks_->add(std::move(spec));
}

void Guest::remove_hook(std::size_t hook) {
  check_not_running();
  if (hooks_) {
    hooks_->remove(hook);
  }
}

void Guest::end_slice() noexcept {
  if (machine_) machine_->request_stop();
}

void Guest::rethrow_device_failure() {
  if (devices_) devices_->rethrow();
}

void Guest::stop() {
  if (machine_ && busy_) {
    stop_wanted_ = true;
    machine_->request_stop();
  }
}

Snapshot Guest::snapshot() {
  Machine& machine = idle();
  if (in_own_callback()) {
    return machine.snapshot();  // it stands still for us already
  }
  const BusyMark mark(*this);
  const py::gil_scoped_release release;
  return machine.snapshot();
}

void Guest::restore(const Snapshot& snapshot) {
  check_no_callback();
  Machine& machine = idle();
  const BusyMark mark(*this);
  {
    const py::gil_scoped_release release;
    machine.restore(snapshot);
  }
  if (hooks_) {
    hooks_->forget_pending();
  }
  ++edits_;
}

int Guest::spawn(const Program& program, const py::object& callbacks) {
  check_no_callback();
  Machine& machine = edited();
  const BusyMark mark(*this);
  int pid = 0;
  {
    const py::gil_scoped_release release;
    pid = quire::spawn(
        machine, program,
        [&](const Stop& stop) {
          if (devices_ && devices_->failed()) {
            const py::gil_scoped_acquire acquire;
            rethrow_device_failure();
          }
          if (stop.reason == StopReason::kLimit && !(hooks_ && hooks_->pending())) {
            const py::gil_scoped_acquire acquire;
            if (PyErr_CheckSignals() != 0) {
              throw py::error_already_set();
            }
            return SpawnGoes::kOn;
          }
          if (hooks_ && stop.reason == StopReason::kBreakpoint) {
            hooks_->at_breakpoint(stop);
          }
          const bool hooked = is_of_hooks(stop.reason) && hooks_;
          const py::gil_scoped_acquire acquire;
          tell_hooks(callbacks);
          return hooked && !stop_wanted_ ? SpawnGoes::kOn : SpawnGoes::kNoFurther;
        },
        mounts_);
  }
  tell_hooks(callbacks);
  return pid;
}

void Guest::close() {
  check_no_callback();
  check_not_running();
  release();
}

void Guest::release() noexcept {
  if (!machine_) {
    return;
  }
  for (const auto& recorder : recorders_) {
    recorder->detach(*machine_);
  }
  recorders_.clear();
  hooks_.reset();
  if (devices_) devices_->detach();
  machine_->remove_sink(&processes_);
  machine_->remove_sink(&events_);
  machine_->remove_part("processes");  // a view of RAM may keep the machine
  machine_->remove_part("event counts");
  machine_.reset();
}

std::shared_ptr<EventRecorder> Guest::record(const std::vector<std::string>& names,
                                             const std::vector<FieldFilter>& filters, AddressRange range,
                                             std::optional<int> pid, std::size_t limit_rows) {
  Machine& machine = idle();
  MachineFilter of_machine{range, {}};
  if (pid) of_machine.holds = [this, pid = *pid] { return in_address_space(*machine_, processes_, pid); };
  auto recorder = std::make_shared<EventRecorder>(names, filters, std::move(of_machine), limit_rows);
  recorder->attach(machine);
  recorders_.push_back(recorder);
  return recorder;
}

void Guest::pause_recordings() {
  Machine& machine = idle();
  for (const auto& recorder : recorders_) {
    recorder->detach(machine);
  }
}

void Guest::resume_recordings() {
  Machine& machine = idle();
  for (const auto& recorder : recorders_) {
    recorder->attach(machine);
  }
}

void Guest::stop_recording(const std::shared_ptr<EventRecorder>& recorder) {
  const auto found = std::find(recorders_.begin(), recorders_.end(), recorder);
  if (found != recorders_.end()) {
    recorder->detach(idle());
    recorders_.erase(found);
  }
}

}  // namespace quire::python
