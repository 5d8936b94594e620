// Allocations and transfers that fail because somebody asked for it, to see what the caller makes of it.
//
// Pure. An injected failure is final: nothing is reclaimed for it, as if nothing were left. Lock: none, set
// before the programs it is meant for run, or by the host between two instructions.
#pragma once

#include <optional>

#include "guest/lib/span.h"
#include "guest/lib/types.h"
#include "quire/arch/injection.h"

namespace kernel {

using quire::arch::FailTarget;
using quire::arch::kFailTargets;
enum class FailFor : u8 { kOnce, kEver };

struct Injection {
  FailTarget target = FailTarget::kFrames;
  FailFor lasting = FailFor::kOnce;
  u64 nth = 0;  ///< from now; 1: the next

  /// `[heap:|io:]N[+]`, N from 1: the N-th allocation or transfer, and with + every later one. None for
  /// anything else.
  static std::optional<Injection> parse(StringView text);
};

void inject(const Injection& injection);
/// What came of inject() so far, until stop_injecting(): how many allocations were refused, and if none was,
/// how many more there would have had to be.
struct InjectionOutcome {
  u64 refused = 0;
  u64 missing = 0;
};
InjectionOutcome injection_outcome();
void stop_injecting();

namespace injection_detail {
/// By target. Its name is known outside (kFailSlotsSymbol).
extern "C" quire::arch::FailSlot quire_fail_slots[kFailTargets];
bool count_down(FailTarget target);
}  // namespace injection_detail

/// Asked once an allocation or a transfer. Whether it is to fail.
inline bool is_injected_failure(FailTarget target) {
  return injection_detail::quire_fail_slots[static_cast<unsigned>(target)].left != 0 &&
         injection_detail::count_down(target);
}

}  // namespace kernel
