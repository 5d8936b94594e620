#include "emu/machine/observer_hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "emu/hart/csr.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr std::array kEverything = {Observed::kInsn,   Observed::kMmu, Observed::kTrap, Observed::kInterrupt,
                                    Observed::kDevice, Observed::kSbi, Observed::kDma,  Observed::kCode};

u64 csr_value(const Hart& hart, Csr csr) { return hart.read_csr(number_of(csr)).value_or(0); }

bool is_csr_insn(Op op) { return op_info(op).format == Format::Csr || op_info(op).format == Format::CsrImm; }

/// csrrs and csrrc with x0 or 0 only read (7.1).
bool writes_csr(const Insn& insn) { return insn.op == Op::csrrw || insn.op == Op::csrrwi || insn.rs1 != 0; }

bool concerns(WatchKind kind, Access access) {
  return kind == WatchKind::kAccess || (kind == WatchKind::kWrite) == (access == Access::kWrite);
}

bool overlaps(const Watchpoint& w, u64 va, unsigned size) {
  return va - w.address < w.size_bytes || w.address - va < size;
}

void check_range(const Watchpoint& watchpoint) {
  if (watchpoint.size_bytes == 0 || watchpoint.address + (watchpoint.size_bytes - 1) < watchpoint.address) {
    throw Error(ErrorKind::kUsage, fmt::format("{} bytes at {:#x} cannot be watched: give 1 or more that end "
                                               "below 2^64",
                                               watchpoint.size_bytes, watchpoint.address));
  }
}

/// The largest size means all of memory.
u64 last_of(const Watchpoint& w) {
  return w.size_bytes == ~u64{0} ? ~u64{0} : w.address + (w.size_bytes - 1);
}

/// What is looked at page by page; for more, every access takes the slow way.
constexpr u64 kMaxPages = 1024;

}  // namespace

void ObserverHub::add(Observer* observer, ObservedSet what) {
  observers_.add({observer, what});
  install();
}

void ObserverHub::remove(Observer* observer) {
  observers_.remove(observer);
  install();
}

void ObserverHub::add_watchpoint(const Watchpoint& watchpoint) {
  check_range(watchpoint);
  if (watchpoint.size_bytes / kPageBytes >= kMaxPages) {
    throw Error(ErrorKind::kUsage, fmt::format("{} bytes are too many to watch: at most {} pages",
                                               watchpoint.size_bytes, kMaxPages));
  }
  watchpoints_.push_back(watchpoint);
  install();
}

void ObserverHub::remove_watchpoint(const Watchpoint& watchpoint) {
  const auto found = std::find(watchpoints_.begin(), watchpoints_.end(), watchpoint);
  if (found == watchpoints_.end()) {
    return;
  }
  watchpoints_.erase(found);
  install();
}

void ObserverHub::observe_memory(Observer* observer, const Watchpoint& where) {
  check_range(where);
  places_.push_back({observer, where});
  install();
}

void ObserverHub::stop_observing_memory(Observer* observer, const Watchpoint& where) {
  const auto found = std::find_if(places_.begin(), places_.end(), [&](const Place& place) {
    return place.who == observer && place.where == where;
  });
  if (found != places_.end()) {
    places_.erase(found);
    install();
  }
}

void ObserverHub::add_insn_sink(InsnSink* sink) {
  insn_sinks_.push_back(sink);
  hart_.set_insn_log(&insn_log_);
}

void ObserverHub::remove_insn_sink(InsnSink* sink) {
  std::erase(insn_sinks_, sink);
  hart_.set_insn_log(insn_sinks_.empty() ? nullptr : &insn_log_);
}

void ObserverHub::add_access_sink(AccessSink* sink, const Watchpoint& where) {
  check_range(where);
  access_sinks_.push_back({sink, where});
  install_access_log();
}

void ObserverHub::remove_access_sink(AccessSink* sink) {
  std::erase_if(access_sinks_, [sink](const Sink& one) { return one.who == sink; });
  install_access_log();
}

/// What any of the sinks wants is logged; each looks for its own.
void ObserverHub::install_access_log() {
  AccessLog::Wanted wanted{.first = ~u64{0}, .last = 0};
  for (const Sink& sink : access_sinks_) {
    wanted.first = std::min(wanted.first, sink.where.address);
    wanted.last = std::max(wanted.last, last_of(sink.where));
    wanted.reads = wanted.reads || sink.where.kind != WatchKind::kWrite;
    wanted.writes = wanted.writes || sink.where.kind != WatchKind::kRead;
  }
  access_log_.set_wanted(wanted);
  hart_.set_access_log(access_sinks_.empty() ? nullptr : &access_log_);
}

void ObserverHub::settle_log() {
  insn_log_.settle(hart_.state().icount);
  flush_logs();
}

void ObserverHub::flush_logs() {
  insn_log_.settle_so_far(hart_.state().icount);
  tell_accesses_before(~u64{0});
  access_log_.forget();
  accesses_told_ = 0;
}

void ObserverHub::forget_logged() {
  insn_log_.forget();
  access_log_.forget();
  accesses_told_ = 0;
}

/// Accesses come after their instruction and before the next.
void ObserverHub::on_insns(std::span<const InsnPlace> insns) {
  while (!insns.empty()) {
    const auto untold = access_log_.entries().subspan(accesses_told_);
    usize count = insns.size();
    if (!untold.empty()) {
      const auto after = std::upper_bound(insns.begin(), insns.end(), untold.front().icount,
                                          [](u64 icount, const InsnPlace& i) { return icount < i.icount; });
      count = static_cast<usize>(after - insns.begin());
    }
    tell_insns(insns.first(count));
    insns = insns.subspan(count);
    if (!insns.empty()) tell_accesses_before(insns.front().icount);
  }
}

void ObserverHub::tell_insns(std::span<const InsnPlace> insns) {
  if (insns.empty()) return;
  for (InsnSink* const sink : insn_sinks_) sink->on_insns(insns);
}

/// The log of accesses is full; what was executed up to the last of them is in the other.
void ObserverHub::on_accesses(std::span<const AccessPlace> accesses) {
  insn_log_.settle_so_far(accesses.back().icount + 1);
  tell_accesses_before(~u64{0});
  access_log_.forget();
  accesses_told_ = 0;
}

void ObserverHub::tell_accesses_before(u64 icount) {
  const auto untold = access_log_.entries().subspan(accesses_told_);
  const auto end = std::lower_bound(untold.begin(), untold.end(), icount,
                                    [](const AccessPlace& a, u64 limit) { return a.icount < limit; });
  const usize count = static_cast<usize>(end - untold.begin());
  if (count == 0) return;
  accesses_told_ += count;
  for (const Sink& sink : access_sinks_) sink.who->on_accesses(untold.first(count));
}

std::optional<WatchHit> ObserverHub::take_hit() { return std::exchange(hit_, std::nullopt); }

/// Tells the layers what is wanted of them.
void ObserverHub::install() {
  wanted_ = {};
  for (const Observed one : kEverything) {
    if (observers_.any([one](const Registered& r) { return r.what.contains(one); })) {
      wanted_ = wanted_ | one;
    }
  }
  const bool every_insn = !install_pages() || wants(Observed::kInsn);
  const bool of_hart = every_insn || !watchpoints_.empty() || !places_.empty() || wants(Observed::kTrap) ||
                       wants(Observed::kInterrupt);
  hart_.set_observer(of_hart ? this : nullptr,
                     every_insn ? Hart::Observe::kEveryInsn : Hart::Observe::kSlowPath);
  hart_.set_engine_observer(wants(Observed::kCode) ? this : nullptr);
  hart_.mmu().set_observer(wants(Observed::kMmu) ? this : nullptr);
  hart_.mmu().bus().set_observer(wants(Observed::kDevice) || wants(Observed::kDma) ? this : nullptr);
}

/// False: there are so many that every instruction must take the slow way.
bool ObserverHub::install_pages() {
  std::vector<u64> pages;
  bool few = true;
  const auto add = [&](const Watchpoint& watchpoint) {
    if (watchpoint.size_bytes / kPageBytes >= kMaxPages) {
      few = false;
      return;
    }
    const u64 first = align_down(watchpoint.address, kPageBytes);
    const u64 last = align_down(watchpoint.address + (watchpoint.size_bytes - 1), kPageBytes);
    for (u64 i = 0; i <= (last - first) / kPageBytes; ++i) {
      pages.push_back(first + i * kPageBytes);
    }
  };
  std::for_each(watchpoints_.begin(), watchpoints_.end(), add);
  std::for_each(places_.begin(), places_.end(), [&](const Place& place) { add(place.where); });
  hart_.mmu().set_slow_pages(std::move(pages));
  return few;
}

EventPlace ObserverHub::place() const {
  const HartState& state = hart_.state();
  return {.hart = hart_.id(), .icount = state.icount, .pc = state.pc, .privilege = state.privilege};
}

template <class Call>
void ObserverHub::tell(Observed what, Call&& call) {
  flush_logs();
  const fp::HostPause pause(hart_.state().fp);
  observers_.tell([&](const Registered& r) {
    if (r.what.contains(what)) {
      call(*r.who);
    }
  });
}

void ObserverHub::tell_sbi(const SbiEvent& event) {
  tell(Observed::kSbi, [&event](Observer& o) { o.on_sbi(event); });
}

void ObserverHub::on_begin(const Insn&) {
  before_.at = place();
  if (!wants(Observed::kInsn)) {
    return;
  }
  std::memcpy(before_.x, hart_.state().x, sizeof before_.x);
  before_.mstatus = csr_value(hart_, Csr::mstatus);
  before_.fflags = csr_value(hart_, Csr::fflags);
  writes_.clear();
  accesses_.clear();
}

void ObserverHub::on_end(const Insn& insn) {
  if (!wants(Observed::kInsn)) {
    return;
  }
  collect_writes(insn);
  const InsnEvent event{.at = before_.at,
                        .bits = insn.raw,
                        .length_bytes = insn.length,
                        .writes = writes_,
                        .accesses = accesses_};
  tell(Observed::kInsn, [&event](Observer& o) { o.on_insn(event); });
}

/// The destination is told even when its value stays; other registers (of the SBI's answers, say) when it
/// changes.
void ObserverHub::collect_writes(const Insn& insn) {
  using Bank = RegisterWrite::Bank;
  const HartState& state = hart_.state();
  for (u16 r = 1; r < 32; ++r) {
    const bool destination = has_flag(insn.op, kWritesX) && insn.rd == r;
    if (destination || state.x[r] != before_.x[r]) {
      writes_.push_back({Bank::kX, r, state.x[r]});
    }
  }
  if (has_flag(insn.op, kWritesF)) {
    writes_.push_back({Bank::kF, insn.rd, state.f[insn.rd]});
  }
  unsigned named = 0;
  if (is_csr_insn(insn.op) && writes_csr(insn)) {
    named = static_cast<unsigned>(insn.imm) & 0xfff;
    writes_.push_back({Bank::kCsr, static_cast<u16>(named), hart_.read_csr(named).value_or(0)});
  }
  const auto on_the_side = [&](Csr csr, u64 before) {
    const u64 now = csr_value(hart_, csr);
    if (now != before && number_of(csr) != named) {
      writes_.push_back({Bank::kCsr, static_cast<u16>(number_of(csr)), now});
    }
  };
  on_the_side(Csr::fflags, before_.fflags);
  on_the_side(Csr::mstatus, before_.mstatus);
}

void ObserverHub::on_access(Access access, u64 va, unsigned size, u64 value) {
  const bool is_store = access == Access::kWrite;
  if (wants(Observed::kInsn)) {
    accesses_.push_back({va, value, static_cast<u8>(size), is_store});
  }
  for (const Place& place : places_) {
    if (overlaps(place.where, va, size) && concerns(place.where.kind, access)) {
      tell_access(
          place, {.at = before_.at, .address = va, .value = value, .size_bytes = size, .is_store = is_store});
    }
  }
  for (const Watchpoint& watchpoint : watchpoints_) {
    if (overlaps(watchpoint, va, size) && concerns(watchpoint.kind, access) && !hit_) {
      const u64 first = va - watchpoint.address < watchpoint.size_bytes ? va : watchpoint.address;
      hit_ = WatchHit{watchpoint, first, hart_.state().pc, is_store};
      hart_.request_exit();
    }
  }
}

void ObserverHub::tell_access(const Place& place, const AccessEvent& event) {
  const fp::HostPause pause(hart_.state().fp);
  place.who->on_access(event);
}

void ObserverHub::on_trap(u64 cause, u64 tval, Privilege target, u64 handler) {
  TrapEvent event{.at = place(), .cause = cause, .tval = tval, .target = target, .handler = handler};
  if ((cause & kInterruptFlag) != 0) {
    tell(Observed::kInterrupt, [&event](Observer& o) { o.on_interrupt(event); });
    return;
  }
  --event.at.icount;  // the instruction that trapped has been counted
  tell(Observed::kTrap, [&event](Observer& o) { o.on_trap(event); });
}

void ObserverHub::on_walk(const MemoryMode& mode, VirtAddr va, Access access, const PageWalk& found) {
  MmuEvent event{};
  event.at = place();
  event.kind = MmuEvent::Kind::kWalk;
  event.va = va.value;
  event.asid = static_cast<u16>(mode.satp.asid());
  event.access = access;
  event.steps = found.step_count;
  if (found.fault != WalkFault::kNone) {
    event.fault = describe(found.fault);
  } else {
    const PteRead& leaf = found.leaf();
    event.page_bytes = u64{1} << leaf_shift(leaf.pte, leaf.level);
    event.physical_address = leaf_address(leaf.pte, leaf.level, VirtAddr(0)).value;
    event.flags = static_cast<u8>(leaf.pte.raw);
  }
  std::array<u64, kMaxLevels> entries{};
  for (unsigned i = 0; i < found.step_count; ++i) {
    entries[i] = found.steps[i].address.value;
  }
  event.entries = std::span(entries).first(found.step_count);
  tell(Observed::kMmu, [&event](Observer& o) { o.on_mmu(event); });
}

void ObserverHub::tell_entry(MmuEvent::Kind kind, const TlbEntry& entry) {
  MmuEvent event{};
  event.at = place();
  event.kind = kind;
  event.va = entry.first_va();
  event.asid = entry.asid;
  event.physical_address = entry.frame;
  event.page_bytes = entry.bytes();
  event.flags = entry.flags;
  tell(Observed::kMmu, [&event](Observer& o) { o.on_mmu(event); });
}

void ObserverHub::on_fence(std::optional<VirtAddr> va, std::optional<u16> asid) {
  MmuEvent event{};
  event.at = place();
  event.kind = MmuEvent::Kind::kFence;
  if (va) {
    event.va = va->value;
  }
  event.asid = asid;
  tell(Observed::kMmu, [&event](Observer& o) { o.on_mmu(event); });
}

void ObserverHub::on_dma(PhysAddr address, u64 count_bytes, Access access) {
  const DmaEvent event{.at = place(),
                       .address = address.value,
                       .count_bytes = count_bytes,
                       .is_write = access == Access::kWrite};
  tell(Observed::kDma, [&event](Observer& o) { o.on_dma(event); });
}

void ObserverHub::on_block_made(std::span<const PlacedInsn> insns, std::span<const u8> code,
                                const std::string& ir) {
  std::vector<CodeEvent::Insn> placed;
  for (const PlacedInsn& insn : insns) placed.push_back({insn.address, insn.bits});
  CodeEvent event{};
  event.at = place();
  event.kind = CodeEvent::Kind::kMade;
  event.address = insns.front().address;
  event.insns = placed;
  event.code = code;
  event.ir = ir;
  tell(Observed::kCode, [&event](Observer& o) { o.on_code(event); });
}

void ObserverHub::on_block_dropped(u64 address, DropReason reason) {
  CodeEvent event{};
  event.at = place();
  event.kind = CodeEvent::Kind::kDropped;
  event.address = address;
  event.reason = kDropReasonNames[static_cast<usize>(reason)];
  tell(Observed::kCode, [&event](Observer& o) { o.on_code(event); });
}

void ObserverHub::on_link_made(u64 from, u64 to) {
  CodeEvent event{};
  event.at = place();
  event.kind = CodeEvent::Kind::kLinked;
  event.address = from;
  event.to = to;
  tell(Observed::kCode, [&event](Observer& o) { o.on_code(event); });
}

void ObserverHub::on_code_given_up(u64 blocks) {
  CodeEvent event{};
  event.at = place();
  event.kind = CodeEvent::Kind::kGivenUp;
  event.blocks = blocks;
  tell(Observed::kCode, [&event](Observer& o) { o.on_code(event); });
}

void ObserverHub::on_device_access(const Device& device, u64 offset, unsigned size, Access access,
                                   u64 value) {
  const DeviceEvent event{.at = place(),
                          .device = device.name(),
                          .offset = offset,
                          .size_bytes = size,
                          .is_write = access == Access::kWrite,
                          .value = value};
  tell(Observed::kDevice, [&event](Observer& o) { o.on_device(event); });
}

}  // namespace quire
