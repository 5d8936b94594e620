// What came of a page fault.
//
// handle_fault never delivers signals: the layer that knows processes turns an answer that is not ok()
// into the signal of signal(), or an EFAULT of the kernel's user copy.
#pragma once

#include "guest/lib/types.h"
#include "quire/arch/linux/signal.h"
#include "quire/arch/trace_port.h"

namespace kernel {

struct FaultSignal {
  i32 number;  ///< 0: none
  i32 code;
};

struct FaultAnswer {
  FaultKind kind = FaultKind::k_spurious;
  u64 pfn = 0;  ///< of the page that is there now; 0 when none is

  /// The access may be tried again.
  bool ok() const { return kind <= FaultKind::k_access_bits; }
  bool minor() const { return ok() && kind != FaultKind::k_file_major; }
  /// For faults of user mode. Out of memory kills.
  FaultSignal signal() const {
    switch (kind) {
      case FaultKind::k_segv_maperr:
        return {kSIGSEGV, kSegvMapErr};
      case FaultKind::k_segv_accerr:
        return {kSIGSEGV, kSegvAccErr};
      case FaultKind::k_bus_adrerr:
        return {kSIGBUS, kBusAdrErr};
      case FaultKind::k_oom:
        return {kSIGKILL, kSiKernel};
      default:
        return {0, 0};
    }
  }
};

}  // namespace kernel
