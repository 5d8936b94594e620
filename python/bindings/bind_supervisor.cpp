// What the supervisor knows, for Python: plain tuples and dicts, of which python/quire/introspection.py makes
// objects.
#include <fmt/format.h>

#include "python/bindings/bind.h"
#include "python/bindings/guest.h"
#include "quire/arch/linux/stat.h"
#include "quire/supervisor_view.h"

namespace quire::python {
namespace py = pybind11;
using namespace pybind11::literals;
namespace {

std::string permissions_of(const MemoryArea& area) {
  return {area.readable ? 'r' : '-', area.writable ? 'w' : '-', area.executable ? 'x' : '-',
          area.shared ? 's' : 'p'};
}

/// (whether it has memory, locked, trouble, areas), and of each area (start, end, permissions, offset, major,
/// minor, inode, name, kind, locked, grows down) of each.
py::tuple areas(Guest& guest, std::uint32_t pid) {
  const auto found = SupervisorView(guest.idle()).areas(pid);
  if (!found) {
    return py::make_tuple(false, false, "", py::list());
  }
  py::list listed;
  for (const MemoryArea& area : found->areas) {
    listed.append(py::make_tuple(area.start, area.end, permissions_of(area), area.offset,
                                 arch::device_major(area.device), arch::device_minor(area.device), area.inode,
                                 py::bytes(area.name), std::string(area_kind_name(area.kind)), area.locked,
                                 area.grows_down));
  }
  return py::make_tuple(true, found->locked, found->trouble, listed);
}

py::dict frame_counts(Guest& guest) {
  const FrameCounts c = SupervisorView(guest.idle()).frame_counts();
  return py::dict("total"_a = c.total, "free"_a = c.free, "anonymous"_a = c.anonymous,
                  "page_cache"_a = c.page_cache, "page_tables"_a = c.page_tables, "slab"_a = c.slab,
                  "stacks"_a = c.stacks, "vmalloc"_a = c.vmalloc, "kernel"_a = c.kernel, "dirty"_a = c.dirty,
                  "writing"_a = c.writing);
}

/// (use, references, dirty, (major, minor, inode, page) or None)
py::tuple frame(Guest& guest, std::uint64_t pfn) {
  const FrameFacts facts = SupervisorView(guest.idle()).frame(pfn);
  py::object cached = py::none();
  if (facts.cached) {
    cached =
        py::make_tuple(arch::device_major(facts.cached->device), arch::device_minor(facts.cached->device),
                       facts.cached->inode, facts.cached->page);
  }
  return py::make_tuple(facts.use, facts.references, facts.dirty, cached);
}

std::pair<std::uint64_t, std::uint64_t> frame_range(Guest& guest) {
  const SupervisorView view(guest.idle());
  return {view.first_frame(), view.frame_count()};
}

}  // namespace

void bind_supervisor(py::class_<Guest, std::shared_ptr<Guest>>& guest) {
  guest.def("areas", &areas, py::arg("pid"))
      .def("frame_counts", &frame_counts)
      .def("frame", &frame, py::arg("pfn"))
      .def("frame_range", &frame_range);
}

}  // namespace quire::python
