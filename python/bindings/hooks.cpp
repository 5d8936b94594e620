#include "python/bindings/hooks.h"

#include <algorithm>
#include <utility>

#include "quire/error.h"

namespace quire::python {
namespace {

constexpr unsigned kCsrSatp = 0x180;

bool is_single(const HookSpec& spec) { return spec.first == spec.last; }

Watchpoint watchpoint_of(const HookSpec& spec) {
  // All of memory but its last byte: a watchpoint has a size, which must be a number.
  const std::uint64_t size_bytes =
      spec.last - spec.first == UINT64_MAX ? UINT64_MAX : spec.last - spec.first + 1;
  return {spec.first, size_bytes, spec.watch};
}

HookKind kind_of(MmuEvent::Kind kind) {
  switch (kind) {
    case MmuEvent::Kind::kWalk:
      return HookKind::kWalk;
    case MmuEvent::Kind::kFill:
      return HookKind::kFill;
    case MmuEvent::Kind::kEvict:
      return HookKind::kEvict;
    case MmuEvent::Kind::kFence:
      break;
  }
  return HookKind::kFence;
}

}  // namespace

HookSet::~HookSet() {
  for (std::size_t hook = 0; hook < hooks_.size(); ++hook) remove(hook);
}

std::size_t HookSet::add(HookSpec spec) {
  if (spec.last < spec.first) {
    throw Error(ErrorKind::kUsage, "a range of addresses ends before it begins; give the lower one first");
  }
  const auto free = std::find(hooks_.begin(), hooks_.end(), std::nullopt);
  const auto hook = static_cast<std::size_t>(free - hooks_.begin());
  if (free == hooks_.end()) hooks_.emplace_back();
  arm(spec);
  if (spec.kind == HookKind::kInsn) {
    if (is_single(spec)) {
      insn_hooks_.emplace(spec.first, hook);
    } else {
      insn_range_hooks_.push_back(hook);
    }
  }
  hooks_[hook] = Hook{std::move(spec)};
  listen();
  return hook;
}

void HookSet::remove(std::size_t hook) {
  if (hook >= hooks_.size() || !hooks_[hook]) return;
  const HookSpec spec = std::move(hooks_[hook]->spec);
  hooks_[hook].reset();
  std::erase_if(insn_hooks_, [hook](const auto& entry) { return entry.second == hook; });
  std::erase(insn_range_hooks_, hook);
  std::erase_if(pending_, [hook](const Hit& hit) { return hit.hook == hook; });
  disarm(spec);
  listen();
}

std::uint64_t HookSet::hits(std::size_t hook) const {
  return hook < hooks_.size() && hooks_[hook] ? hooks_[hook]->hits : 0;
}

void HookSet::arm(const HookSpec& spec) {
  if (spec.kind == HookKind::kAccess) {
    machine_.observe_memory(this, watchpoint_of(spec));
  } else if (spec.kind == HookKind::kInsn && is_single(spec)) {
    machine_.add_breakpoint(spec.first);
  } else if (spec.kind == HookKind::kInsn) {
    machine_.add_breakpoint_range(spec.first, spec.last);
  }
}

void HookSet::disarm(const HookSpec& spec) {
  if (spec.kind == HookKind::kAccess) {
    machine_.stop_observing_memory(this, watchpoint_of(spec));
  } else if (spec.kind == HookKind::kInsn && is_single(spec)) {
    if (!insn_hooks_.contains(spec.first)) machine_.remove_breakpoint(spec.first);
  } else if (spec.kind == HookKind::kInsn) {
    machine_.remove_breakpoint_range(spec.first, spec.last);
  }
}

bool HookSet::any_of(HookKind kind) const {
  return std::any_of(hooks_.begin(), hooks_.end(),
                     [kind](const auto& hook) { return hook && hook->spec.kind == kind; });
}

/// What the machine shall tell of, anew.
void HookSet::listen() {
  ObservedSet wanted;
  const auto want = [&](HookKind kind, Observed what) {
    if (any_of(kind)) wanted = wanted | what;
  };
  want(HookKind::kTrap, Observed::kTrap);
  want(HookKind::kInterrupt, Observed::kInterrupt);
  for (const HookKind kind : {HookKind::kWalk, HookKind::kFill, HookKind::kEvict, HookKind::kFence}) {
    want(kind, Observed::kMmu);
  }
  want(HookKind::kDevice, Observed::kDevice);
  want(HookKind::kSbi, Observed::kSbi);
  machine_.remove_observer(this);
  if (!wanted.empty()) machine_.add_observer(this, wanted);
  machine_.remove_sink(this);
  if (any_of(HookKind::kEvent)) machine_.add_sink(this);
}

bool in_address_space(Machine& machine, const ProcessTable& processes, int pid) {
  const ProcessInfo* process = processes.find(pid);
  return process != nullptr && process->satp != 0 && process->satp == machine.hart().csr(kCsrSatp);
}

bool HookSet::in_process(const HookSpec& spec) const {
  return !spec.pid || in_address_space(machine_, processes_, *spec.pid);
}

void HookSet::note(std::size_t hook, const HookNews& news) {
  Hook& noted = *hooks_[hook];
  ++noted.hits;
  pending_.push_back({hook, noted.spec.kind, news});
}

template <class Matches>
void HookSet::note_all(HookKind kind, const HookNews& news, Matches&& matches) {
  for (std::size_t hook = 0; hook < hooks_.size(); ++hook) {
    if (!hooks_[hook]) continue;
    const HookSpec& spec = hooks_[hook]->spec;
    if (spec.kind == kind && matches(spec) && in_process(spec)) {
      note(hook, news);
      machine_.request_stop();
    }
  }
}

void HookSet::at_breakpoint(const Stop& stop) {
  const EventPlace at{stop.hart, stop.icount, stop.pc, machine_.hart(stop.hart).privilege()};
  const auto [begin, end] = insn_hooks_.equal_range(stop.pc);
  if (insn_range_hooks_.empty() && std::distance(begin, end) == 1) {
    if (in_process(hooks_[begin->second]->spec)) note(begin->second, at);
    return;
  }
  std::vector<std::size_t> concerned;
  std::transform(begin, end, std::back_inserter(concerned), [](const auto& entry) { return entry.second; });
  for (const std::size_t hook : insn_range_hooks_) {
    const HookSpec& spec = hooks_[hook]->spec;
    if (spec.first <= stop.pc && stop.pc <= spec.last) concerned.push_back(hook);
  }
  std::sort(concerned.begin(), concerned.end());
  for (const std::size_t hook : concerned) {
    if (in_process(hooks_[hook]->spec)) note(hook, at);
  }
}

Hit HookSet::next() {
  const Hit hit = pending_.front();
  pending_.pop_front();
  return hit;
}

void HookSet::on_event(const TraceEvent& event) {
  // Its processes are in its fields: what is in force while the supervisor tells of them says little.
  note_all(HookKind::kEvent, event, [&](const HookSpec& spec) { return spec.condition->matches(event); });
}

void HookSet::on_access(const AccessEvent& event) {
  // The machine tells once for each range; each looks for its own, so that none is noted twice.
  if (!pending_.empty() && std::holds_alternative<AccessEvent>(pending_.back().news)) {
    const AccessEvent& last = std::get<AccessEvent>(pending_.back().news);
    if (last.at.icount == event.at.icount && last.address == event.address &&
        last.is_store == event.is_store) {
      return;
    }
  }
  note_all(HookKind::kAccess, event, [&](const HookSpec& spec) {
    const bool wanted =
        spec.watch == WatchKind::kAccess || (spec.watch == WatchKind::kWrite) == event.is_store;
    return wanted && event.address <= spec.last && event.address + (event.size_bytes - 1) >= spec.first;
  });
}

void HookSet::caused(HookKind kind, const TrapEvent& event) {
  constexpr std::uint64_t kInterruptFlag = std::uint64_t{1} << 63;
  note_all(kind, event, [&](const HookSpec& spec) {
    return !spec.number || *spec.number == (event.cause & ~kInterruptFlag);
  });
}

void HookSet::on_mmu(const MmuEvent& event) {
  note_all(kind_of(event.kind), event, [&](const HookSpec& spec) {
    if (!event.va) return true;
    const std::uint64_t bytes =
        event.kind == MmuEvent::Kind::kWalk ? 1 : std::max<std::uint64_t>(event.page_bytes, 1);
    return *event.va <= spec.last && *event.va + (bytes - 1) >= spec.first;
  });
}

void HookSet::on_device(const DeviceEvent& event) {
  note_all(HookKind::kDevice, event,
           [&](const HookSpec& spec) { return spec.device.empty() || spec.device == event.device; });
}

void HookSet::on_sbi(const SbiEvent& event) {
  note_all(HookKind::kSbi, event,
           [&](const HookSpec& spec) { return !spec.number || *spec.number == event.extension; });
}

}  // namespace quire::python
