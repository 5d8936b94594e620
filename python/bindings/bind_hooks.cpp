#include "python/bindings/bind_hooks.h"

#include <pybind11/stl.h>

#include "python/bindings/moments.h"
#include "quire/arch/names.h"
#include "quire/trace_names.h"

namespace quire::python {
namespace py = pybind11;
using namespace pybind11::literals;
namespace {

constexpr std::uint64_t kInterruptFlag = std::uint64_t{1} << 63;

const char* name_of(HookKind kind) {
  switch (kind) {
    case HookKind::kInsn:
      return "insn";
    case HookKind::kAccess:
      return "mem";
    case HookKind::kEvent:
      return "event";
    case HookKind::kTrap:
      return "trap";
    case HookKind::kInterrupt:
      return "interrupt";
    case HookKind::kWalk:
      return "walk";
    case HookKind::kFill:
      return "tlb_fill";
    case HookKind::kEvict:
      return "tlb_evict";
    case HookKind::kFence:
      return "fence";
    case HookKind::kDevice:
      return "mmio";
    case HookKind::kSbi:
      return "sbi";
  }
  return "?";
}

HookKind machine_kind(const std::string& name) {
  for (const HookKind kind : {HookKind::kTrap, HookKind::kInterrupt, HookKind::kWalk, HookKind::kFill,
                              HookKind::kEvict, HookKind::kFence, HookKind::kDevice, HookKind::kSbi}) {
    if (name == name_of(kind)) return kind;
  }
  throw Error(ErrorKind::kUsage, "nothing of a machine is called '" + name + "'");
}

std::string flags_of(std::uint8_t flags) {
  static constexpr char kLetters[] = "vrwxugad";
  std::string text;
  for (unsigned bit = 1; bit < 8; ++bit) text += (flags >> bit & 1) != 0 ? kLetters[bit] : '-';
  text += (flags & 1) != 0 ? 'v' : '-';
  return text;
}

py::dict fields_of(const EventPlace& at) {
  return py::dict("pc"_a = at.pc, "priv"_a = arch::privilege_key(at.privilege));
}

/// The fields of a machine's event, and where it was.
struct Described {
  EventPlace at;
  py::object fields;
};

Described describe(const TrapEvent& event) {
  py::dict fields = fields_of(event.at);
  fields["cause"] = event.cause & ~kInterruptFlag;
  const char* const name = (event.cause & kInterruptFlag) == 0 ? arch::exception_name(event.cause) : nullptr;
  fields["name"] = name == nullptr ? py::object(py::none()) : py::object(py::str(name));
  fields["tval"] = event.tval;
  fields["target"] = arch::privilege_key(event.target);
  fields["handler"] = event.handler;
  return {event.at, fields};
}

Described describe(const MmuEvent& event) {
  py::dict fields = fields_of(event.at);
  fields["va"] = event.va;
  fields["asid"] = event.asid;
  if (event.kind == MmuEvent::Kind::kWalk) {
    fields["access"] = std::string(access_name(static_cast<std::uint64_t>(event.access)));
    fields["steps"] = event.steps;
    fields["fault"] =
        event.fault.empty() ? py::object(py::none()) : py::object(py::str(std::string(event.fault)));
  }
  if (event.kind != MmuEvent::Kind::kFence && event.fault.empty()) {
    fields["physical_address"] = event.physical_address;
    fields["page_bytes"] = event.page_bytes;
    fields["flags"] = flags_of(event.flags);
  }
  return {event.at, fields};
}

Described describe(const DeviceEvent& event) {
  py::dict fields = fields_of(event.at);
  fields["device"] = std::string(event.device);
  fields["offset"] = event.offset;
  fields["size"] = event.size_bytes;
  fields["access"] = event.is_write ? "w" : "r";
  fields["value"] = event.value;
  return {event.at, fields};
}

Described describe(const SbiEvent& event) {
  py::dict fields = fields_of(event.at);
  fields["extension"] = event.extension;
  fields["function"] = event.function;
  fields["args"] = py::tuple(py::cast(event.args));
  fields["error"] = static_cast<std::int64_t>(event.error);
  fields["value"] = event.value;
  return {event.at, fields};
}

void checked(PyObject* result) {
  if (result == nullptr) throw py::error_already_set();
  Py_DECREF(result);
}

void call(PyObject* callback, const py::object& argument) {
  checked(PyObject_CallOneArg(callback, argument.ptr()));
}

struct Teller {
  PyObject* callback;
  HookKind kind;

  void operator()(const EventPlace& place) const { call(callback, make_moment(place)); }
  void operator()(const AccessEvent& access) const { call(callback, make_moment(access)); }
  void operator()(const TraceEvent& event) const {
    const EventInfo* const info = find_event(event.id);
    py::tuple args(info->fields.size());
    for (std::size_t i = 0; i < info->fields.size(); ++i) args[i] = event.args[i];
    const py::handle function = callback;
    function(std::string(info->name), event.icount, event.hart, args);
  }
  template <class Event>
  void operator()(const Event& event) const {
    const Described described = describe(event);
    const py::handle function = callback;
    function(name_of(kind), described.at.icount, described.at.hart, described.fields);
  }
};

}  // namespace

void tell_python(PyObject* callback, const Hit& hit) { std::visit(Teller{callback, hit.kind}, hit.news); }

void bind_hooks(py::class_<Guest, std::shared_ptr<Guest>>& guest) {
  guest
      .def(
          "hook_insn",
          [](Guest& g, std::uint64_t first, std::uint64_t last, std::optional<int> pid) {
            return g.add_hook({.kind = HookKind::kInsn, .first = first, .last = last, .pid = pid});
          },
          py::arg("first"), py::arg("last"), py::arg("pid"))
      .def(
          "hook_access",
          [](Guest& g, std::uint64_t first, std::uint64_t last, const std::string& access,
             std::optional<int> pid) {
            const WatchKind watch = access == "r"   ? WatchKind::kRead
                                    : access == "w" ? WatchKind::kWrite
                                                    : WatchKind::kAccess;
            return g.add_hook(
                {.kind = HookKind::kAccess, .first = first, .last = last, .watch = watch, .pid = pid});
          },
          py::arg("first"), py::arg("last"), py::arg("access"), py::arg("pid"))
      .def(
          "hook_event",
          [](Guest& g, const Condition& condition) {
            return g.add_hook({.kind = HookKind::kEvent, .condition = condition});
          },
          py::arg("condition"))
      .def(
          "hook_machine",
          [](Guest& g, const std::string& what, std::uint64_t first, std::uint64_t last,
             std::optional<int> pid, std::optional<std::uint64_t> number, const std::string& device) {
            return g.add_hook({.kind = machine_kind(what),
                               .first = first,
                               .last = last,
                               .pid = pid,
                               .number = number,
                               .device = device});
          },
          py::arg("what"), py::arg("first"), py::arg("last"), py::arg("pid"), py::arg("number"),
          py::arg("device"))
      .def("unhook", &Guest::remove_hook, py::arg("hook"))
      .def("hook_hits", &Guest::hook_hits, py::arg("hook"));
}

}  // namespace quire::python
