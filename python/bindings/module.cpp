// The extension module quire._core: thin, typed by python/quire/_core.pyi; the package quire is what people
// use.
#include <pybind11/pybind11.h>

#include <utility>

#include "python/bindings/bind.h"
#include "python/bindings/device.h"
#include "python/bindings/moments.h"
#include "quire/error.h"

namespace py = pybind11;

namespace quire::python {
namespace {

/// The classes live in Python (quire/errors.py), so that they can derive from Python's own.
py::object error_class(const char* name) { return py::module_::import("quire.errors").attr(name); }

const char* class_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return "UsageError";
    case ErrorKind::kFile:
      return "FileError";
    case ErrorKind::kState:
      return "Busy";
    case ErrorKind::kInternal:
      break;
  }
  return "Error";
}

}  // namespace

void bind_errors(py::module_& /*module*/) {
  py::register_exception_translator([](std::exception_ptr pointer) {  // pybind11's type
    try {
      std::rethrow_exception(std::move(pointer));
    } catch (const Error& error) {
      PyErr_SetString(error_class(class_name(error.kind())).ptr(), error.what());
    } catch (const PageFaultError& fault) {
      const py::object type = error_class("PageFault");
      PyErr_SetObject(type.ptr(), type(fault.va, fault.access, fault.reason).ptr());
    } catch (const DmaFaultError& fault) {
      const py::object type = error_class("DmaError");
      PyErr_SetObject(type.ptr(), type(fault.address, fault.size, fault.access).ptr());
    }
  });
}

}  // namespace quire::python

PYBIND11_MODULE(_core, module) {
  module.doc() = "Quire's native part; import quire instead.";
  module.attr("__version__") = QUIRE_VERSION;
  quire::python::bind_errors(module);
  quire::python::bind_names(module);
  quire::python::bind_events(module);
  quire::python::bind_snapshot(module);
  quire::python::bind_moments(module);
  quire::python::bind_devices(module);
  quire::python::bind_machine(module);
}
