#include "emu/devices/finisher.h"

#include "quire/arch/memmap.h"

namespace quire {

u64 Finisher::read(u64 /*offset*/, unsigned /*size*/) { return 0; }

void Finisher::write(u64 offset, unsigned size, u64 value) {
  if (offset != 0 || size < 2) {
    return;
  }
  const u32 command = static_cast<u32>(value);
  switch (command & 0xffff) {
    case kFinisherPass:
      handler_(Action::kPowerOff, 0);
      break;
    case kFinisherFail:
      handler_(Action::kPowerOff, command >> 16);
      break;
    case kFinisherReset:
      handler_(Action::kReset, 0);
      break;
    default:
      break;
  }
}

}  // namespace quire
