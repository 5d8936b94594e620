// Names and numbers from the shared tables, and settings as people write them.
#include <pybind11/stl.h>

#include <map>

#include "python/bindings/bind.h"
#include "quire/arch/names.h"
#include "quire/launch.h"
#include "quire/settings.h"
#include "quire/trace_names.h"

namespace py = pybind11;

namespace quire::python {
namespace {

std::map<std::string, std::vector<std::string>> event_fields() {
  std::map<std::string, std::vector<std::string>> fields;
  for (const EventInfo& event : event_table()) {
    fields.emplace(event.name, std::vector<std::string>(event.fields.begin(), event.fields.end()));
  }
  return fields;
}

std::map<std::string, std::vector<std::string>> machine_event_fields() {
  std::map<std::string, std::vector<std::string>> fields;
  for (const EventInfo& event : machine_event_table()) {
    fields.emplace(event.name, std::vector<std::string>(event.fields.begin(), event.fields.end()));
  }
  return fields;
}

std::vector<std::string> fault_kinds() {
  const auto names = fault_kind_names();
  return {names.begin(), names.end()};
}

std::map<std::string, unsigned> csr_numbers() {
  std::map<std::string, unsigned> numbers;
  for (const arch::CsrName& csr : arch::kCsrNames) {
    numbers.emplace(csr.name, csr.number);
  }
  return numbers;
}

std::map<unsigned, std::string> exception_names() {
  constexpr unsigned kLimit = 64;
  std::map<unsigned, std::string> names;
  for (unsigned cause = 0; cause < kLimit; ++cause) {
    if (const char* const name = arch::exception_name(cause)) {
      names.emplace(cause, name);
    }
  }
  return names;
}

}  // namespace

void bind_names(py::module_& module) {
  module.def("event_fields", &event_fields, "Fields of every event, by the event's name.");
  module.def("machine_event_fields", &machine_event_fields,
             "Fields of what the machine itself can be recorded doing, by name.");
  module.def("fault_kinds", &fault_kinds, "Ways in which a page fault is answered; the index is the number.");
  module.def("csr_numbers", &csr_numbers, "Numbers of the CSRs, by name.");
  module.def("exception_names", &exception_names, "Names of the exceptions, by cause.");
  module.def(
      "syscall_name", [](std::uint64_t number) { return std::string(syscall_name(number)); },
      py::arg("number"), "Name of a system call, or an empty string.");
  module.def(
      "signal_name", [](std::int64_t number) { return std::string(signal_name(number)); }, py::arg("number"),
      "Name of a signal, or an empty string.");
  module.def(
      "errno_name", [](std::int64_t number) { return std::string(errno_name(number)); }, py::arg("number"),
      "Name of an error number, or an empty string.");
  module.def("parse_size", &parse_size, py::arg("text"), "Bytes of a size such as 256M.");
  module.def(
      "has_supervisor", [] { return !supervisor_image().empty(); },
      "Whether the supervisor was built into this module.");
}

}  // namespace quire::python
