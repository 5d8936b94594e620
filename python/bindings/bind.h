// The parts of quire._core, each of which adds its classes to the module; and the exceptions they share.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <string>

namespace quire::python {

class Guest;

/// Becomes quire.PageFault(va, access, reason).
struct PageFaultError {
  std::uint64_t va;
  std::string access;  ///< "r", "w", "x"
  std::string reason;
};

/// Becomes quire.DmaError(address, size, access).
struct DmaFaultError {
  std::uint64_t address;
  std::uint64_t size;
  std::string access;  ///< "read" or "write"
};

void bind_errors(pybind11::module_& module);
void bind_names(pybind11::module_& module);
void bind_events(pybind11::module_& module);
void bind_snapshot(pybind11::module_& module);
void bind_machine(pybind11::module_& module);
/// What observes a run for fault injection; before bind_faults().
void bind_observers(pybind11::module_& module);
/// Adds to Guest what fault injection needs.
void bind_faults(pybind11::class_<Guest, std::shared_ptr<Guest>>& guest);
/// Adds what the supervisor knows.
void bind_supervisor(pybind11::class_<Guest, std::shared_ptr<Guest>>& guest);

}  // namespace quire::python
