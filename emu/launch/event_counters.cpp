// Counting events; see quire/event_counters.h.
#include "quire/event_counters.h"

namespace quire {

#define QUIRE_TRACE_EVENT(id, name, ...) static_assert((id) < EventCounters::kMaxEvents);
#include "quire/arch/trace_events.inc"
#undef QUIRE_TRACE_EVENT
#define QUIRE_FAULT_KIND(id, name) static_assert((id) < EventCounters::kMaxFaultKinds);
#include "quire/arch/fault_kinds.inc"
#undef QUIRE_FAULT_KIND

void EventCounters::on_event(const TraceEvent& event) {
  // The numbers are the guest's; a guest other than ours may ring the doorbell with any.
  const auto id = static_cast<std::size_t>(event.id);
  if (id < kMaxEvents) {
    ++events_[id];
  }
  constexpr std::size_t kKindField = 3;
  if (event.id == arch::TraceEventId::k_page_fault && event.args[kKindField] < kMaxFaultKinds) {
    ++faults_[event.args[kKindField]];
  }
}

std::uint64_t EventCounters::minor_faults() const {
  using arch::FaultKind;
  std::uint64_t sum = 0;
  for (const FaultKind kind :
       {FaultKind::k_zero_page, FaultKind::k_anon, FaultKind::k_file_minor, FaultKind::k_cow_copy,
        FaultKind::k_cow_reuse, FaultKind::k_mkwrite, FaultKind::k_access_bits}) {
    sum += faults(kind);
  }
  return sum;
}

}  // namespace quire
