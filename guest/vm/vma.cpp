#include "guest/vm/vma.h"

#include <algorithm>

#include "guest/vm/address_space.h"

namespace kernel {

bool Vma::allows(Access access) const {
  switch (access) {
    case Access::kRead:
      // The hart has no write-only pages (Privileged ISA, 12.3.1): PROT_WRITE gives reading too, as on Linux.
      return (prot & (kProtRead | kProtWrite)) != 0;
    case Access::kWrite:
      return (prot & kProtWrite) != 0;
    case Access::kExecute:
      return (prot & kProtExec) != 0;
  }
  return false;
}

bool Vma::adjoins(const Vma& next) const {
  return end == next.start && ((flags ^ next.flags) & ~kVmaStickyFlags) == 0 && file == next.file &&
         special == nullptr && next.special == nullptr && !has(kVmaDevice) &&
         file_page + pages() == next.file_page;
}

bool Vma::continues_in(const Vma& next) const {
  if (prot != next.prot || !adjoins(next)) {
    return false;
  }
  // As Linux has it from 6.16 on: pages of two origins stay apart, and what fork brought takes in nothing
  // new.
  if (anon_id == next.anon_id) {
    return true;
  }
  const Vma& owner = anon_id != 0 ? *this : next;
  return (anon_id == 0 || next.anon_id == 0) && !owner.has(kVmaAnonForked);
}

/// What `other`, which becomes part of this, has of its own.
void Vma::take_anon(const Vma& other) {
  flags |= other.flags & kVmaStickyFlags;
  anon_id = std::max(anon_id, other.anon_id);
}

void Vma::unmap_pages(u64 first_page, u64 last_page, PrivateCopies copies) {
  space_.zap(*this, {address_of(first_page), address_of(last_page) + kPageBytes}, copies);
}

bool Vma::needs_page(u64 index) { return has(kVmaLocked) || space_.take_accessed(address_of(index)); }

void Vma::write_protect_pages(u64 first_page, u64 last_page) {
  if (shared()) {
    space_.write_protect({address_of(first_page), address_of(last_page) + kPageBytes});
  }
}

}  // namespace kernel
