// The vDSO in processes: its pages, the data page in front of it, and where handlers return to.
#pragma once

#include "guest/vm/address_space.h"

namespace kernel {

/// Copies the image into frames and fills the data page. Once, at boot, after the clocks are known.
KResult<void> init_vdso();
/// Maps data page and image; returns where the image's ELF header is. ENOMEM.
KResult<VirtAddr> map_vdso(AddressSpace& space);
/// From the image's start to __vdso_rt_sigreturn.
u64 vdso_sigreturn_offset();

}  // namespace kernel
