#include "quire/guest_failures.h"

#include <algorithm>
#include <cstring>

#include "quire/error.h"

namespace quire {
namespace {

using arch::FailSlot;

constexpr unsigned kCsrSatp = 0x180;

/// Physical; the table is aligned so that no row crosses a page.
std::uint64_t slot_address(Machine& machine, arch::FailTarget target) {
  const auto table = machine.symbol(arch::kFailSlotsSymbol);
  if (!table) {
    throw Error(ErrorKind::kUsage, "allocations and transfers fail on request in the supervisor alone");
  }
  const std::uint64_t va = *table + static_cast<unsigned>(target) * sizeof(FailSlot);
  const Walk found = machine.walk(arch::VirtAddr(va), machine.hart().csr(kCsrSatp), arch::Access::kRead,
                                  arch::Privilege::kSupervisor);
  if (found.fault) {
    throw Error(ErrorKind::kUsage,
                "the supervisor is not up yet: it has no memory of its own that could be told");
  }
  return found.physical_address;
}

}  // namespace

void fail_in_guest(Machine& machine, arch::FailTarget target, const FaultTimes& times) {
  constexpr double kTwoTo32 = 4294967296.0;
  FailSlot slot{};
  slot.left = times.nth;
  if (times.lasting == FaultTimes::Lasting::kEver) {
    slot.ever = 1;
    slot.random = (times.seed + 1) * 0x9e37'79b9'7f4a'7c15 | 1;
    if (times.probability < 1) {
      slot.chance = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(times.probability * kTwoTo32));
    }
  }
  std::uint8_t bytes[sizeof slot];
  std::memcpy(bytes, &slot, sizeof slot);
  machine.memory().write(slot_address(machine, target), bytes);
}

bool has_failed_in_guest(Machine& machine, arch::FailTarget target) {
  FailSlot slot;
  std::uint8_t bytes[sizeof slot];
  machine.memory().read(slot_address(machine, target), bytes);
  std::memcpy(&slot, bytes, sizeof slot);
  return slot.left == 0 || slot.failures != 0;
}

}  // namespace quire
