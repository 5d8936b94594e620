// A machine as Python holds it: with its streams, what watches it, and a guard against use while it runs.
//
// Invariant: `busy_` is set exactly while a thread is inside run(); everything else but stop() and the
// streams then answers Busy, except to callbacks: they are called on that thread between two instructions,
// and may do all but run, spawn, restore and close. A device in Python is called within an instruction: to it
// the machine answers nothing. The GIL is not held while the guest runs, unless
// callbacks follow each other closely.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "python/bindings/condition.h"
#include "python/bindings/device.h"
#include "python/bindings/hooks.h"
#include "quire/event_counters.h"
#include "quire/launch.h"
#include "quire/machine.h"
#include "quire/process_table.h"
#include "quire/recorder.h"
#include "quire/streams.h"

namespace quire::python {

/// What run() gives Python; `reason` is one of exited, limit, timeout, until, requested, idle.
struct RunResult {
  std::string reason;
  Stop stop;
};

class Guest : public std::enable_shared_from_this<Guest> {
 public:
  /// Of each output stream, about the last `output_limit_bytes` are kept.
  /// `devices` are those of the configuration that are written in Python; null without any.
  Guest(Config config, std::size_t output_limit_bytes, std::shared_ptr<DeviceCalls> devices,
        GuestMounts mounts = {});
  ~Guest();

  /// The machine, for looking at or changing; throws Error(kState) while it runs or when it is closed.
  Machine& idle();
  /// The same, for what changes the machine from outside: edits() counts them.
  Machine& edited();
  std::uint64_t edits() const { return edits_; }
  /// Throws Error(kState) while another thread runs the machine; a closed one is fine.
  void check_not_running() const;
  /// Runs in slices; between them signals of the host (Ctrl-C) are delivered to Python. `callbacks` is a
  /// list, by number of the hook; with None, hooks are not told. What a callback throws comes out.
  RunResult run(std::optional<std::uint64_t> max_insns, double timeout_seconds,
                const std::vector<Condition>& until, const pybind11::object& callbacks);
  /// Ends a run() in another thread.
  void stop();
  /// Ends the slice that runs, so that run() looks at what happened.
  void end_slice() noexcept;
  /// Throws what a device in Python raised, if one did.
  void rethrow_device_failure();
  int spawn(const Program& program, const pybind11::object& callbacks);
  Snapshot snapshot();
  void restore(const Snapshot& snapshot);
  void close();
  bool closed() const { return !machine_; }
  /// Not to a callback, which finds the machine standing still.
  bool running() const { return busy_ && !in_own_callback(); }

  std::shared_ptr<EventRecorder> record(const std::vector<std::string>& names,
                                        const std::vector<FieldFilter>& filters, AddressRange range,
                                        std::optional<int> pid, std::size_t limit_rows);
  void stop_recording(const std::shared_ptr<EventRecorder>& recorder);
  /// While what has been is run again, nothing is recorded a second time.
  void pause_recordings();
  void resume_recordings();

  std::size_t add_hook(HookSpec spec);
  void remove_hook(std::size_t hook);
  std::uint64_t hook_hits(std::size_t hook) const { return hooks_ ? hooks_->hits(hook) : 0; }

  /// For what looks on while the machine runs and is wanted no more. The GIL is held.
  void keep_until_idle(std::shared_ptr<void> observer) { until_idle_.push_back(std::move(observer)); }

  std::size_t output_limit_bytes() const { return output_limit_bytes_; }
  const EventCounters& events() const { return events_; }
  const ProcessTable& processes() const { return processes_; }
  BufferSource& input() { return *stdin_; }
  BufferSource& uart_input() { return *uart_in_; }
  /// "stdout", "stderr" or "uart".
  BufferSink& sink(const std::string& name);
  /// Keeps RAM alive for a view that outlives close().
  std::shared_ptr<Machine> shared_machine() const { return machine_; }

 private:
  class BusyMark;
  class CallbackMark;
  enum class Gil { kRelease, kKeep };

  void release() noexcept;
  Stop run_slice(const RunLimits& limits, Gil gil);
  bool in_own_callback() const { return in_callback_ && callback_thread_ == std::this_thread::get_id(); }
  /// For what no callback may do.
  void check_no_callback() const;
  void tell_hooks(const pybind11::object& callbacks);

  std::shared_ptr<BufferSource> stdin_ = std::make_shared<BufferSource>();
  std::shared_ptr<BufferSource> uart_in_ = std::make_shared<BufferSource>();
  std::shared_ptr<BufferSink> stdout_, stderr_, uart_;
  GuestMounts mounts_;
  EventCounters events_;
  ProcessTable processes_;
  std::vector<std::shared_ptr<EventRecorder>> recorders_;
  std::shared_ptr<Machine> machine_;
  std::unique_ptr<HookSet> hooks_;        ///< once there is a hook
  std::shared_ptr<DeviceCalls> devices_;  ///< null without devices in Python
  std::thread::id callback_thread_;
  std::atomic<bool> in_callback_ = false;
  std::size_t output_limit_bytes_;
  std::vector<std::shared_ptr<void>> until_idle_;
  std::uint64_t edits_ = 0;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> stop_wanted_ = false;
};

/// A recorder as Python holds it. It grows while the machine runs, without the GIL, and is looked at between
/// runs.
class Recorder {
 public:
  Recorder(std::shared_ptr<EventRecorder> events, std::shared_ptr<Guest> guest)
      : events_(std::move(events)), guest_(std::move(guest)) {}
  /// Throws Error(kState) while the machine runs.
  EventRecorder& idle() const {
    guest_->check_not_running();
    return *events_;
  }
  const std::shared_ptr<EventRecorder>& events() const { return events_; }

 private:
  std::shared_ptr<EventRecorder> events_;
  std::shared_ptr<Guest> guest_;
};

}  // namespace quire::python
