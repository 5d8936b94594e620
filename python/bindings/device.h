// Devices written in Python: how the machine calls them, and what they reach of it.
//
// A device is called in the middle of an instruction, on the thread that runs the machine. Invariant: nothing
// that Python raises there passes through the machine (translated code has no way out for it); the first such
// exception is kept, the machine asked to stop after the instruction, and Guest raises it. Everything here is
// used with the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "quire/device.h"
#include "quire/state_archive.h"

namespace quire::python {

class Guest;
class PythonDevice;

/// What a machine's devices in Python have in common: who is in a call, and what went wrong.
class DeviceCalls {
 public:
  /// While it lives, the thread is in a device's call.
  class Mark {
   public:
    explicit Mark(DeviceCalls& calls) : calls_(calls) {
      calls_.thread_ = std::this_thread::get_id();
      ++calls_.depth_;
    }
    ~Mark() { --calls_.depth_; }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;

   private:
    DeviceCalls& calls_;
  };

  /// `guest` must outlive it or detach().
  void attach(Guest* guest) { guest_ = guest; }
  void detach() { guest_ = nullptr; }
  bool attached() const { return guest_ != nullptr; }

  bool in_call_here() const { return depth_ > 0 && thread_ == std::this_thread::get_id(); }
  /// Throws Error(kState) unless a device may act now: in a call of its own, or while the machine stands
  /// still. What it does then counts as a change from outside.
  void check_may_act() const;

  /// Keeps the exception that is being handled and stops the machine; one beside it is told as Python tells
  /// of those that nobody can catch.
  void fail();
  bool failed() const { return failure_ != nullptr; }
  /// Throws what was kept, if anything was.
  void rethrow();

 private:
  Guest* guest_ = nullptr;
  std::thread::id thread_;
  unsigned depth_ = 0;
  std::exception_ptr failure_;
};

/// What Python's object has of its place on the board (quire.Device uses it); of no use once the machine is
/// gone.
class DeviceWires {
 public:
  explicit DeviceWires(PythonDevice* device) : device_(device) {}
  void cut() { device_ = nullptr; }
  bool connected() const { return device_ != nullptr; }

  std::uint64_t address() const;
  unsigned irq() const;
  bool level() const;
  std::uint64_t now_ns() const;

  void set_level(bool asserted);
  pybind11::bytes dma_read(std::uint64_t address, std::uint64_t size);
  void dma_write(std::uint64_t address, const pybind11::buffer& data);
  /// Calls the method of that name in `delay_ns`; what it returns is for cancel().
  std::uint64_t schedule(std::uint64_t delay_ns, const std::string& method);
  void cancel(std::uint64_t event);

 private:
  PythonDevice& device() const;
  /// The same, for what changes the machine.
  PythonDevice& acting() const;

  PythonDevice* device_;
};

/// The board's side of a device in Python. It holds no reference to the object: the machine's own object
/// does, so that Python sees their cycles; one that is gone reads as 0.
class PythonDevice final : public Device {
 public:
  PythonDevice(const pybind11::weakref& object, std::string name, std::shared_ptr<DeviceCalls> calls,
               const DeviceWiring& wiring);
  ~PythonDevice() override;
  PythonDevice(const PythonDevice&) = delete;
  PythonDevice& operator=(const PythonDevice&) = delete;

  std::string_view name() const override { return name_; }
  void reset() override;
  void transfer(StateArchive& archive) override;
  std::string unsaveable() const override;
  std::uint64_t read(std::uint64_t offset, unsigned size) override;
  void write(std::uint64_t offset, unsigned size, std::uint64_t value) override;

  std::uint64_t address() const { return wiring_.base; }
  unsigned irq() const { return wiring_.irq_number; }
  bool level() const { return level_; }
  std::uint64_t now_ns() const { return wiring_.clock.now_ns(); }
  Dma& dma() { return wiring_.dma; }
  DeviceCalls& calls() { return *calls_; }
  void set_level(bool asserted);
  std::uint64_t schedule(std::uint64_t delay_ns, const std::string& method);
  void cancel(std::uint64_t event);

 private:
  /// Calls `action` with the object, unless it is gone; what it throws is kept.
  void call(const std::function<void(const pybind11::object&)>& action);
  void due(Clock::EventId event);
  void cancel_all();
  void transfer_events(StateArchive& archive);
  void restore_object(const std::string& state);

  pybind11::weakref object_;
  const std::string name_;
  const std::shared_ptr<DeviceCalls> calls_;
  const DeviceWiring wiring_;
  const std::shared_ptr<DeviceWires> wires_;
  bool saveable_ = false;
  bool level_ = false;
  bool restore_failed_ = false;                   ///< since the last time its state was taken
  std::map<Clock::EventId, std::string> events_;  ///< the methods that they call
};

/// Of tuples (object, name, compatible, size, address or None, interrupt or None), as quire.device makes
/// them.
std::vector<AddedDevice> added_devices(const pybind11::list& devices,
                                       const std::shared_ptr<DeviceCalls>& calls);

void bind_devices(pybind11::module_& module);

}  // namespace quire::python
