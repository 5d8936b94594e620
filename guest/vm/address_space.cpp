#include "guest/vm/address_space.h"

namespace kernel {

AddressSpace::AllSpaces& AddressSpace::all() {
  static AllSpaces spaces;
  return spaces;
}

AddressSpace::AddressSpace(const MemoryLimits& limits) : limits_(limits) { all().push_back(*this); }

KResult<RefPtr<AddressSpace>> AddressSpace::create(const MemoryLimits& limits) {
  RefPtr<AddressSpace> space = TRY(try_make_ref<AddressSpace>(limits));
  TRY(space->table_.create());
  return space;
}

AddressSpace::~AddressSpace() {
  clear();
  all().erase(all().iterator_to(*this));
}

}  // namespace kernel
