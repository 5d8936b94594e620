#include "emu/machine/views.h"

#include <fmt/format.h>

#include "emu/mem/walk.h"

namespace quire {
namespace {

void check_register(char bank, unsigned index) {
  if (index >= 32) {
    throw Error(ErrorKind::kUsage,
                fmt::format("there is no register {}{}: they are {}0..{}31", bank, index, bank, bank));
  }
}

[[noreturn]] void refuse_csr(unsigned number) {
  throw Error(ErrorKind::kUsage, fmt::format("there is no CSR {:#x}, or it cannot be written", number));
}

}  // namespace

void HartAccess::set_pc(u64 value) {
  hart_.state().pc = value;
  hart_.drop_fetch_page();
}

void HartAccess::set_privilege(Privilege value) {
  hart_.state().privilege = value;
  hart_.drop_fetch_page();
  hart_.sync();
}

u64 HartAccess::x(unsigned index) const {
  check_register('x', index);
  return hart_.state().x[index];
}

void HartAccess::set_x(unsigned index, u64 value) {
  check_register('x', index);
  if (index != 0) {
    hart_.state().x[index] = value;
  }
}

u64 HartAccess::f(unsigned index) const {
  check_register('f', index);
  return hart_.state().f[index];
}

void HartAccess::set_f(unsigned index, u64 value) {
  check_register('f', index);
  hart_.state().f[index] = value;
}

u64 HartAccess::csr(unsigned number) const {
  const auto value = hart_.read_csr(number);
  if (!value) {
    throw Error(ErrorKind::kUsage, fmt::format("there is no CSR {:#x}", number));
  }
  return *value;
}

void HartAccess::set_csr(unsigned number, u64 value) {
  if (!hart_.write_csr(number, value)) {
    refuse_csr(number);
  }
}

void RamAccess::check(u64 address, u64 count_bytes) const {
  if (count_bytes != 0 && !ram_.contains(PhysAddr(address), count_bytes)) {
    throw Error(ErrorKind::kUsage, fmt::format("{} bytes at {:#x} are not all RAM ({:#x} bytes at {:#x})",
                                               count_bytes, address, ram_.size_bytes(), ram_.base().value));
  }
}

void RamAccess::read(u64 address, std::span<u8> out) const {
  check(address, out.size());
  ram_.read(PhysAddr(address), out);
}

void RamAccess::write(u64 address, std::span<const u8> data) {
  check(address, data.size());
  ram_.write(PhysAddr(address), data);
}

Walk walk_for_people(const Ram& ram, VirtAddr va, Access access, const MemoryMode& mode) {
  Walk result{
      .steps = {}, .fault = {}, .fault_reason = {}, .physical_address = va.value, .page_bytes = kPageBytes};
  if (!mode.translates()) {
    return result;
  }
  const PageWalk found = walk(ram, va, access, mode);
  for (unsigned i = 0; i < found.step_count; ++i) {
    result.steps.push_back({found.steps[i].level, found.steps[i].address.value, found.steps[i].pte});
  }
  if (found.fault != WalkFault::kNone) {
    result.fault = exception_of(found.fault, access);
    result.fault_reason = describe(found.fault);
    result.physical_address = 0;
    return result;
  }
  result.physical_address = leaf_address(found.leaf().pte, found.leaf().level, va).value;
  result.page_bytes = u64{1} << leaf_shift(found.leaf().pte, found.leaf().level);
  return result;
}

}  // namespace quire
