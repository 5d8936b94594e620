// Overcommit: what may be promised (proc(5), overcommit_memory).

#include "guest/vm/address_space.h"

namespace kernel {

CommitState& commit_state() {
  static CommitState state;
  return state;
}

u64 CommitState::limit_pages() const { return memory_stats().total * ratio_percent / 100; }

/// `change` pages more (or less) are promised. ENOMEM: the heuristic refuses only what could never be given.
KResult<void> AddressSpace::commit(u64 pages) {
  CommitState& state = commit_state();
  const bool refused =
      (state.mode == Overcommit::kHeuristic && pages > memory_stats().total) ||
      (state.mode == Overcommit::kNever && state.committed_pages + pages > state.limit_pages());
  return refused ? KResult<void>(Err(Errno::kENOMEM)) : KResult<void>();
}

}  // namespace kernel
