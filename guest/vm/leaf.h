// How a page's permissions are written into its leaf.
//
// A page that is present but forbidden (PROT_NONE) must stay valid to keep its frame, and R=W=X=0 would
// make it a pointer: it is executable for the kernel alone, which never executes there and whose user
// copies can neither read nor write it (MXR is clear).
#pragma once

#include "guest/mem/frame.h"
#include "quire/arch/cause.h"
#include "quire/arch/linux/mman.h"

namespace kernel {

/// `writable`: stores need not ask (not shared copy-on-write, dirty, and the mapping allows it).
constexpr u64 leaf_flags(u32 prot, bool writable) {
  const u64 read = (prot & (kProtRead | kProtWrite)) != 0 ? u64{kPteRead} : 0;
  const u64 write = writable ? kPteRead | kPteWrite : 0;
  const u64 execute = (prot & kProtExec) != 0 ? u64{kPteExecute} : 0;
  const u64 flags = read | write | execute;
  return flags == 0 ? u64{kPteExecute} : flags | kPteUser;
}

/// Whether the leaf lets user mode do this, A and D aside.
constexpr bool leaf_allows(Pte pte, Access access) {
  const u64 wanted = access == Access::kRead ? kPteRead : access == Access::kWrite ? kPteWrite : kPteExecute;
  return pte.has(kPteValid | kPteUser | wanted);
}

/// Null for device memory.
inline Frame* frame_of(Pte pte) { return frame_at(pte.address()); }

}  // namespace kernel
