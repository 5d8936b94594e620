// Address-space identifiers, and satp.
//
// Invariant: within one generation an ASID belongs to one table. When they run out, a new generation
// starts with everything fenced, and each table gets a new one at its next activation. A hart without
// ASIDs has a full fence at every change of table instead.
#pragma once

#include "guest/lib/types.h"
#include "quire/arch/sv39.h"

namespace kernel {

struct Asid {
  u64 generation = 0;  ///< 0: never ran
  u16 number = 0;
};

/// Measures how many ASIDs the hart has. Before it: none.
void init_asids();
/// Starts a generation of the ASIDs 1 to `last`; 0: the hart has none.
void use_asids_up_to(u16 last);
/// Whether the TLB may hold entries of this table.
bool asid_is_live(const Asid& asid, PhysAddr root);
/// Makes the table the hart's, with an ASID of this generation (assigned to `asid` if it has none).
void activate_root(Asid& asid, PhysAddr root);
/// The kernel's own table runs under ASID 0.
void activate_kernel_root(PhysAddr root);
PhysAddr active_root();

}  // namespace kernel
