// Taking snapshots of a machine and going back to them (quire/snapshot.h).
//
// The hart, virtual time and each device are a section each, in the order in which they are loaded: events
// are forgotten before their owners take them up again. RAM comes last, as it cannot fail.
#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "emu/machine/added_devices.h"
#include "emu/machine/isa_string.h"
#include "emu/machine/machine_impl.h"
#include "emu/machine/state_archives.h"
#include "quire/arch/names.h"

namespace quire {
namespace {

std::string fingerprint(std::span<const u8> data) {
  return data.empty()
             ? "none"
             : fmt::format("{} bytes, xxh3 {:016x}", data.size(), XXH3_64bits(data.data(), data.size()));
}

std::string drives_text(const Config& config) {
  std::string text = fmt::format("{}", config.drives.size());
  for (const Drive& drive : config.drives) {
    text += drive.read_only ? ", read-only" : drive.snapshot ? ", snapshot" : ", written";
  }
  return text;
}

/// What a machine must have in common with the one that a snapshot was taken of.
std::vector<Snapshot::Impl::Setting> settings_of(const Config& config) {
  constexpr const char* kModes[] = {"bare", "supervisor", "firmware"};
  return {
      {"mode", kModes[static_cast<usize>(config.mode)]},
      {"RAM", fmt::format("{} MiB", config.ram_bytes >> 20)},
      {"ISA", isa_string(parse_isa(config.isa))},
      {"TLB", fmt::format("{} entries, {} ways, policy {}", config.tlb.entries, config.tlb.ways,
                          static_cast<unsigned>(config.tlb.policy))},
      {"seed", fmt::format("{}", config.seed)},
      {"firmware", fingerprint(config.firmware)},
      {"kernel", fingerprint(config.kernel)},
      {"initrd", fingerprint(config.initrd)},
      {"command line", config.command_line},
      {"device tree", fingerprint(config.device_tree)},
      {"drives", drives_text(config)},
      {"screen", config.screen ? fmt::format("{}x{}", config.screen->width, config.screen->height) : "none"},
      {"added devices", added_devices_text(config)}};
}

std::vector<Snapshot::Impl::Value> values_of(const Hart& hart, u64 time_ns) {
  const HartState& s = hart.state();
  std::vector<Snapshot::Impl::Value> values{
      {"pc", s.pc}, {"privilege", static_cast<u64>(s.privilege)}, {"icount", s.icount}, {"time_ns", time_ns}};
  for (unsigned i = 1; i < 32; ++i) {
    values.push_back({fmt::format("x{}", i), s.x[i]});
  }
  for (unsigned i = 0; i < 32; ++i) {
    values.push_back({fmt::format("f{}", i), s.f[i]});
  }
  for (const arch::CsrName& csr : arch::kCsrNames) {
    if (const auto value = hart.read_csr(csr.number)) {
      values.push_back({csr.name, *value});
    }
  }
  return values;
}

}  // namespace

void Machine::Impl::for_each_part(const std::function<void(const std::string&, const Transfer&)>& visit) {
  visit(kHartSection, [this](StateArchive& archive) { hart_.transfer(archive); });
  visit("time", [this](StateArchive& archive) { events_.transfer(archive); });
  visit("run", [this](StateArchive& archive) { transfer_run_state(archive); });
  visit("faults", [this](StateArchive& archive) { injector_.transfer(archive); });
  visit("firmware", [this](StateArchive& archive) { firmware_.transfer(archive); });
  board_.for_each_part(visit);
  for (const auto& [name, transfer] : outer_parts_) {
    visit(name, transfer);
  }
}

void Machine::Impl::transfer_run_state(StateArchive& archive) {
  archive(exit_status_, reboot_requested_, reboots_);
  if (archive.loading()) {
    polled_at_icount_ = icount();
    at_breakpoint_ = false;
    idle_debt_ns_ = 0;  // the host's
    hub_.take_hit();
    hub_.forget_logged();
    hart_.clear_exit_request();
    engine_->forget_passed_breakpoint();
  }
}

void Machine::Impl::save_sections(Snapshot::Impl& into) {
  for_each_part([&into](const std::string& name, const Transfer& transfer) {
    SaveArchive archive;
    transfer(archive);
    into.sections.push_back({name, archive.take()});
  });
}

Snapshot Machine::Impl::snapshot() {
  if (running_) {
    throw Error(ErrorKind::kState, "the machine runs: a callback cannot take a snapshot of it");
  }
  if (const std::string why = board_.unsaveable(); !why.empty()) {
    throw Error(ErrorKind::kUsage, "no snapshot can be taken: the machine's " + why);
  }
  auto taken = std::make_shared<Snapshot::Impl>();
  taken->settings = settings_of(config_);
  taken->icount = icount();
  taken->time_ns = time_ns();
  taken->pc = hart_.state().pc;
  taken->digest_words = digest_words();
  taken->values = values_of(hart_, time_ns());
  save_sections(*taken);
  hart_.mmu().watch_changes();  // first: what fails half-way must not leave stores unseen
  taken->ram = imager_.take();
  return Snapshot(std::move(taken));
}

void Machine::Impl::check_fit(const Snapshot::Impl& snapshot) const {
  const auto own = settings_of(config_);
  for (usize i = 0; i < own.size(); ++i) {
    // Snapshots from before there were added devices have none.
    const std::string theirs = i < snapshot.settings.size() ? snapshot.settings[i].value : "none";
    if (theirs != own[i].value) {
      throw Error(
          ErrorKind::kUsage,
          fmt::format("the snapshot is of a machine with {} '{}', this one has '{}'; make the machine "
                      "with the same settings",
                      own[i].name, theirs, own[i].value));
    }
  }
  if (snapshot.ram.page_count() != ram_.page_count() || snapshot.sections.empty()) {
    throw Error(ErrorKind::kUsage, "the snapshot is of a machine with other RAM, or damaged");
  }
}

void Machine::Impl::load_sections(const Snapshot::Impl& from) {
  usize next = 0;
  for_each_part([&](const std::string& name, const Transfer& transfer) {
    if (next == from.sections.size() || from.sections[next].name != name) {
      throw Error(
          ErrorKind::kUsage,
          fmt::format("the snapshot has no state for this machine's '{}'; make the machine as the one "
                      "that the snapshot was taken of",
                      name));
    }
    LoadArchive archive(from.sections[next++].state, name);
    transfer(archive);
    archive.finish();
  });
  if (next != from.sections.size()) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the snapshot has a '{}', which this machine has not", from.sections[next].name));
  }
}

/// What a file tells of its state is not what is loaded from it: the two must say the same.
void Machine::Impl::check_told(const Snapshot::Impl& from) const {
  if (from.icount != icount() || from.time_ns != time_ns() || from.pc != hart_.state().pc ||
      from.digest_words != digest_words() || from.values != values_of(hart_, time_ns())) {
    throw Error(ErrorKind::kFile, "the snapshot is damaged: its parts do not agree; take it anew");
  }
}

void Machine::Impl::restore(const Snapshot& snapshot) {
  if (running_) {
    throw Error(ErrorKind::kState, "the machine runs: a callback cannot restore it");
  }
  const Snapshot::Impl& from = snapshot.impl();
  check_fit(from);
  Snapshot::Impl before;
  save_sections(before);
  try {
    load_sections(from);
    if (from.unchecked) {
      check_told(from);
    }
  } catch (...) {
    load_sections(before);
    throw;
  }
  imager_.put(from.ram);
  // RAM that changed under it may have cost the hart its reservation.
  LoadArchive hart(from.sections.front().state, kHartSection);
  hart_.transfer(hart);
}

void Machine::Impl::add_part(std::string name, Transfer transfer) {
  outer_parts_[std::move(name)] = std::move(transfer);
}
void Machine::Impl::remove_part(const std::string& name) { outer_parts_.erase(name); }

Snapshot Machine::snapshot() { return impl_->snapshot(); }
void Machine::restore(const Snapshot& snapshot) { impl_->restore(snapshot); }
void Machine::add_part(const std::string& name, std::function<void(StateArchive&)> transfer) {
  impl_->add_part(name, std::move(transfer));
}
void Machine::remove_part(const std::string& name) { impl_->remove_part(name); }

}  // namespace quire
