// Snapshots as Python sees them; the package's quire.Snapshot stands around them.
#include <fmt/format.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "python/bindings/bind.h"
#include "quire/snapshot.h"

namespace quire::python {
namespace py = pybind11;

void bind_snapshot(py::module_& module) {
  py::class_<Snapshot>(module, "Snapshot", "All of a machine at one moment. Immutable.")
      .def_static(
          "load", [](const std::string& path) { return Snapshot::load(path); }, py::arg("path"),
          py::call_guard<py::gil_scoped_release>())
      .def(
          "save", [](const Snapshot& s, const std::string& path) { s.save(path); }, py::arg("path"),
          py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("icount", &Snapshot::icount)
      .def_property_readonly("time_ns", &Snapshot::time_ns)
      .def_property_readonly("pc", &Snapshot::pc)
      .def_property_readonly("ram_bytes", &Snapshot::ram_bytes)
      .def_property_readonly("pages", &Snapshot::pages)
      .def(
          "same", [](const Snapshot& s, const Snapshot& other) { return s.same(other); }, py::arg("other"),
          py::call_guard<py::gil_scoped_release>())
      .def("digest", &Snapshot::digest, py::call_guard<py::gil_scoped_release>())
      .def(
          "diff",
          [](const Snapshot& s, const Snapshot& other) {
            const SnapshotDiff diff = s.diff(other);
            py::list values;
            for (const ValueDifference& v : diff.values) {
              values.append(py::make_tuple(v.name, v.before, v.after));
            }
            py::list memory;
            for (const MemoryDifference& m : diff.memory) {
              memory.append(py::make_tuple(m.address, m.bytes, m.changed));
            }
            return py::make_tuple(values, memory, py::cast(diff.parts));
          },
          py::arg("other"));
}

}  // namespace quire::python
