// How a page's permissions are written into its leaf.
//
// A page that is present but forbidden (PROT_NONE) must stay valid to keep its frame, and R=W=X=0 would
// make it a pointer: it is executable for the kernel alone, which never executes there and whose user
// copies can neither read nor write it (MXR is clear).
#pragma once

#include "guest/mem/frame.h"
#include "guest/vm/vma.h"
#include "quire/arch/cause.h"
#include "quire/arch/linux/mman.h"

namespace kernel {

/// Memory of a device, or of a driver: whatever stands at the address, the leaf holds no reference to it.
inline constexpr u64 kPteDevice = kPteSoftware0;
/// What a leaf keeps when it is written anew or moved, its accessed and dirty bits aside.
inline constexpr u64 kPteLasting = kPteRead | kPteWrite | kPteExecute | kPteUser | kPteDevice;

/// `writable`: stores need not ask (not shared copy-on-write, dirty, and the mapping allows it).
constexpr u64 leaf_flags(u32 prot, bool writable) {
  const u64 read = (prot & (kProtRead | kProtWrite)) != 0 ? u64{kPteRead} : 0;
  const u64 write = writable ? kPteRead | kPteWrite : 0;
  const u64 execute = (prot & kProtExec) != 0 ? u64{kPteExecute} : 0;
  const u64 flags = read | write | execute;
  return flags == 0 ? u64{kPteExecute} : flags | kPteUser;
}

/// A frame of the kernel that counts as part of the program (the vDSO's text).
inline bool is_resident_special(const Vma& vma, const Frame& frame) {
  return vma.has(kVmaSpecial) && frame.use == FrameUse::kKernel;
}

/// Whether the leaf lets user mode do this, A and D aside.
constexpr bool leaf_allows(Pte pte, Access access) {
  const u64 wanted = access == Access::kRead ? kPteRead : access == Access::kWrite ? kPteWrite : kPteExecute;
  return pte.has(kPteValid | kPteUser | wanted);
}

/// Null for device memory.
inline Frame* frame_of(Pte pte) { return pte.has(kPteDevice) ? nullptr : frame_at(pte.address()); }

}  // namespace kernel
