#include "emu/mem/pmp.h"

#include <bit>

#include "quire/arch/bits.h"
#include "quire/arch/sv39.h"

namespace quire {
namespace {

constexpr u64 kAddressMask = (u64{1} << 54) - 1;
constexpr unsigned kAddressShift = 2;

u8 permission_bit(Access access) {
  switch (access) {
    case Access::kRead:
      return Pmp::kRead;
    case Access::kWrite:
      return Pmp::kWrite;
    case Access::kExecute:
      break;
  }
  return Pmp::kExecute;
}

}  // namespace

void Pmp::set_config(unsigned index, u8 value) {
  if ((config_[index] & kLocked) != 0) return;
  const bool reserved = (value & (kRead | kWrite)) == kWrite;  // 3.7.1.1
  if (reserved) return;
  config_[index] = value & (kRead | kWrite | kExecute | kMode | kLocked);
  rebuild();
}

/// An entry's own lock, or that of a range whose lower end it is (3.7.1.2).
bool Pmp::address_locked(unsigned index) const {
  if ((config_[index] & kLocked) != 0) return true;
  if (index + 1 == kEntries) return false;
  const u8 next = config_[index + 1];
  return (next & kLocked) != 0 && mode_of(next) == Mode::kTor;
}

void Pmp::set_address(unsigned index, u64 value) {
  if (address_locked(index)) return;
  address_[index] = value & kAddressMask;
  rebuild();
}

void Pmp::allow_everything() {
  set_address(0, kAddressMask);
  set_config(0, kRead | kWrite | kExecute | static_cast<u8>(Mode::kNapot) << 3);
}

/// False: the entry matches nothing.
bool Pmp::make_rule(unsigned index, Rule& out) const {
  const u64 address = address_[index];
  out.permissions = config_[index] & (kRead | kWrite | kExecute);
  switch (mode_of(config_[index])) {
    case Mode::kOff:
      return false;
    case Mode::kTor: {
      const u64 start = index == 0 ? 0 : address_[index - 1];
      if (start >= address) return false;
      out.first = start << kAddressShift;
      out.last = (address << kAddressShift) - 1;
      return true;
    }
    case Mode::kNa4:
      out.first = address << kAddressShift;
      out.last = out.first + 3;
      return true;
    case Mode::kNapot: {
      // Table 3.10: as many low ones as the size has powers of two above 8 bytes.
      const unsigned ones = static_cast<unsigned>(std::countr_one(address));
      const u64 offset_mask = (u64{8} << ones) - 1;
      out.first = (address << kAddressShift) & ~offset_mask;
      out.last = out.first | offset_mask;
      return true;
    }
  }
  return false;
}

void Pmp::rebuild() {
  lower_.count = 0;
  machine_.count = 0;
  for (unsigned index = 0; index < kEntries; ++index) {
    Rule rule;
    if (!make_rule(index, rule)) continue;
    lower_.add(rule);
    if ((config_[index] & kLocked) == 0) rule.permissions = kRead | kWrite | kExecute;
    machine_.add(rule);
  }
}

bool Pmp::allows(PhysAddr start, u64 size_bytes, Access access, Privilege privilege) const {
  const RuleList& list = rules_of(privilege);
  const u64 last = start.value + size_bytes - 1;
  for (unsigned i = 0; i < list.count; ++i) {
    const Rule& rule = list.rules[i];
    if (rule.last < start.value || last < rule.first) continue;
    // The first entry that matches any byte decides, and must match them all (3.7.1.3).
    const bool whole = rule.first <= start.value && last <= rule.last;
    return whole && (rule.permissions & permission_bit(access)) != 0;
  }
  return privilege == Privilege::kMachine;
}

bool Pmp::allows_page(PhysAddr page, Access access, Privilege privilege) const {
  return allows(page, kPageBytes, access, privilege);
}

void Pmp::transfer(StateArchive& archive) {
  archive(config_, address_);
  rebuild();
}

}  // namespace quire
