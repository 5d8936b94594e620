#include "emu/mem/fast_tlb.h"

#include <initializer_list>

namespace quire {

void FastTlb::clear() {
  for (Bank& bank : banks) {
    for (auto& entries : bank.entries) {
      for (FastEntry& entry : entries) entry.tag = kNoPage;
    }
  }
}

void FastTlb::clear_page(VirtAddr va) {
  const u64 page = align_down(va.value, kPageBytes);
  for (Bank& bank : banks) {
    for (const Access access : {Access::kRead, Access::kWrite, Access::kExecute}) {
      FastEntry& entry = bank.slot(access, page);
      if (entry.tag == page) entry.tag = kNoPage;
    }
  }
}

void FastTlb::clear_stores() {
  for (Bank& bank : banks) {
    for (FastEntry& entry : bank.entries[static_cast<unsigned>(Access::kWrite)]) entry.tag = kNoPage;
  }
}

}  // namespace quire
