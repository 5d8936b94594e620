// Restartable sequences (rseq(2)): a thread that was switched away, or gets a signal, inside of one goes on
// at the sequence's abort handler.
#pragma once

#include "guest/hal/trap.h"
#include "guest/lib/result.h"

namespace kernel {

class Task;

struct RseqRegistration {
  VirtAddr area{};  ///< 0: none
  u32 bytes = 0;
  u32 signature = 0;
  bool disturbed = false;  ///< switched away from since the last look
};

/// What the auxiliary vector says: up to mm_cid the area's fields are kept, and how it lies.
inline constexpr u64 kRseqFeatureBytes = 28;
inline constexpr u64 kRseqAlignment = 32;

enum RseqFlag : u32 { kRseqUnregister = 1 };

/// rseq(2) for the running task. EINVAL, EBUSY, EPERM, EFAULT.
KResult<void> change_rseq(VirtAddr area, u32 bytes, u32 flags, u32 signature);
/// Before a return to user mode after a switch, and before a handler is entered. A sequence that lies is
/// SIGSEGV.
void leave_sequence(Task& task, TrapFrame& frame);

}  // namespace kernel
