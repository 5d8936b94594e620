// Making a machine, and its public face.
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "emu/machine/config_check.h"
#include "emu/machine/digest.h"
#include "emu/machine/engines.h"
#include "emu/machine/isa_string.h"
#include "emu/machine/machine_impl.h"

namespace quire {
namespace {

Config checked(Config config) {
  check_config(config);
  return config;
}

}  // namespace

Machine::Impl::Impl(Config config)
    : config_(checked(std::move(config))),
      ram_(PhysAddr(kRamBase), config_.ram_bytes),
      bus_(ram_),
      hart_(0, bus_, config_.tlb, *this, parse_isa(config_.isa)),
      engine_config_(config_.engine),
      events_([this] { return hart_.state().icount; }, [this](u64 deadline_ns) { on_schedule(deadline_ns); }),
      machine_software_(hart_, Interrupt::kMachineSoftware),
      machine_timer_(hart_, Interrupt::kMachineTimer),
      supervisor_timer_(hart_, Interrupt::kSupervisorTimer),
      machine_external_(hart_, Interrupt::kMachineExternal),
      supervisor_external_(hart_, Interrupt::kSupervisorExternal),
      board_(config_, board_wiring()),
      injector_(hart_, board_),
      firmware_(firmware_wiring()),
      plan_(config_, board_.virtio_slots()),
      fence_checker_([this] {
        return FenceChecker::Place{hart_.state().pc, hart_.state().icount};
      }),
      hart_view_(hart_),
      ram_view_(ram_),
      hub_(hart_),
      symbols_(plan_.kernel().names) {
  ChosenEngine chosen = make_engine(config_.engine, hart_);
  engine_ = std::move(chosen.engine);
  engine_config_.kind = config_.engine.kind = chosen.kind;
  interpreted_because_ = std::move(chosen.instead);
  for (const Board::Placed& placed : board_.devices()) {
    bus_.add_device(PhysAddr(placed.region.base), placed.region.size_bytes, placed.device.get());
  }
  for (HartLine* line :
       {&machine_software_, &machine_timer_, &supervisor_timer_, &machine_external_, &supervisor_external_}) {
    line->set_injector(&injector_);
  }
  if (config_.htif) {
    make_htif();
  }
  if (config_.tlb.check == FenceCheck::kReport) {
    hart_.mmu().set_fence_checker(&fence_checker_);
  }
  power_on();
}

Board::Wiring Machine::Impl::board_wiring() {
  return {.clock = events_,
          .dma = bus_,
          .machine_software = machine_software_,
          .machine_timer = machine_timer_,
          .supervisor_timer = supervisor_timer_,
          .machine_external = machine_external_,
          .supervisor_external = supervisor_external_,
          .finish =
              [this](Finisher::Action action, u32 status) {
                action == Finisher::Action::kPowerOff ? finish(static_cast<int>(status)) : request_reboot();
              },
          .trace = [this](TraceEventId id, std::span<const u64> args) { trace(id, args); },
          .control_in = control_in_,
          .control_out = control_out_};
}

Firmware::Wiring Machine::Impl::firmware_wiring() {
  return {
      .hart = hart_,
      .bus = bus_,
      .clock = events_,
      .time = [this] { return time(); },
      .reset = [this](sbi::ResetKind kind,
                      int status) { kind == sbi::ResetKind::kShutdown ? finish(status) : request_reboot(); },
      .console = config_.uart,
      .console_in = config_.uart_in};
}

void Machine::Impl::make_htif() {
  const auto& addresses = plan_.kernel().symbol_addresses;
  const auto find = [&addresses, this](const char* name) -> std::optional<PhysAddr> {
    const auto found = addresses.find(name);
    if (found == addresses.end() || !ram_.contains(PhysAddr(found->second), sizeof(u64))) {
      return std::nullopt;
    }
    return PhysAddr(found->second);
  };
  if (const auto tohost = find("tohost")) {  // without one, the program ends through the finisher
    htif_ = std::make_unique<Htif>(ram_, *tohost, find("fromhost"), config_.uart,
                                   [this](u64 status) { finish(static_cast<int>(status & 0xff)); });
  }
}

/// Registers and RAM as the first instruction finds them. RAM is all zero before.
void Machine::Impl::power_on() {
  board_.reset();
  plan_.install(ram_);
  constexpr unsigned kA2 = 12;
  const Privilege privilege =
      config_.mode == BootMode::kSupervisor ? Privilege::kSupervisor : Privilege::kMachine;
  hart_.reset(plan_.entry(), privilege, hart_.id(), plan_.device_tree_address());
  hart_.state().x[kA2] = plan_.dynamic_info_address();
  if (config_.mode == BootMode::kSupervisor) {
    firmware_.power_on();
  }
}

/// Time and counts go on; everything else starts over.
void Machine::Impl::reboot() {
  reboot_requested_ = false;
  ++reboots_;
  const u64 icount = hart_.state().icount;
  const auto bytes = ram_.bytes();
  if (::madvise(bytes.data(), bytes.size(), MADV_DONTNEED) != 0) {
    std::fill(bytes.begin(), bytes.end(), u8{0});
  }
  ram_.wrote(ram_.base(), ram_.size_bytes(), Writer::kOther);
  power_on();
  hart_.state().icount = icount;
}

bool Machine::Impl::sbi_call(HartState& state) {
  if (config_.mode != BootMode::kSupervisor) {
    return false;
  }
  if (!hub_.wants(Observed::kSbi)) {
    firmware_.handle_call(state);
    return true;
  }
  SbiEvent event{};
  event.at = hub_.place();
  constexpr unsigned kA0 = 10;
  std::copy_n(state.x + kA0, event.args.size(), event.args.begin());
  event.function = state.x[kA0 + 6];
  event.extension = state.x[kA0 + 7];
  firmware_.handle_call(state);
  event.error = state.x[kA0];
  event.value = state.x[kA0 + 1];
  hub_.tell_sbi(event);
  return true;
}

void Machine::Impl::finish(int status) {
  if (!exit_status_) {
    exit_status_ = status & 0xff;
  }
  hart_.request_exit();
}

void Machine::Impl::request_reboot() {
  reboot_requested_ = true;
  hart_.request_exit();
}

void Machine::Impl::trace(TraceEventId id, std::span<const u64> args) {
  TraceEvent event{.id = id,
                   .hart = static_cast<u8>(hart_.id()),
                   .arg_count = static_cast<u8>(args.size()),
                   .icount = hart_.state().icount,
                   .args = {}};
  std::copy(args.begin(), args.end(), event.args.begin());
  hub_.flush_logs();
  sinks_.tell([&event](const Sink& sink) { sink.who->on_event(event); });
}

Counters Machine::Impl::counters() const {
  const HartState& state = hart_.state();
  return {.icount = state.icount,
          .minstret = state.icount - state.trap_count,
          .traps = state.trap_count,
          .interrupts = state.interrupt_count,
          .page_faults = state.page_fault_count,
          .tlb = hart_.mmu().tlb().stats()};
}

std::vector<u64> Machine::Impl::digest_words() const {
  std::vector<u64> words{time_ns(), firmware_.hart_stopped() ? 1U : 0U};
  hart_.append_architectural_state(words);
  return words;
}

u64 Machine::Impl::digest() const { return digest_state(digest_words(), ram_.bytes()); }

std::optional<Screen> Machine::Impl::screen() const {
  const std::optional<Framebuffer>& framebuffer = plan_.framebuffer();
  if (!framebuffer) {
    return std::nullopt;
  }
  const u64 offset = framebuffer->address - ram_.base().value;
  return picture_of(framebuffer->size, ram_.bytes().subspan(offset, framebuffer->size_bytes()));
}

Walk Machine::Impl::walk(VirtAddr va, u64 satp, Access access, Privilege privilege) const {
  const u64 mstatus = hart_.state().mstatus;
  return walk_for_people(ram_, va, access,
                         {.satp = Satp{satp},
                          .privilege = privilege,
                          .sum = (mstatus & kStatusSum) != 0,
                          .mxr = (mstatus & kStatusMxr) != 0,
                          .rules = hart_.data_mode().rules});
}

Machine::Machine(Config config) {
  try {
    impl_ = std::make_unique<Impl>(std::move(config));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kInternal,
                fmt::format("the host cannot give {} MiB of address space for the guest's RAM",
                            config.ram_bytes >> 20));
  }
}
Machine::~Machine() = default;

Stop Machine::run(const RunLimits& limits) { return impl_->run(limits); }
void Machine::request_stop() noexcept { impl_->request_stop(); }
void Machine::cancel_stop() noexcept { impl_->cancel_stop(); }
const Config& Machine::config() const { return impl_->config(); }
u64 Machine::icount() const { return impl_->icount(); }
u64 Machine::reboots() const { return impl_->reboots(); }
u64 Machine::time_ns() const { return impl_->time_ns(); }
Counters Machine::counters() const { return impl_->counters(); }
EngineStats Machine::engine_stats() const { return impl_->engine_stats(); }

HartView& Machine::hart(unsigned index) {
  if (index != 0) {
    throw Error(ErrorKind::kUsage, fmt::format("there is no hart {}: the machine has one, number 0", index));
  }
  return impl_->hart_view();
}
MemoryView& Machine::memory() { return impl_->ram_view(); }

Walk Machine::walk(VirtAddr va, u64 satp, Access access, Privilege privilege) const {
  return impl_->walk(va, satp, access, privilege);
}
FenceReport Machine::fence_report() const {
  return impl_->config().tlb.check == FenceCheck::kOff ? FenceReport{} : impl_->fence_report();
}
u64 Machine::digest() const { return impl_->digest(); }
void Machine::add_sink(TraceSink* sink) { impl_->add_sink(sink); }
void Machine::remove_sink(TraceSink* sink) { impl_->remove_sink(sink); }
void Machine::control_write(std::span<const u8> data) { impl_->control_in().push(data); }
std::vector<u8> Machine::control_read() { return impl_->control_out().take(); }
std::optional<Screen> Machine::screen() const { return impl_->screen(); }
std::vector<std::string> Machine::troubles() const { return impl_->board().troubles(); }

std::vector<DevicePlace> Machine::devices() const {
  std::vector<DevicePlace> places;
  for (const Board::Placed& placed : impl_->board().devices()) {
    places.push_back({std::string(placed.device->name()), placed.region.base, placed.region.size_bytes});
  }
  std::sort(places.begin(), places.end(),
            [](const DevicePlace& a, const DevicePlace& b) { return a.base < b.base; });
  return places;
}

std::span<const u8> Machine::device_tree() const { return impl_->boot_plan().device_tree(); }

std::optional<u64> Machine::symbol(const std::string& name) const {
  const auto& symbols = impl_->boot_plan().kernel().symbols;
  const auto found = symbols.find(name);
  if (found == symbols.end()) {
    return std::nullopt;
  }
  return found->second;
}

}  // namespace quire
