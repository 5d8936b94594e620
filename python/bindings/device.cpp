#include "python/bindings/device.h"

#include <fmt/format.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <utility>

#include "python/bindings/bind.h"
#include "python/bindings/guest.h"
#include "quire/error.h"

namespace py = pybind11;

namespace quire::python {
namespace {

constexpr std::uint64_t kDmaPartBytes = std::uint64_t{1} << 20;

/// What a device's read() gave, as the bus takes it.
std::uint64_t number_of(const py::object& value, const std::string& name, unsigned size) {
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!number) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError))
      throw py::error_already_set();  // its own __index__() failed
    PyErr_Clear();
    throw Error(ErrorKind::kUsage,
                fmt::format("read() of the device '{}' returned {}, which is no whole number", name,
                            std::string(py::repr(value))));
  }
  const std::uint64_t raw = PyLong_AsUnsignedLongLong(number.ptr());
  const bool impossible = PyErr_Occurred() != nullptr;
  PyErr_Clear();
  if (impossible || (size < sizeof raw && raw >> (8 * size) != 0)) {
    // Python writes no decimal number of more than 4300 digits.
    const bool long_one = number.attr("bit_length")().cast<std::uint64_t>() > 256;
    const std::string text = long_one ? "a number of more than 256 bits" : std::string(py::str(number));
    throw Error(ErrorKind::kUsage,
                fmt::format("read() of the device '{}' returned {}, which {} bytes do not hold; mask it",
                            name, text, size));
  }
  return raw;
}

}  // namespace

void DeviceCalls::check_may_act() const {
  if (in_call_here()) return;
  if (guest_ == nullptr) {
    throw Error(ErrorKind::kState, "the device's machine is closed; its lines lead nowhere");
  }
  guest_->edited();
}

void DeviceCalls::fail() {
  if (!failure_) {
    failure_ = std::current_exception();
    if (guest_ != nullptr) guest_->end_slice();
    return;
  }
  try {
    throw;
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("a device of quire, after another exception");
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the first one says what is wrong
  }
}

void DeviceCalls::rethrow() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

PythonDevice& DeviceWires::device() const {
  if (device_ == nullptr) {
    throw Error(ErrorKind::kState, "the device's machine is closed; its lines lead nowhere");
  }
  return *device_;
}

PythonDevice& DeviceWires::acting() const {
  PythonDevice& found = device();
  found.calls().check_may_act();
  return found;
}

std::uint64_t DeviceWires::address() const { return device().address(); }
unsigned DeviceWires::irq() const { return device().irq(); }
bool DeviceWires::level() const { return device().level(); }
std::uint64_t DeviceWires::now_ns() const { return device().now_ns(); }
void DeviceWires::set_level(bool asserted) { acting().set_level(asserted); }
void DeviceWires::cancel(std::uint64_t event) { acting().cancel(event); }
std::uint64_t DeviceWires::schedule(std::uint64_t delay_ns, const std::string& method) {
  return acting().schedule(delay_ns, method);
}

py::bytes DeviceWires::dma_read(std::uint64_t address, std::uint64_t size) {
  PythonDevice& from = acting();
  std::string data;
  // RAM is one piece: its last byte refuses what is too much before all of it is copied.
  if (std::uint8_t last = 0; size > kDmaPartBytes && !from.dma().read(address + (size - 1), {&last, 1})) {
    throw DmaFaultError{address, size, "read"};
  }
  // In parts, so that an impossible size takes no memory.
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t part = std::min(size - done, kDmaPartBytes);
    data.resize(done + part);
    if (!from.dma().read(address + done, {reinterpret_cast<std::uint8_t*>(data.data() + done), part})) {
      throw DmaFaultError{address, size, "read"};
    }
    done += part;
  }
  return data;
}

void DeviceWires::dma_write(std::uint64_t address, const py::buffer& data) {
  PythonDevice& from = acting();
  const py::buffer_info info = data.request();
  if (info.ndim != 1 || (info.size > 0 && info.strides[0] != info.itemsize)) {
    throw Error(ErrorKind::kUsage, "the data must be contiguous bytes");
  }
  const auto size = static_cast<std::size_t>(info.size * info.itemsize);
  if (!from.dma().write(address, {static_cast<const std::uint8_t*>(info.ptr), size})) {
    throw DmaFaultError{address, size, "write"};
  }
}

PythonDevice::PythonDevice(const py::weakref& object, std::string name, std::shared_ptr<DeviceCalls> calls,
                           const DeviceWiring& wiring)
    : object_(object),
      name_(std::move(name)),
      calls_(std::move(calls)),
      wiring_(wiring),
      wires_(std::make_shared<DeviceWires>(this)) {
  const py::object device = object_();
  saveable_ = device.attr("_connect")(wires_).cast<bool>();
}

PythonDevice::~PythonDevice() {
  const py::gil_scoped_acquire gil;
  cancel_all();
  wires_->cut();
  object_.release().dec_ref();
}

void PythonDevice::call(const std::function<void(const py::object&)>& action) {
  const py::gil_scoped_acquire gil;
  const py::object device = object_();
  if (device.is_none()) return;
  const DeviceCalls::Mark mark(*calls_);
  try {
    action(device);
  } catch (...) {
    calls_->fail();
  }
}

void PythonDevice::reset() {
  cancel_all();
  set_level(false);
  call([](const py::object& device) { device.attr("reset")(); });
  // At power-on there is no run() yet that could raise it, nor translated code under it.
  if (!calls_->attached()) {
    const py::gil_scoped_acquire gil;
    calls_->rethrow();
  }
}

std::uint64_t PythonDevice::read(std::uint64_t offset, unsigned size) {
  std::uint64_t value = 0;
  call([&](const py::object& device) { value = number_of(device.attr("read")(offset, size), name_, size); });
  return value;
}

void PythonDevice::write(std::uint64_t offset, unsigned size, std::uint64_t value) {
  call([&](const py::object& device) { device.attr("write")(offset, size, value); });
}

void PythonDevice::set_level(bool asserted) {
  level_ = asserted;
  wiring_.irq.set(asserted);
}

std::uint64_t PythonDevice::schedule(std::uint64_t delay_ns, const std::string& method) {
  const std::uint64_t now = now_ns();
  if (delay_ns > UINT64_MAX - now) {
    throw Error(ErrorKind::kUsage, fmt::format("{} ns from now is beyond the end of time", delay_ns));
  }
  // The number is known when the event is made; it is due in a later step of the machine at the earliest.
  const auto number = std::make_shared<Clock::EventId>();
  *number = wiring_.clock.schedule(now + delay_ns, [this, number] { due(*number); });
  events_[*number] = method;
  return *number;
}

void PythonDevice::cancel(std::uint64_t event) {
  if (events_.erase(event) != 0) wiring_.clock.cancel(event);
}

void PythonDevice::cancel_all() {
  for (const auto& [event, method] : events_) wiring_.clock.cancel(event);
  events_.clear();
}

void PythonDevice::due(Clock::EventId event) {
  const auto found = events_.find(event);
  if (found == events_.end()) return;
  const std::string method = found->second;
  events_.erase(found);
  call([&](const py::object& device) { device.attr(method.c_str())(); });
}

std::string PythonDevice::unsaveable() const {
  return saveable_ ? ""
                   : "has no state() and restore(), without which it cannot go back; write both "
                     "(docs/python/devices.md)";
}

void PythonDevice::transfer(StateArchive& archive) {
  const py::gil_scoped_acquire gil;
  const DeviceCalls::Mark mark(*calls_);
  std::string state;
  if (const py::object device = object_(); !archive.loading() && !device.is_none()) {
    state = device.attr("_state_bytes")().cast<std::string>();
    restore_failed_ = false;
  }
  archive(state, level_);
  transfer_events(archive);
  if (archive.loading()) restore_object(state);
}

void PythonDevice::transfer_events(StateArchive& archive) {
  const std::size_t count = archive.count(events_.size());
  if (!archive.loading()) {
    for (const auto& [event, method] : events_) {
      std::uint64_t number = event;
      std::uint64_t deadline_ns = wiring_.clock.deadline_ns(event);
      std::string name = method;
      archive(number, deadline_ns, name);
    }
    return;
  }
  events_.clear();  // the clock has forgotten them already
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t number = 0;
    std::uint64_t deadline_ns = 0;
    std::string name;
    archive(number, deadline_ns, name);
    wiring_.clock.schedule_again(number, deadline_ns, [this, number] { due(number); });
    events_[number] = std::move(name);
  }
}

void PythonDevice::restore_object(const std::string& state) {
  const py::object device = object_();
  if (device.is_none()) return;
  try {
    device.attr("_restore_bytes")(py::bytes(state));
  } catch (py::error_already_set& error) {
    if (!std::exchange(restore_failed_, true)) throw;
    // The machine is being put back to what it was, which must come to its end.
    error.discard_as_unraisable("restore() of a device of quire, on the way back");
  }
}

std::vector<AddedDevice> added_devices(const py::list& devices, const std::shared_ptr<DeviceCalls>& calls) {
  std::vector<AddedDevice> added;
  for (const py::handle item : devices) {
    const auto fields = item.cast<py::tuple>();
    AddedDevice device;
    device.name = fields[1].cast<std::string>();
    device.compatible = fields[2].cast<std::vector<std::string>>();
    device.size_bytes = fields[3].cast<std::uint64_t>();
    device.base = fields[4].cast<std::optional<std::uint64_t>>();
    device.irq = fields[5].cast<std::optional<unsigned>>();
    // The configuration lives as long as the machine: a reference would keep the object with it.
    const auto object =
        std::shared_ptr<py::weakref>(new py::weakref(py::object(fields[0])), [](py::weakref* reference) {
          const py::gil_scoped_acquire gil;
          delete reference;
        });
    device.make = [object, name = device.name, calls](const DeviceWiring& wiring) {
      const py::gil_scoped_acquire gil;
      return std::make_unique<PythonDevice>(*object, name, calls, wiring);
    };
    added.push_back(std::move(device));
  }
  return added;
}

void bind_devices(py::module_& module) {
  py::class_<DeviceWires, std::shared_ptr<DeviceWires>>(module, "DeviceWires",
                                                        "A device's place on the board: see quire.Device.")
      .def_property_readonly("connected", &DeviceWires::connected)
      .def_property_readonly("address", &DeviceWires::address)
      .def_property_readonly("irq", &DeviceWires::irq)
      .def_property_readonly("level", &DeviceWires::level)
      .def_property_readonly("now_ns", &DeviceWires::now_ns)
      .def("set_level", &DeviceWires::set_level, py::arg("asserted"))
      .def("dma_read", &DeviceWires::dma_read, py::arg("address"), py::arg("size"))
      .def("dma_write", &DeviceWires::dma_write, py::arg("address"), py::arg("data"))
      .def("schedule", &DeviceWires::schedule, py::arg("delay_ns"), py::arg("method"))
      .def("cancel", &DeviceWires::cancel, py::arg("event"));
}

}  // namespace quire::python
