// What debuggers ask of a machine (quire/debug.h): breakpoints, virtual memory, the TLB's entries, symbols.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "emu/machine/machine_impl.h"
#include "emu/machine/virtual_memory.h"

namespace quire {
namespace {

// What lies further from every symbol belongs to none.
constexpr u64 kMaxSymbolOffset = u64{1} << 20;

}  // namespace

void Machine::Impl::add_breakpoint(u64 pc) {
  if (breakpoints_.insert(pc).second) {
    breakpoints_changed();
  }
}

void Machine::Impl::remove_breakpoint(u64 pc) {
  if (breakpoints_.erase(pc) != 0) {
    breakpoints_changed();
  }
}

void Machine::Impl::add_breakpoint_range(PcRange range) {
  if (range.last < range.first) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{:#x} to {:#x} is no range of addresses", range.first, range.last));
  }
  breakpoint_ranges_.push_back(range);
  breakpoints_changed();
}

void Machine::Impl::remove_breakpoint_range(PcRange range) {
  const auto found = std::find(breakpoint_ranges_.begin(), breakpoint_ranges_.end(), range);
  if (found != breakpoint_ranges_.end()) {
    breakpoint_ranges_.erase(found);
    breakpoints_changed();
  }
}

void Machine::Impl::breakpoints_changed() {
  engine_->set_breakpoints({breakpoints_.begin(), breakpoints_.end()}, breakpoint_ranges_);
  if (running_) {
    hart_.request_exit();  // from a sink: in force from the next instruction on
  }
}

usize Machine::Impl::read_virtual(u64 va, std::span<u8> out) const {
  return for_each_piece(hart_, va, out.size(), [&](PhysAddr from, u64 offset, u64 count_bytes) {
    ram_.read(from, out.subspan(offset, count_bytes));
  });
}

usize Machine::Impl::write_virtual(u64 va, std::span<const u8> data) {
  return for_each_piece(hart_, va, data.size(), [&](PhysAddr to, u64 offset, u64 count_bytes) {
    ram_.write(to, data.subspan(offset, count_bytes));
  });
}

std::optional<u64> Machine::Impl::physical_address(u64 va) const {
  const auto found = find_physical(hart_, VirtAddr(va));
  return found ? std::optional(found->value) : std::nullopt;
}

std::vector<TlbEntryView> Machine::Impl::tlb_entries() const {
  std::vector<TlbEntryView> entries;
  hart_.mmu().tlb().for_each([&entries](const TlbEntry& e) {
    entries.push_back({e.first_va(), e.frame, e.bytes(), e.asid, e.flags});
  });
  std::sort(entries.begin(), entries.end(), [](const TlbEntryView& a, const TlbEntryView& b) {
    return std::tie(a.va, a.asid, a.page_bytes) < std::tie(b.va, b.asid, b.page_bytes);
  });
  return entries;
}

void Machine::Impl::restart() {
  if (running_) {
    throw Error(ErrorKind::kState, "the machine runs: a callback cannot restart it");
  }
  exit_status_.reset();
  reboot();
}

void Machine::add_breakpoint(u64 pc) { impl_->add_breakpoint(pc); }
void Machine::remove_breakpoint(u64 pc) { impl_->remove_breakpoint(pc); }
void Machine::add_breakpoint_range(u64 first, u64 last) { impl_->add_breakpoint_range({first, last}); }
void Machine::remove_breakpoint_range(u64 first, u64 last) { impl_->remove_breakpoint_range({first, last}); }
void Machine::add_watchpoint(const Watchpoint& watchpoint) { impl_->observers().add_watchpoint(watchpoint); }
void Machine::remove_watchpoint(const Watchpoint& watchpoint) {
  impl_->observers().remove_watchpoint(watchpoint);
}
usize Machine::read_virtual(u64 va, std::span<u8> out) const { return impl_->read_virtual(va, out); }
usize Machine::write_virtual(u64 va, std::span<const u8> data) { return impl_->write_virtual(va, data); }
std::optional<u64> Machine::physical_address(u64 va) const { return impl_->physical_address(va); }
std::vector<TlbEntryView> Machine::tlb_entries() const { return impl_->tlb_entries(); }
void Machine::restart() { impl_->restart(); }
void Machine::add_observer(Observer* observer, ObservedSet what) { impl_->observers().add(observer, what); }
void Machine::remove_observer(Observer* observer) { impl_->observers().remove(observer); }
void Machine::add_insn_sink(InsnSink* sink) { impl_->observers().add_insn_sink(sink); }
void Machine::remove_insn_sink(InsnSink* sink) { impl_->observers().remove_insn_sink(sink); }
void Machine::add_access_sink(AccessSink* sink, const Watchpoint& where) {
  impl_->observers().add_access_sink(sink, where);
}
void Machine::remove_access_sink(AccessSink* sink) { impl_->observers().remove_access_sink(sink); }
void Machine::observe_memory(Observer* observer, const Watchpoint& where) {
  impl_->observers().observe_memory(observer, where);
}
void Machine::stop_observing_memory(Observer* observer, const Watchpoint& where) {
  impl_->observers().stop_observing_memory(observer, where);
}

std::optional<SymbolPlace> Machine::symbol_at(u64 address) const {
  const auto found = impl_->symbols().at_or_before(address);
  if (!found || address - found->address > kMaxSymbolOffset) {
    return std::nullopt;
  }
  return SymbolPlace{found->name, address - found->address};
}

std::optional<u64> Machine::symbol_address(const std::string& name) const {
  return impl_->symbols().find(name);
}

void Machine::add_symbols(std::span<const u8> file, const std::string& name) {
  impl_->symbols().add(file, name);
}

}  // namespace quire
