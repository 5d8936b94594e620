// What goes wrong in a machine because somebody asked for it at this moment (quire/machine.h, quire/fault.h).
#include <fmt/format.h>

#include "emu/machine/machine_impl.h"

namespace quire {
namespace {

constexpr i64 kNsPerTick = 1'000'000'000 / kTimebaseHz;

}  // namespace

bool Machine::Impl::change_tlb_entry(u64 satp, VirtAddr va, const TlbChange& change) {
  const Satp space{satp};
  if (space.mode() == SatpMode::kBare) {
    return false;
  }
  TlbChange wanted = change;
  wanted.va_bits = kPageShift + kPteIndexBits * levels_of(space.mode());
  if (!hart_.mmu().change_entry(va, static_cast<u16>(space.asid()), wanted)) {
    return false;
  }
  hart_.drop_fetch_page();
  return true;
}

void Machine::Impl::jump_clock(i64 by_ns) { board_.clint().jump(static_cast<u64>(by_ns / kNsPerTick)); }

bool Machine::Impl::write_device(PhysAddr address, unsigned size, u64 value) {
  return !ram_.contains(address, 1) && bus_.store(address, size, value);
}

void Machine::arm(const ArmedFault& fault) { impl_->injector().arm(fault); }
void Machine::disarm() { impl_->injector().disarm(); }
std::size_t Machine::armed() const { return impl_->injector().armed(); }
u64 Machine::faults_fired() const { return impl_->injector().fired(); }
bool Machine::change_tlb_entry(u64 satp, VirtAddr va, const TlbChange& change) {
  return impl_->change_tlb_entry(satp, va, change);
}
void Machine::raise_interrupt(arch::Interrupt line) { impl_->raise_interrupt(line); }

void Machine::raise_irq(unsigned source) {
  if (source == 0 || source > kPlicSources) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the PLIC has no source {}: they are 1 to {}", source, kPlicSources));
  }
  impl_->board().plic().raise_spurious(source);
}

void Machine::jump_clock(i64 by_ns) { impl_->jump_clock(by_ns); }
bool Machine::write_device(u64 address, unsigned size_bytes, u64 value) {
  return impl_->write_device(PhysAddr(address), size_bytes, value);
}

// --- drives ---

namespace {

DiskImage& image_of(const std::vector<VirtioBlk*>& drives, usize drive) {
  if (drive >= drives.size()) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the machine has no drive {}: it has {}", drive, drives.size()));
  }
  return drives[drive]->image();
}

}  // namespace

std::size_t Machine::drives() const { return impl_->board().drives().size(); }
u64 Machine::drive_bytes(usize drive) const { return image_of(impl_->board().drives(), drive).size_bytes(); }

void Machine::read_drive(usize drive, u64 offset, std::span<u8> out) const {
  DiskImage& image = image_of(impl_->board().drives(), drive);
  if (!image.read(offset, out)) {
    throw Error(ErrorKind::kFile, image.trouble());
  }
}

void Machine::track_unflushed_writes() {
  for (VirtioBlk* drive : impl_->board().drives()) {
    if (!drive->image().read_only()) {
      drive->image().track_unflushed();
    }
  }
}

std::size_t Machine::unflushed_writes(usize drive) const {
  return image_of(impl_->board().drives(), drive).unflushed_writes();
}

void Machine::cut_power(u64 seed) {
  for (VirtioBlk* drive : impl_->board().drives()) {
    if (!drive->image().read_only() && !drive->image().cut_power(seed)) {
      throw Error(ErrorKind::kFile, drive->image().trouble());
    }
  }
}

}  // namespace quire
