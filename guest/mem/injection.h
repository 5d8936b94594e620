// Allocations that fail because somebody asked for it, to see what the caller makes of it.
//
// Pure. An injected failure is final: nothing is reclaimed for it, as if nothing were left. Lock: none, set
// before the programs it is meant for run.
#pragma once

#include <optional>

#include "guest/lib/span.h"
#include "guest/lib/types.h"

namespace kernel {

/// Blocks of frames (alloc_frames), or pieces of the kernel's heap (kmalloc), which take a frame now and then
/// only.
enum class FailTarget : u8 { kFrames, kObjects };
inline constexpr unsigned kFailTargets = 2;
enum class FailFor : u8 { kOnce, kEver };

struct Injection {
  FailTarget target = FailTarget::kFrames;
  FailFor lasting = FailFor::kOnce;
  u64 nth = 0;  ///< from now; 1: the next

  /// `[heap:]N[+]`, N from 1: the N-th allocation, and with + every later one. None for anything else.
  static std::optional<Injection> parse(StringView text);
};

void inject(const Injection& injection);
void stop_injecting();

namespace injection_detail {
/// Allocations until the failing one; 0: none is to fail.
inline u64 g_left[kFailTargets];
bool count_down(FailTarget target);
}  // namespace injection_detail

/// Asked once an allocation. Whether it is to fail.
inline bool is_injected_failure(FailTarget target) {
  return injection_detail::g_left[static_cast<unsigned>(target)] != 0 && injection_detail::count_down(target);
}

}  // namespace kernel
