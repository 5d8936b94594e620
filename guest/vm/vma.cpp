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

bool Vma::continues_in(const Vma& next) const {
  if (end != next.start || prot != next.prot || ((flags ^ next.flags) & ~kVmaStickyFlags) != 0 ||
      file != next.file || special != nullptr || next.special != nullptr) {
    return false;
  }
  return !file || file_page + pages() == next.file_page;
}

void Vma::unmap_pages(u64 first_page, u64 last_page, PrivateCopies copies) {
  space_.zap(*this, {address_of(first_page), address_of(last_page) + kPageBytes}, copies);
}

void Vma::write_protect_pages(u64 first_page, u64 last_page) {
  if (shared()) {
    space_.write_protect({address_of(first_page), address_of(last_page) + kPageBytes});
  }
}

}  // namespace kernel
