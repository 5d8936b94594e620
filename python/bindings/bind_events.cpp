// Conditions and recorded events.
#include <pybind11/stl.h>

#include "python/bindings/bind.h"
#include "python/bindings/guest.h"

namespace py = pybind11;

namespace quire::python {
namespace {

using Fields = std::vector<std::pair<std::string, std::uint64_t>>;

std::vector<FieldFilter> filters_of(const Fields& fields) {
  std::vector<FieldFilter> filters;
  for (const auto& [name, value] : fields) {
    filters.push_back({name, value});
  }
  return filters;
}

const EventRecorder::Table& table_of(const EventRecorder& recorder, const std::string& event) {
  for (const EventRecorder::Table& table : recorder.tables()) {
    if (table.info->name == event) {
      return table;
    }
  }
  throw Error(ErrorKind::kUsage, "no event '" + event + "' is recorded here");
}

/// Part of a column as a buffer; the column may grow, and its recorder go, while Python holds it.
struct ColumnView {
  std::shared_ptr<const void> storage;
  const std::uint64_t* data;
  std::size_t size;
};

/// A read-only memoryview of 64-bit numbers, without a copy.
py::memoryview words_view(const Column& words) {
  static constexpr std::uint64_t kNothing = 0;
  const py::object view =
      py::cast(ColumnView{words.storage(), words.empty() ? &kNothing : words.data(), words.size()});
  return py::reinterpret_steal<py::memoryview>(PyMemoryView_FromObject(view.ptr()));
}

py::memoryview column(const EventRecorder& recorder, const std::string& event, const std::string& field) {
  const EventRecorder::Table& table = table_of(recorder, event);
  if (field == "icount") {
    return words_view(table.icount);
  }
  const int index = table.info->field(field);
  if (index < 0) {
    throw Error(ErrorKind::kUsage, "event '" + event + "' has no field '" + field + "'");
  }
  return words_view(table.args[static_cast<std::size_t>(index)]);
}

/// Row numbers in the order recorded, of events that have all the fields and in them these values.
std::vector<std::uint32_t> select(const EventRecorder& recorder, const std::vector<std::string>& events,
                                  const Fields& fields) {
  const std::size_t tables = recorder.tables().size();
  std::vector<bool> wanted(tables);
  std::vector<std::vector<std::pair<const Column*, std::uint64_t>>> tests(tables);
  for (std::size_t i = 0; i < tables; ++i) {
    const EventRecorder::Table& table = recorder.tables()[i];
    wanted[i] = events.empty() || std::find(events.begin(), events.end(), table.info->name) != events.end();
    for (const auto& [name, value] : fields) {
      const int index = table.info->field(name);
      wanted[i] = wanted[i] && index >= 0;
      if (index >= 0) {
        tests[i].emplace_back(&table.args[static_cast<std::size_t>(index)], value);
      }
    }
  }
  std::vector<std::uint32_t> rows;
  for (std::uint32_t at = 0; at < recorder.size(); ++at) {
    const EventRecorder::Row row = recorder.row_at(at);
    const auto holds = [&](const auto& test) { return (*test.first)[row.row] == test.second; };
    if (wanted[row.table] && std::all_of(tests[row.table].begin(), tests[row.table].end(), holds)) {
      rows.push_back(at);
    }
  }
  return rows;
}

EventRecorder::Row checked_row(const EventRecorder& recorder, std::size_t at) {
  if (at >= recorder.size()) {
    throw py::index_error("no such event");
  }
  return recorder.row_at(at);
}

/// (event, icount, hart, args) of one row.
py::tuple row(const EventRecorder& recorder, std::size_t at) {
  const EventRecorder::Row place = checked_row(recorder, at);
  const EventRecorder::Table& table = recorder.tables()[place.table];
  py::tuple args(table.args.size());
  for (std::size_t i = 0; i < table.args.size(); ++i) {
    args[i] = table.args[i][place.row];
  }
  return py::make_tuple(std::string(table.info->name), table.icount[place.row], 0U, args);
}

/// One field of chosen rows; None where the event does not have it.
py::list values(const EventRecorder& recorder, const std::string& field,
                const std::vector<std::uint32_t>& rows) {
  std::vector<const Column*> columns;
  for (const EventRecorder::Table& table : recorder.tables()) {
    const int index = table.info->field(field);
    columns.push_back(field == "icount" ? &table.icount
                      : index < 0       ? nullptr
                                        : &table.args[static_cast<std::size_t>(index)]);
  }
  py::list list(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const EventRecorder::Row place = checked_row(recorder, rows[i]);
    const Column* from = columns[place.table];
    list[i] = from == nullptr ? py::object(py::none()) : py::object(py::int_((*from)[place.row]));
  }
  return list;
}

std::vector<std::string> recorded_events(const EventRecorder& recorder) {
  std::vector<std::string> names;
  for (const EventRecorder::Table& table : recorder.tables()) {
    names.emplace_back(table.info->name);
  }
  return names;
}

}  // namespace

void bind_events(py::module_& module) {
  py::class_<Condition>(module, "Condition", "An event whose fields have given values; for run(until=...).")
      .def(py::init([](const std::string& event, const Fields& fields) {
             return Condition(event, filters_of(fields));
           }),
           py::arg("event"), py::arg("fields"))
      .def_static(
          "of_text",
          [](const std::string& stream, const py::bytes& text, std::uint64_t offset) {
            return Condition::of_text(stream, text, offset);
          },
          py::arg("stream"), py::arg("text"), py::arg("offset"))
      .def("describe", &Condition::describe);

  py::class_<ColumnView>(module, "ColumnView", py::buffer_protocol(),
                         "A column of a recording, read-only and in place.")
      .def_buffer([](ColumnView& view) {
        return py::buffer_info(const_cast<std::uint64_t*>(view.data), sizeof(std::uint64_t), "Q", 1,
                               {static_cast<py::ssize_t>(view.size)}, {sizeof(std::uint64_t)},
                               /*readonly=*/true);
      });

  py::class_<Recorder>(module, "Recorder", "Events kept in native columns.")
      .def("__len__", [](const Recorder& r) { return r.idle().size(); })
      .def_property_readonly("dropped", [](const Recorder& r) { return r.idle().dropped(); })
      .def_property_readonly("events", [](const Recorder& r) { return recorded_events(r.idle()); })
      .def(
          "column",
          [](const Recorder& r, const std::string& event, const std::string& field) {
            return column(r.idle(), event, field);
          },
          py::arg("event"), py::arg("field"))
      .def(
          "select",
          [](const Recorder& r, const std::vector<std::string>& events, const Fields& fields) {
            return select(r.idle(), events, fields);
          },
          py::arg("events"), py::arg("fields"))
      .def(
          "row", [](const Recorder& r, std::size_t at) { return row(r.idle(), at); }, py::arg("at"))
      .def(
          "values",
          [](const Recorder& r, const std::string& field, const std::vector<std::uint32_t>& rows) {
            return values(r.idle(), field, rows);
          },
          py::arg("field"), py::arg("rows"))
      .def("clear", [](const Recorder& r) { r.idle().clear(); });
}

}  // namespace quire::python
