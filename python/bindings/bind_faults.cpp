// Fault injection as Python sees it; the package's quire.fi stands around it.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "python/bindings/bind.h"
#include "python/bindings/guest.h"
#include "quire/fault.h"
#include "quire/guest_failures.h"
#include "quire/moments.h"

namespace quire::python {
namespace py = pybind11;
namespace {

using Kind = ArmedFault::Kind;
using Requests = ArmedFault::Requests;

constexpr struct {
  const char* name;
  Kind kind;
} kKinds[] = {{"stuck-x", Kind::kStuckX},
              {"stuck-f", Kind::kStuckF},
              {"stuck-pc", Kind::kStuckPc},
              {"stuck-csr", Kind::kStuckCsr},
              {"stuck-ram", Kind::kStuckRam},
              {"device", Kind::kDevice},
              {"lose-interrupt", Kind::kLoseInterrupt},
              {"lose-irq", Kind::kLoseIrq},
              {"lose-fence", Kind::kLoseFence},
              {"blk-error", Kind::kBlkError},
              {"blk-short", Kind::kBlkShort},
              {"blk-torn", Kind::kBlkTorn}};

constexpr struct {
  const char* name;
  Requests requests;
} kRequests[] = {{"any", Requests::kAny},
                 {"read", Requests::kRead},
                 {"write", Requests::kWrite},
                 {"flush", Requests::kFlush}};

using Masks = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;
/// nth, for ever, probability, seed
using Times = std::tuple<std::uint64_t, bool, double, std::uint64_t>;

FaultMask mask_of(const Masks& m) { return {std::get<0>(m), std::get<1>(m), std::get<2>(m)}; }

FaultTimes times_of(const Times& times) {
  const auto& [nth, ever, probability, seed] = times;
  return {.nth = nth,
          .lasting = ever ? FaultTimes::Lasting::kEver : FaultTimes::Lasting::kOnce,
          .probability = probability,
          .seed = seed};
}

arch::FailTarget target_of(unsigned target) {
  if (target >= arch::kFailTargets) {
    throw Error(ErrorKind::kUsage, "nothing that fails has number " + std::to_string(target));
  }
  return static_cast<arch::FailTarget>(target);
}

void arm(Guest& guest, const std::string& kind, std::uint64_t place, const Masks& masks, std::uint64_t until,
         const Times& times, std::uint64_t bytes, const std::string& requests) {
  const auto* const found =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& row) { return kind == row.name; });
  const auto* const asked = std::find_if(std::begin(kRequests), std::end(kRequests),
                                         [&](const auto& row) { return requests == row.name; });
  if (found == std::end(kKinds) || asked == std::end(kRequests)) {
    throw Error(ErrorKind::kUsage, "no fault is called '" + kind + "' of '" + requests + "' requests");
  }
  ArmedFault fault{.kind = found->kind};
  fault.place = place;
  fault.mask = mask_of(masks);
  fault.until_icount = until;
  fault.times = times_of(times);
  fault.bytes = bytes;
  fault.requests = asked->requests;
  guest.edited().arm(fault);
}

bool change_tlb(Guest& guest, std::uint64_t satp, std::uint64_t va, const Masks& entry, const Masks& vpn,
                const Masks& asid) {
  return guest.edited().change_tlb_entry(
      satp, arch::VirtAddr(va), {.entry = mask_of(entry), .vpn = mask_of(vpn), .asid = mask_of(asid)});
}

py::bytes read_drive(Guest& guest, std::size_t drive, std::uint64_t offset, std::size_t size) {
  std::string data(size, '\0');
  guest.idle().read_drive(drive, offset, {reinterpret_cast<std::uint8_t*>(data.data()), data.size()});
  return data;
}

/// An observer as Python holds it: it keeps the machine that it observes.
template <class Finder>
struct Held {
  std::shared_ptr<Guest> guest;
  std::shared_ptr<Machine> machine;
  std::unique_ptr<Finder> finder;

  Held(std::shared_ptr<Guest> of, std::unique_ptr<Finder> made)
      : guest(std::move(of)), machine(guest->shared_machine()), finder(std::move(made)) {}
  Held(Held&&) noexcept = default;
  Held& operator=(Held&&) noexcept = default;
  /// Python lets go of it at any time; what observes a machine that runs does so to the end of that run.
  ~Held() {
    if (guest && finder && guest->running()) {
      guest->keep_until_idle(std::shared_ptr<Finder>(std::move(finder)));
    }
  }

  /// Precondition for looking: the machine does not run.
  const Finder& idle() const {
    guest->check_not_running();
    if (!finder) {
      throw Error(ErrorKind::kState, "it has been stopped");
    }
    return *finder;
  }
  void stop() {
    guest->check_not_running();
    finder.reset();
  }
};
using HeldMoments = Held<MomentFinder>;
using HeldProbe = Held<LivenessProbe>;

using Access = std::tuple<std::uint64_t, std::uint64_t, std::string>;
using Query = std::tuple<std::string, std::uint64_t, std::uint64_t>;

WatchKind watch_kind(const std::string& access) {
  if (access == "r") {
    return WatchKind::kRead;
  }
  if (access == "w") {
    return WatchKind::kWrite;
  }
  if (access == "rw") {
    return WatchKind::kAccess;
  }
  throw Error(ErrorKind::kUsage, "access '" + access + "' is not 'r', 'w' or 'rw'");
}

HeldMoments find_moments(Guest& guest, const std::vector<std::uint64_t>& pcs,
                         const std::vector<Access>& accesses, std::optional<std::uint64_t> satp) {
  std::vector<Watchpoint> watched;
  watched.reserve(accesses.size());
  for (const auto& [address, size, access] : accesses) {
    watched.push_back({address, size, watch_kind(access)});
  }
  Machine& machine = guest.idle();
  return {guest.shared_from_this(), std::make_unique<MomentFinder>(machine, pcs, watched, satp)};
}

HeldProbe probe_liveness(Guest& guest, const std::vector<Query>& queries) {
  std::vector<LivenessProbe::Query> wanted;
  wanted.reserve(queries.size());
  for (const auto& [bank, place, icount] : queries) {
    using Bank = LivenessProbe::Bank;
    wanted.push_back({bank == "x" ? Bank::kX : bank == "f" ? Bank::kF : Bank::kRam, place, icount});
  }
  Machine& machine = guest.idle();
  return {guest.shared_from_this(), std::make_unique<LivenessProbe>(machine, wanted)};
}

std::vector<std::pair<std::string, std::uint64_t>> answers_of(const HeldProbe& held) {
  constexpr const char* kNames[] = {"none", "read", "overwritten"};
  std::vector<std::pair<std::string, std::uint64_t>> answers;
  for (const LivenessProbe::Answer& answer : held.idle().answers()) {
    answers.emplace_back(kNames[static_cast<unsigned>(answer.next)], answer.icount);
  }
  return answers;
}

}  // namespace

void bind_observers(py::module_& module) {
  py::class_<HeldMoments>(module, "MomentFinder", "Counts at which instructions ran or memory was accessed.")
      .def_property_readonly("moments", [](const HeldMoments& m) { return m.idle().moments(); })
      .def("stop", &HeldMoments::stop);
  py::class_<HeldProbe>(module, "LivenessProbe", "What a run did next with bits that might have been wrong.")
      .def_property_readonly("answers", &answers_of)
      .def("stop", &HeldProbe::stop);
}

void bind_faults(py::class_<Guest, std::shared_ptr<Guest>>& guest) {
  guest
      .def("arm", &arm, py::arg("kind"), py::arg("place"), py::arg("mask"), py::arg("until"),
           py::arg("times"), py::arg("bytes"), py::arg("requests"))
      .def("disarm", [](Guest& g) { g.edited().disarm(); })
      .def("armed", [](Guest& g) { return g.idle().armed(); })
      .def("faults_fired", [](Guest& g) { return g.idle().faults_fired(); })
      .def("change_tlb_entry", &change_tlb, py::arg("satp"), py::arg("va"), py::arg("entry"), py::arg("vpn"),
           py::arg("asid"))
      .def(
          "raise_interrupt",
          [](Guest& g, unsigned line) { g.edited().raise_interrupt(static_cast<arch::Interrupt>(line)); },
          py::arg("line"))
      .def(
          "raise_irq", [](Guest& g, unsigned source) { g.edited().raise_irq(source); }, py::arg("source"))
      .def(
          "jump_clock", [](Guest& g, std::int64_t by_ns) { g.edited().jump_clock(by_ns); }, py::arg("by_ns"))
      .def(
          "write_device",
          [](Guest& g, std::uint64_t address, unsigned size, std::uint64_t value) {
            const bool taken = g.edited().write_device(address, size, value);
            g.rethrow_device_failure();
            return taken;
          },
          py::arg("address"), py::arg("size"), py::arg("value"))
      .def(
          "fail_in_guest",
          [](Guest& g, unsigned target, const Times& times) {
            fail_in_guest(g.edited(), target_of(target), times_of(times));
          },
          py::arg("target"), py::arg("times"))
      .def(
          "has_failed_in_guest",
          [](Guest& g, unsigned target) { return has_failed_in_guest(g.idle(), target_of(target)); },
          py::arg("target"))
      .def("find_moments", &find_moments, py::arg("pcs"), py::arg("accesses"), py::arg("satp"))
      .def("probe_liveness", &probe_liveness, py::arg("queries"))
      .def_property_readonly("reboots", [](Guest& g) { return g.idle().reboots(); })
      .def("drives", [](Guest& g) { return g.idle().drives(); })
      .def(
          "drive_bytes", [](Guest& g, std::size_t drive) { return g.idle().drive_bytes(drive); },
          py::arg("drive"))
      .def("read_drive", &read_drive, py::arg("drive"), py::arg("offset"), py::arg("size"))
      .def("track_unflushed_writes", [](Guest& g) { g.edited().track_unflushed_writes(); })
      .def(
          "unflushed_writes", [](Guest& g, std::size_t drive) { return g.idle().unflushed_writes(drive); },
          py::arg("drive"))
      .def(
          "cut_power", [](Guest& g, std::uint64_t seed) { g.edited().cut_power(seed); }, py::arg("seed"));
}

}  // namespace quire::python
