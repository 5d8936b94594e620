// The machine, its memory, its hart, and programs on the supervisor.
#include <fmt/format.h>
#include <pybind11/stl.h>

#include "python/bindings/bind.h"
#include "python/bindings/bind_hooks.h"
#include "python/bindings/guest.h"
#include "quire/address_space.h"
#include "quire/arch/names.h"
#include "quire/settings.h"

namespace py = pybind11;
using namespace pybind11::literals;

namespace quire::python {
namespace {

arch::Access access_of(const std::string& text) {
  if (text == "r") {
    return arch::Access::kRead;
  }
  if (text == "w") {
    return arch::Access::kWrite;
  }
  if (text == "x") {
    return arch::Access::kExecute;
  }
  throw Error(ErrorKind::kUsage, "access '" + text + "' is not 'r', 'w' or 'x'");
}

arch::Privilege privilege_of(const std::string& text) {
  if (text == "u") {
    return arch::Privilege::kUser;
  }
  if (text == "s") {
    return arch::Privilege::kSupervisor;
  }
  throw Error(ErrorKind::kUsage, "privilege '" + text + "' is not 'u' or 's'");
}

std::string exception_name(arch::Exception exception) {
  const char* const name = arch::exception_name(static_cast<std::uint64_t>(exception));
  return name != nullptr ? name : fmt::format("exception {}", static_cast<unsigned>(exception));
}

/// "rwxu-ad v" in the order of the manual's figure, from R on; '-' where a flag is clear.
std::string pte_flags(arch::Pte pte) {
  static constexpr struct {
    std::uint64_t flag;
    char letter;
  } kLetters[] = {{arch::kPteRead, 'r'},  {arch::kPteWrite, 'w'},  {arch::kPteExecute, 'x'},
                  {arch::kPteUser, 'u'},  {arch::kPteGlobal, 'g'}, {arch::kPteAccessed, 'a'},
                  {arch::kPteDirty, 'd'}, {arch::kPteValid, 'v'}};
  std::string text;
  for (const auto& row : kLetters) {
    text += pte.has(row.flag) ? row.letter : '-';
  }
  return text;
}

/// All of RAM as a buffer; outlives the machine's close().
struct RamView {
  std::shared_ptr<Machine> machine;
  std::span<const std::uint8_t> bytes;
};

/// What every machine is made with.
struct Setup {
  Config config;
  std::size_t output_limit_bytes;
  std::shared_ptr<DeviceCalls> devices;  ///< null without devices in Python
};

Setup make_setup(const std::string& ram, const std::string& tlb, const std::string& isa, std::uint64_t seed,
                 const std::vector<std::string>& drives, const std::vector<std::string>& shares,
                 const std::string& net, const std::string& screen, const std::string& output_limit,
                 const std::string& engine, const py::list& devices) {
  Config config;
  config.ram_bytes = parse_size(ram);
  if (!tlb.empty()) {
    config.tlb = parse_tlb(tlb);
  }
  config.isa = isa;
  config.seed = seed;
  config.engine = parse_engine(engine);
  for (const std::string& drive : drives) {
    config.drives.push_back(parse_drive(drive));
  }
  for (const std::string& share : shares) {
    config.shares.push_back(parse_share(share));
  }
  config.net = parse_net(net);
  if (config.net.mode != NetMode::kNone) {
    config.idle_time = IdleTime::kWait;  // peers answer in the host's time
  }
  if (!screen.empty()) {
    config.screen = parse_screen(screen);
  }
  const auto calls = devices.empty() ? nullptr : std::make_shared<DeviceCalls>();
  config.devices = added_devices(devices, calls);
  return {std::move(config), parse_size(output_limit), calls};
}

std::shared_ptr<Guest> make_supervisor(const Setup& setup, const std::optional<Program>& program,
                                       const std::string& root, const std::vector<std::string>& shares,
                                       const std::string& append) {
  Config config = setup.config;
  config.mode = BootMode::kSupervisor;
  config.command_line = append;
  GuestMounts mounts;
  if (!root.empty()) {
    mounts.root = parse_root(root);
  }
  for (const std::string& share : shares) {
    mounts.shares.push_back(parse_shared_path(share));
  }
  prepare_supervisor(config, program ? &*program : nullptr, mounts);
  return std::make_shared<Guest>(std::move(config), setup.output_limit_bytes, setup.devices,
                                 std::move(mounts));
}

std::optional<int> exit_status_of(const RunResult& r) {
  return r.reason == "exited" ? std::optional(r.stop.exit_status) : std::nullopt;
}

/// What makes it anew.
py::tuple stop_parts(const RunResult& r) {
  return py::make_tuple(r.reason, r.stop.hart, r.stop.pc, r.stop.icount, r.stop.detail, exit_status_of(r));
}

std::vector<std::uint8_t> vector_of(const py::bytes& data) {
  const auto bytes = static_cast<std::string_view>(data);
  return {bytes.begin(), bytes.end()};
}

std::shared_ptr<Guest> make_bare(const Setup& setup, const py::bytes& kernel, const std::string& name) {
  Config config = setup.config;
  config.mode = BootMode::kBare;
  config.htif = true;
  config.kernel = vector_of(kernel);
  config.kernel_name = name;
  return std::make_shared<Guest>(std::move(config), setup.output_limit_bytes, setup.devices);
}

/// An empty `firmware` stands for the built-in one.
std::shared_ptr<Guest> make_linux(const Setup& setup, const py::bytes& kernel, const std::string& name,
                                  const py::bytes& initrd, const std::string& append,
                                  const py::bytes& firmware, const std::string& firmware_name) {
  Config config = setup.config;
  config.mode = firmware_name.empty() ? BootMode::kSupervisor : BootMode::kFirmware;
  config.firmware = vector_of(firmware);
  config.firmware_name = firmware_name;
  config.kernel = vector_of(kernel);
  config.kernel_name = name;
  config.initrd = vector_of(initrd);
  config.command_line = append;
  return std::make_shared<Guest>(std::move(config), setup.output_limit_bytes, setup.devices);
}

py::bytes bytes_of(const std::vector<std::uint8_t>& data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// (width, height, pixels), or nothing without a screen.
std::optional<std::tuple<std::uint32_t, std::uint32_t, py::bytes>> screen_of(Guest& guest) {
  const auto screen = guest.idle().screen();
  if (!screen) {
    return std::nullopt;
  }
  return std::make_tuple(screen->size.width, screen->size.height, bytes_of(screen->rgba));
}

py::bytes png_of(Guest& guest) {
  const auto screen = guest.idle().screen();
  if (!screen) {
    throw Error(ErrorKind::kUsage, "this machine has no screen; make it with screen=\"1024x768\"");
  }
  return bytes_of(encode_png(*screen));
}

std::span<const std::uint8_t> span_of(const py::buffer_info& info) {
  if (info.ndim != 1 || info.strides[0] != info.itemsize) {
    throw Error(ErrorKind::kUsage, "the data must be contiguous bytes");
  }
  return {static_cast<const std::uint8_t*>(info.ptr), static_cast<std::size_t>(info.size * info.itemsize)};
}

/// Bytes to be read into. A length that cannot be is refused before memory is taken for it.
py::bytes room_for(Machine& machine, std::uint64_t size) {
  if (size > machine.memory().size_bytes()) {
    throw Error(ErrorKind::kUsage, fmt::format("{} bytes are more than RAM holds; ask for less", size));
  }
  PyObject* const bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (bytes == nullptr) {
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::bytes>(bytes);
}

/// Before anybody else sees them.
std::span<std::uint8_t> contents_of(const py::bytes& fresh) {
  return {reinterpret_cast<std::uint8_t*>(PyBytes_AS_STRING(fresh.ptr())),
          static_cast<std::size_t>(PyBytes_GET_SIZE(fresh.ptr()))};
}

py::bytes read_phys(Guest& guest, std::uint64_t address, std::uint64_t size) {
  Machine& machine = guest.idle();
  py::bytes data = room_for(machine, size);
  machine.memory().read(address, contents_of(data));
  return data;
}

void write_phys(Guest& guest, std::uint64_t address, const py::buffer& data) {
  const py::buffer_info info = data.request();
  guest.edited().memory().write(address, span_of(info));
}

py::bytes read_virt(Guest& guest, std::uint64_t satp, std::uint64_t va, std::uint64_t size) {
  Machine& machine = guest.idle();
  py::bytes data = room_for(machine, size);
  if (const auto fault = read_virtual(machine, satp, arch::VirtAddr(va), contents_of(data))) {
    throw PageFaultError{fault->va.value, "r", fault->reason};
  }
  return data;
}

void write_virt(Guest& guest, std::uint64_t satp, std::uint64_t va, const py::buffer& data) {
  const py::buffer_info info = data.request();
  if (const auto fault = write_virtual(guest.edited(), satp, arch::VirtAddr(va), span_of(info))) {
    throw PageFaultError{fault->va.value, "w", fault->reason};
  }
}

/// (pid, va) of every user mapping of a frame, in every live process; an address space shared by several
/// counts for each.
std::vector<std::pair<int, std::uint64_t>> sharers(Guest& guest, std::uint64_t pfn) {
  Machine& machine = guest.idle();
  std::map<std::uint64_t, std::vector<std::uint64_t>>
      places;  // by root table: several processes may share one
  std::vector<std::pair<int, std::uint64_t>> found;
  for (const auto& [pid, process] : guest.processes().all()) {
    if (process.exited || process.satp == 0) {
      continue;
    }
    const std::uint64_t root = arch::Satp{process.satp}.root().value;
    const auto [place, fresh] = places.try_emplace(root);
    if (fresh) {
      for (const Mapping& mapping : user_mappings(machine.memory(), process.satp)) {
        const std::uint64_t offset = pfn - mapping.pfn();
        if (offset < mapping.bytes / arch::kPageBytes) {
          place->second.push_back(mapping.va.value + offset * arch::kPageBytes);
        }
      }
    }
    for (const std::uint64_t va : place->second) {
      found.emplace_back(pid, va);
    }
  }
  return found;
}

/// (va, physical address, bytes, asid or None for global entries, flags) of every valid entry.
py::list tlb_entries(Guest& guest) {
  py::list entries;
  for (const TlbEntryView& entry : guest.idle().tlb_entries()) {
    const bool global = (entry.flags & arch::kPteGlobal) != 0;
    entries.append(py::make_tuple(entry.va, entry.physical_address, entry.page_bytes,
                                  global ? py::object(py::none()) : py::object(py::int_(entry.asid)),
                                  pte_flags(arch::Pte{entry.flags})));
  }
  return entries;
}

py::dict by_access(const std::uint64_t (&counts)[3]) {
  return py::dict("r"_a = counts[0], "w"_a = counts[1], "x"_a = counts[2]);
}

py::dict fence_report(Guest& guest) {
  const FenceReport report = guest.idle().fence_report();
  py::list findings;
  for (const FenceFinding& finding : report.findings) {
    py::dict listed;
    visit_fields(finding, [&listed](const char* name, const auto& value) { listed[name] = value; });
    listed["text"] = finding.describe();
    findings.append(listed);
  }
  py::dict counts;
  visit_counts(report, [&counts](const char* name, std::uint64_t count) { counts[name] = count; });
  counts["enabled"] = report.enabled;
  counts["findings"] = findings;
  return counts;
}

/// By the names of --json.
py::dict engine_stats(const Machine& machine) {
  const EngineStats stats = machine.engine_stats();
  py::dict counts;
  visit_counts(stats, [&counts](const char* name, std::uint64_t count) { counts[name] = count; });
  py::dict dropped;
  for (std::size_t i = 0; i < kDropReasons; ++i) dropped[kDropReasonNames[i]] = stats.dropped_by[i];
  py::dict calls;
  for (std::size_t i = 0; i < kCallKinds; ++i) calls[kCallKindNames[i]] = stats.calls_by[i];
  counts["dropped_by"] = dropped;
  counts["calls_by"] = calls;
  counts["name"] = std::string(engine_name(machine.config().engine.kind));
  counts["instead"] = stats.instead;
  return counts;
}

py::dict stats(Guest& guest) {
  const Counters counters = guest.idle().counters();
  const EventCounters& events = guest.events();
  py::dict faults;
  const auto kinds = fault_kind_names();
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    faults[py::str(kinds[kind])] = events.faults(static_cast<arch::FaultKind>(kind));
  }
  py::dict by_name;
  for (const EventInfo& info : event_table()) {
    by_name[py::str(info.name)] = events.events(info.id);
  }
  const TlbStats& tlb = counters.tlb;
  const bool counted = guest.idle().config().tlb.counts_hits();
  return py::dict("icount"_a = counters.icount, "minstret"_a = counters.minstret, "traps"_a = counters.traps,
                  "interrupts"_a = counters.interrupts, "page_fault_traps"_a = counters.page_faults,
                  "minor_faults"_a = events.minor_faults(), "major_faults"_a = events.major_faults(),
                  "faults"_a = faults, "events"_a = by_name, "engine"_a = engine_stats(guest.idle()),
                  "tlb"_a = py::dict(
                      "hits"_a = counted ? py::object(py::int_(tlb.hits)) : py::none(),
                      "misses"_a = tlb.misses, "walks"_a = tlb.walks, "evictions"_a = tlb.evictions,
                      "flushes_all"_a = tlb.flushes_all, "flushes_asid"_a = tlb.flushes_asid,
                      "flushes_page"_a = tlb.flushes_page, "flushes_page_asid"_a = tlb.flushes_page_asid,
                      "hits_by_access"_a = counted ? py::object(by_access(tlb.hits_by_access)) : py::none(),
                      "misses_by_access"_a = by_access(tlb.misses_by_access), "pte_reads"_a = tlb.pte_reads));
}

/// For notebooks: the package writes all HTML in one place.
py::str html_of(const char* function, const py::object& value) {
  return py::module_::import("quire.html").attr(function)(value);
}

void bind_values(py::module_& module) {
  py::class_<RunResult>(module, "Stop", "How a run ended. Frozen.")
      .def(py::init([](const std::string& reason, unsigned hart, std::uint64_t pc, std::uint64_t icount,
                       const std::string& detail, std::optional<int> exit_status) {
             return RunResult{
                 reason, Stop{StopReason::kRequested, hart, pc, icount, exit_status.value_or(0), detail}};
           }),
           py::arg("reason"), py::arg("hart"), py::arg("pc"), py::arg("icount"), py::arg("detail"),
           py::arg("exit_status") = py::none())
      .def_property_readonly("reason", [](const RunResult& r) { return r.reason; })
      .def_property_readonly("hart", [](const RunResult& r) { return r.stop.hart; })
      .def_property_readonly("pc", [](const RunResult& r) { return r.stop.pc; })
      .def_property_readonly("icount", [](const RunResult& r) { return r.stop.icount; })
      .def_property_readonly("exit_status", &exit_status_of)
      .def_property_readonly("detail", [](const RunResult& r) { return r.stop.detail; })
      .def(
          "__eq__",
          [](const RunResult& r, const py::object& other) {
            return py::isinstance<RunResult>(other) &&
                   stop_parts(r).equal(stop_parts(other.cast<const RunResult&>()));
          },
          py::arg("other"))
      .def("__hash__", [](const RunResult& r) { return py::hash(stop_parts(r)); })
      .def("__reduce__",
           [](const py::object& self) {
             return py::make_tuple(py::type::of(self), stop_parts(self.cast<const RunResult&>()));
           })
      .def("_repr_html_", [](const RunResult& r) { return html_of("stop", py::cast(r)); })
      .def("__repr__", [](const RunResult& r) {
        return fmt::format("Stop(reason='{}', hart={}, pc={:#x}, icount={}, detail={})", r.reason,
                           r.stop.hart, r.stop.pc, r.stop.icount,
                           std::string(py::repr(py::str(r.stop.detail))));
      });

  py::class_<WalkStep>(module, "WalkStep", "One level of a page-table walk.")
      .def_readonly("level", &WalkStep::level)
      .def_readonly("pte_address", &WalkStep::pte_address)
      .def_property_readonly("pte", [](const WalkStep& s) { return s.pte.raw; })
      .def_property_readonly("pfn", [](const WalkStep& s) { return s.pte.ppn(); })
      .def_property_readonly("leaf", [](const WalkStep& s) { return s.pte.leaf(); })
      .def_property_readonly("flags", [](const WalkStep& s) { return pte_flags(s.pte); })
      .def("__repr__", [](const WalkStep& s) {
        return fmt::format("WalkStep(level={}, pte_address={:#x}, pte={:#x}, flags='{}')", s.level,
                           s.pte_address, s.pte.raw, pte_flags(s.pte));
      });

  py::class_<Walk>(module, "Walk", "A page-table walk: its steps, and the physical address or the fault.")
      .def_readonly("steps", &Walk::steps)
      .def_property_readonly(
          "fault",
          [](const Walk& w) { return w.fault ? std::optional(exception_name(*w.fault)) : std::nullopt; })
      .def_property_readonly("reason", [](const Walk& w) { return w.fault_reason; })
      .def_property_readonly(
          "physical_address",
          [](const Walk& w) { return w.fault ? std::nullopt : std::optional(w.physical_address); })
      .def_property_readonly(
          "page_bytes", [](const Walk& w) { return w.fault ? std::nullopt : std::optional(w.page_bytes); })
      .def("__bool__", [](const Walk& w) { return !w.fault; })
      .def("_repr_html_", [](const Walk& w) { return html_of("walk", py::cast(w)); })
      .def("__repr__", [](const Walk& w) {
        return w.fault ? fmt::format("Walk({} steps, {}: {})", w.steps.size(), exception_name(*w.fault),
                                     w.fault_reason)
                       : fmt::format("Walk({} steps, physical_address={:#x})", w.steps.size(),
                                     w.physical_address);
      });

  py::class_<Mapping>(module, "Mapping", "A leaf of a page table.")
      .def_property_readonly("va", [](const Mapping& m) { return m.va.value; })
      .def_readonly("bytes", &Mapping::bytes)
      .def_property_readonly("pfn", &Mapping::pfn)
      .def_property_readonly("pte", [](const Mapping& m) { return m.pte.raw; })
      .def_property_readonly("flags", [](const Mapping& m) { return pte_flags(m.pte); })
      .def("__repr__", [](const Mapping& m) {
        return fmt::format("Mapping(va={:#x}, bytes={:#x}, pfn={:#x}, flags='{}')", m.va.value, m.bytes,
                           m.pfn(), pte_flags(m.pte));
      });

  py::class_<ProcessInfo>(module, "ProcessInfo", "What the events said of one process.")
      .def_readonly("pid", &ProcessInfo::pid)
      .def_readonly("parent", &ProcessInfo::parent)
      .def_readonly("satp", &ProcessInfo::satp)
      .def_property_readonly("comm",
                             [](const ProcessInfo& info) {
                               // Any bytes: the guest chose them. As quire.events reads them.
                               return py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(
                                   info.comm.data(), static_cast<Py_ssize_t>(info.comm.size()), "replace"));
                             })
      .def_readonly("exited", &ProcessInfo::exited)
      .def_readonly("wait_status", &ProcessInfo::wait_status)
      .def_readonly("start_icount", &ProcessInfo::start_icount)
      .def_readonly("exit_icount", &ProcessInfo::exit_icount);

  py::class_<Program>(module, "Program", "A riscv64 Linux program and what it is given.")
      .def(py::init([](const py::bytes& path, const std::vector<py::bytes>& args,
                       const std::vector<py::bytes>& env, const py::bytes& cwd,
                       const std::vector<std::pair<py::bytes, py::bytes>>& files) {
             Program program{path, {args.begin(), args.end()}, {env.begin(), env.end()}, cwd, {}};
             for (const auto& [host, guest] : files) {
               program.files.push_back({host, guest});
             }
             return program;
           }),
           py::arg("path"), py::arg("args"), py::arg("env"), py::arg("cwd"), py::arg("files"));

  py::class_<Setup>(module, "Setup", "What every machine is made with, as people write it.")
      .def(py::init(&make_setup), py::arg("ram"), py::arg("tlb"), py::arg("isa"), py::arg("seed"),
           py::arg("drives"), py::arg("shares"), py::arg("net"), py::arg("screen"), py::arg("output_limit"),
           py::arg("engine"), py::arg("devices"));

  py::class_<RamView>(module, "RamView", py::buffer_protocol(), "All of RAM, read-only and in place.")
      .def_buffer([](RamView& view) {
        return py::buffer_info(const_cast<std::uint8_t*>(view.bytes.data()), 1,
                               py::format_descriptor<std::uint8_t>::format(), 1,
                               {static_cast<py::ssize_t>(view.bytes.size())}, {1}, /*readonly=*/true);
      });
}

}  // namespace

void bind_machine(py::module_& module) {
  bind_values(module);

  py::class_<Guest, std::shared_ptr<Guest>> guest(module, "Guest",
                                                  "A machine with its streams and what watches it.");
  bind_observers(module);
  bind_faults(guest);
  bind_hooks(guest);
  bind_supervisor(guest);
  guest
      .def_static("supervisor", &make_supervisor, py::arg("setup"), py::arg("program"), py::arg("root"),
                  py::arg("shares"), py::arg("append"))
      .def_static("linux", &make_linux, py::arg("setup"), py::arg("kernel"), py::arg("name"),
                  py::arg("initrd"), py::arg("append"), py::arg("firmware"), py::arg("firmware_name"))
      .def_static("bare", &make_bare, py::arg("setup"), py::arg("kernel"), py::arg("name"))
      .def("run", &Guest::run, py::arg("max_insns"), py::arg("timeout"), py::arg("until"),
           py::arg("callbacks") = py::none())
      .def("stop", &Guest::stop)
      .def("snapshot", &Guest::snapshot)
      .def("restore", &Guest::restore, py::arg("snapshot"))
      .def_property_readonly("edits", [](Guest& g) { return g.edits(); })
      .def("spawn", &Guest::spawn, py::arg("program"), py::arg("callbacks") = py::none())
      .def("close", &Guest::close)
      .def_property_readonly("closed", &Guest::closed)
      .def_property_readonly("running", &Guest::running)
      .def("check_not_running", &Guest::check_not_running)

      .def_property_readonly("icount", [](Guest& g) { return g.idle().icount(); })
      .def_property_readonly("time_ns", [](Guest& g) { return g.idle().time_ns(); })
      .def_property_readonly("ram_base", [](Guest& g) { return g.idle().memory().base(); })
      .def_property_readonly("ram_bytes", [](Guest& g) { return g.idle().memory().size_bytes(); })
      .def_property_readonly("output_limit_bytes", &Guest::output_limit_bytes)
      .def("digest", [](Guest& g) { return g.idle().digest(); })
      .def("stats", &stats)
      .def(
          "symbol", [](Guest& g, const std::string& name) { return g.idle().symbol(name); }, py::arg("name"))
      .def("engine", [](Guest& g) { return std::string(engine_name(g.idle().config().engine.kind)); })
      .def("isa", [](Guest& g) { return full_isa(g.idle().config().isa); })
      .def("tlb_config",
           [](Guest& g) {
             const TlbConfig& tlb = g.idle().config().tlb;
             return py::dict("entries"_a = tlb.entries, "ways"_a = tlb.ways,
                             "policy"_a = std::string(tlb_policy_name(tlb.policy)),
                             "check"_a = tlb.check == FenceCheck::kOff ? "off" : "fences");
           })
      .def("fence_report", &fence_report)
      .def("tlb_entries", &tlb_entries)

      .def(
          "pc", [](Guest& g, unsigned hart) { return g.idle().hart(hart).pc(); }, py::arg("hart"))
      .def(
          "set_pc", [](Guest& g, unsigned hart, std::uint64_t v) { g.edited().hart(hart).set_pc(v); },
          py::arg("hart"), py::arg("value"))
      .def(
          "x", [](Guest& g, unsigned hart, unsigned i) { return g.idle().hart(hart).x(i); }, py::arg("hart"),
          py::arg("index"))
      .def(
          "set_x",
          [](Guest& g, unsigned hart, unsigned i, std::uint64_t v) { g.edited().hart(hart).set_x(i, v); },
          py::arg("hart"), py::arg("index"), py::arg("value"))
      .def(
          "f", [](Guest& g, unsigned hart, unsigned i) { return g.idle().hart(hart).f(i); }, py::arg("hart"),
          py::arg("index"))
      .def(
          "set_f",
          [](Guest& g, unsigned hart, unsigned i, std::uint64_t v) { g.edited().hart(hart).set_f(i, v); },
          py::arg("hart"), py::arg("index"), py::arg("value"))
      .def(
          "csr", [](Guest& g, unsigned hart, unsigned n) { return g.idle().hart(hart).csr(n); },
          py::arg("hart"), py::arg("number"))
      .def(
          "set_csr",
          [](Guest& g, unsigned hart, unsigned n, std::uint64_t v) { g.edited().hart(hart).set_csr(n, v); },
          py::arg("hart"), py::arg("number"), py::arg("value"))
      .def(
          "privilege",
          [](Guest& g, unsigned hart) { return arch::privilege_key(g.idle().hart(hart).privilege()); },
          py::arg("hart"))

      .def("read_phys", &read_phys, py::arg("address"), py::arg("size"))
      .def("write_phys", &write_phys, py::arg("address"), py::arg("data"))
      .def("read_virt", &read_virt, py::arg("satp"), py::arg("va"), py::arg("size"))
      .def("write_virt", &write_virt, py::arg("satp"), py::arg("va"), py::arg("data"))
      .def("screen", &screen_of)
      .def("screen_png", &png_of)
      .def("troubles", [](Guest& g) { return g.idle().troubles(); })
      .def("devices",
           [](Guest& g) {
             std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t>> places;
             for (const DevicePlace& place : g.idle().devices()) {
               places.emplace_back(place.name, place.base, place.size_bytes);
             }
             return places;
           })
      .def("ram_view",
           [](Guest& g) {
             const auto bytes = g.idle().memory().bytes();
             return RamView{g.shared_machine(), bytes};
           })
      .def(
          "walk",
          [](Guest& g, std::uint64_t va, std::uint64_t satp, const std::string& access,
             const std::string& privilege) {
            return g.idle().walk(arch::VirtAddr(va), satp, access_of(access), privilege_of(privilege));
          },
          py::arg("va"), py::arg("satp"), py::arg("access"), py::arg("privilege"))
      .def(
          "mappings", [](Guest& g, std::uint64_t satp) { return user_mappings(g.idle().memory(), satp); },
          py::arg("satp"))
      .def("sharers", &sharers, py::arg("pfn"))

      .def("processes",
           [](Guest& g) {
             g.idle();
             std::vector<ProcessInfo> list;
             list.reserve(g.processes().all().size());
             for (const auto& [pid, process] : g.processes().all()) {
               list.push_back(process);
             }
             return list;
           })
      .def(
          "process",
          [](Guest& g, int pid) -> std::optional<ProcessInfo> {
            g.check_not_running();  // what it told stays known when the machine is closed
            const ProcessInfo* process = g.processes().find(pid);
            return process == nullptr ? std::nullopt : std::optional(*process);
          },
          py::arg("pid"))
      .def("main_pid",
           [](Guest& g) -> std::optional<int> {
             g.idle();
             const ProcessInfo* process = g.processes().main_program();
             return process == nullptr ? std::nullopt : std::optional(process->pid);
           })
      .def(
          "record",
          [](Guest& g, const std::vector<std::string>& events,
             const std::vector<std::pair<std::string, std::uint64_t>>& fields, std::uint64_t first,
             std::uint64_t last, std::optional<int> pid, std::size_t limit) {
            std::vector<FieldFilter> filters;
            filters.reserve(fields.size());
            for (const auto& [name, value] : fields) {
              filters.push_back({name, value});
            }
            return Recorder(g.record(events, filters, {first, last}, pid, limit), g.shared_from_this());
          },
          py::arg("events"), py::arg("fields"), py::arg("first"), py::arg("last"), py::arg("pid"),
          py::arg("limit"))
      .def(
          "stop_recording", [](Guest& g, const Recorder& r) { g.stop_recording(r.events()); },
          py::arg("recorder"))
      .def("pause_recordings", &Guest::pause_recordings)
      .def("resume_recordings", &Guest::resume_recordings)

      .def(
          "write_stdin",
          [](Guest& g, const py::buffer& data) {
            const py::buffer_info info = data.request();
            g.input().push(span_of(info));
          },
          py::arg("data"))
      .def("close_stdin", [](Guest& g) { g.input().close(); })
      .def(
          "write_uart",
          [](Guest& g, const py::buffer& data) {
            const py::buffer_info info = data.request();
            g.uart_input().push(span_of(info));
          },
          py::arg("data"))
      .def(
          "output", [](Guest& g, const std::string& stream) { return py::bytes(g.sink(stream).contents()); },
          py::arg("stream"))
      .def("stdout", [](Guest& g) { return py::bytes(g.sink("stdout").contents()); })
      .def("stderr", [](Guest& g) { return py::bytes(g.sink("stderr").contents()); })
      .def("kernel_log", [](Guest& g) { return py::bytes(g.sink("uart").contents()); })
      .def(
          "take_output", [](Guest& g, const std::string& stream) { return py::bytes(g.sink(stream).take()); },
          py::arg("stream"))
      .def(
          "output_since",
          [](Guest& g, const std::string& stream, std::uint64_t offset) {
            return py::bytes(g.sink(stream).since(offset));
          },
          py::arg("stream"), py::arg("offset"))
      .def(
          "output_bytes", [](Guest& g, const std::string& stream) { return g.sink(stream).written_bytes(); },
          py::arg("stream"))
      .def(
          "output_dropped",
          [](Guest& g, const std::string& stream) { return g.sink(stream).dropped_bytes(); },
          py::arg("stream"));
}

}  // namespace quire::python
