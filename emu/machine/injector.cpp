#include "emu/machine/injector.h"

#include <fmt/format.h>

#include <algorithm>

#include "emu/machine/board.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr bool is_held(ArmedFault::Kind kind) { return kind <= ArmedFault::Kind::kStuckRam; }

bool concerns(ArmedFault::Requests wanted, BlkOperation operation) {
  switch (wanted) {
    case ArmedFault::Requests::kAny:
      return true;
    case ArmedFault::Requests::kRead:
      return operation == BlkOperation::kRead;
    case ArmedFault::Requests::kWrite:
      return operation == BlkOperation::kWrite;
    case ArmedFault::Requests::kFlush:
      return operation == BlkOperation::kFlush;
  }
  return false;
}

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::kUsage, text); }

}  // namespace

void Injector::check(const ArmedFault& fault) const {
  constexpr u64 kRegisters = 32;
  switch (fault.kind) {
    case Kind::kStuckX:
    case Kind::kStuckF:
      if (fault.place >= kRegisters || (fault.kind == Kind::kStuckX && fault.place == 0)) {
        refuse(fmt::format("there is no register {} whose bits could be held", fault.place));
      }
      break;
    case Kind::kStuckCsr:
      if (!hart_.read_csr(static_cast<unsigned>(fault.place))) {
        refuse(fmt::format("there is no CSR {:#x}", fault.place));
      }
      break;
    case Kind::kStuckRam:
      if (!hart_.mmu().bus().ram().contains(PhysAddr(fault.place), 1)) {
        refuse(fmt::format("{:#x} is not RAM", fault.place));
      }
      break;
    case Kind::kDevice:
      if (hart_.mmu().bus().ram().contains(PhysAddr(fault.place), 1) ||
          !hart_.mmu().bus().is_mapped(PhysAddr(fault.place), 1)) {
        refuse(fmt::format("no device is at {:#x}", fault.place));
      }
      break;
    case Kind::kLoseIrq:
      if (fault.place == 0 || fault.place > kPlicSources) {
        refuse(fmt::format("the PLIC has no source {}: they are 1 to {}", fault.place, kPlicSources));
      }
      break;
    case Kind::kBlkError:
    case Kind::kBlkShort:
    case Kind::kBlkTorn:
      if (fault.place >= board_.drives().size()) {
        refuse(fmt::format("the machine has no drive {}: it has {}", fault.place, board_.drives().size()));
      }
      break;
    case Kind::kStuckPc:
    case Kind::kLoseInterrupt:
    case Kind::kLoseFence:
      break;
  }
}

void Injector::arm(const ArmedFault& fault) {
  check(fault);
  if (fault.times.nth == 0 || !(fault.times.probability >= 0 && fault.times.probability <= 1)) {
    refuse("a fault comes the 1st time or later, with a probability from 0 to 1");
  }
  armed_.push_back({fault, FaultCounter(fault.times)});
  install();
  if (is_held(fault.kind)) {
    hold(fault);
  }
}

void Injector::disarm() {
  armed_.clear();
  fired_ = 0;
  install();
}

usize Injector::armed() {
  forget_what_is_over();
  return armed_.size();
}

bool Injector::is_over(const Armed& armed) const {
  return armed.counter.over() || hart_.state().icount >= armed.fault.until_icount;
}

void Injector::forget_what_is_over() {
  if (std::erase_if(armed_, [this](const Armed& armed) { return is_over(armed); }) != 0) {
    install();
  }
}

bool Injector::any(Kind first, Kind last) const {
  return std::any_of(armed_.begin(), armed_.end(), [=](const Armed& armed) {
    return armed.fault.kind >= first && armed.fault.kind <= last;
  });
}

void Injector::install() {
  hart_.mmu().set_faults(any(Kind::kLoseFence, Kind::kLoseFence) ? this : nullptr);
  hart_.mmu().bus().set_faults(any(Kind::kDevice, Kind::kDevice) ? this : nullptr);
  board_.plic().set_faults(any(Kind::kLoseIrq, Kind::kLoseIrq) ? this : nullptr);
  BlkFaults* const of_disks = any(Kind::kBlkError, Kind::kBlkTorn) ? this : nullptr;
  for (unsigned drive = 0; drive < board_.drives().size(); ++drive) {
    board_.drives()[drive]->set_faults(of_disks, drive);
  }
}

/// Lets every fault that is concerned count; the first whose time has come.
template <class Concerns>
const ArmedFault* Injector::next_of(Concerns&& concerns) {
  const ArmedFault* found = nullptr;
  for (Armed& armed : armed_) {
    if (!concerns(armed.fault) || is_over(armed)) {
      continue;
    }
    if (armed.counter.next() && found == nullptr) {
      found = &armed.fault;
      ++fired_;
    }
  }
  return found;
}

bool Injector::loses_fence() {
  return next_of([](const ArmedFault& fault) { return fault.kind == Kind::kLoseFence; }) != nullptr;
}

u64 Injector::altered(PhysAddr address, u64 value) {
  const ArmedFault* const fault = next_of([address](const ArmedFault& armed) {
    return armed.kind == Kind::kDevice && armed.place == address.value;
  });
  return fault == nullptr ? value : fault->mask.apply(value);
}

bool Injector::loses_irq(unsigned source) {
  return next_of([source](const ArmedFault& fault) {
           return fault.kind == Kind::kLoseIrq && fault.place == source;
         }) != nullptr;
}

bool Injector::loses_interrupt(Interrupt line) {
  return !armed_.empty() && next_of([line](const ArmedFault& fault) {
                              return fault.kind == Kind::kLoseInterrupt &&
                                     fault.place == static_cast<u64>(line);
                            }) != nullptr;
}

std::optional<BlkFault> Injector::fault_of(unsigned drive, BlkOperation operation) {
  const ArmedFault* const fault = next_of([drive, operation](const ArmedFault& armed) {
    return armed.kind >= Kind::kBlkError && armed.kind <= Kind::kBlkTorn && armed.place == drive &&
           concerns(armed.requests, operation);
  });
  if (fault == nullptr) {
    return std::nullopt;
  }
  return BlkFault{.bytes = fault->kind == Kind::kBlkError ? 0 : fault->bytes,
                  .told = fault->kind == Kind::kBlkTorn ? BlkFault::Told::kDone : BlkFault::Told::kFailed};
}

bool Injector::holds() {
  if (armed_.empty()) {
    return false;
  }
  forget_what_is_over();
  return any(Kind::kStuckX, Kind::kStuckRam);
}

void Injector::hold() {
  for (const Armed& armed : armed_) {
    if (is_held(armed.fault.kind) && !is_over(armed)) {
      hold(armed.fault);
    }
  }
}

void Injector::hold(const ArmedFault& fault) {
  HartState& s = hart_.state();
  const auto force = [this, &fault](u64& value) {
    const u64 forced = fault.mask.apply(value);
    fired_ += forced != value ? 1 : 0;
    return std::exchange(value, forced) != forced;
  };
  switch (fault.kind) {
    case Kind::kStuckX:
      force(s.x[fault.place]);
      break;
    case Kind::kStuckF:
      if (force(s.f[fault.place])) hart_.mark_fp_dirty();
      break;
    case Kind::kStuckPc:
      // IALIGN is 16: the lowest bit of pc does not exist.
      if (force(s.pc)) {
        s.pc &= ~u64{1};
        hart_.drop_fetch_page();
      }
      break;
    case Kind::kStuckCsr:
      if (auto value = hart_.read_csr(static_cast<unsigned>(fault.place)); value && force(*value)) {
        hart_.write_csr(static_cast<unsigned>(fault.place), *value);
      }
      break;
    case Kind::kStuckRam:
      hold_ram(fault);
      break;
    default:
      break;
  }
}

void Injector::hold_ram(const ArmedFault& fault) {
  Ram& ram = hart_.mmu().bus().ram();
  u8 byte = 0;
  ram.read(PhysAddr(fault.place), std::span(&byte, 1));
  const u8 forced = static_cast<u8>(fault.mask.apply(byte));
  if (forced != byte) {
    ++fired_;
    ram.write(PhysAddr(fault.place), std::span(&forced, 1));
  }
}

void Injector::transfer(StateArchive& archive) {
  forget_what_is_over();
  const usize total = archive.count(armed_.size());
  armed_.resize(total);
  for (Armed& armed : armed_) {
    ArmedFault& f = armed.fault;
    archive(f.kind, f.place, f.mask.set, f.mask.clear, f.mask.flip, f.until_icount, f.bytes, f.requests);
    armed.counter.transfer(archive);
    if (archive.loading() && f.kind > Kind::kBlkTorn) {
      throw Error(ErrorKind::kFile, "a saved state is damaged: it has a fault of no kind");
    }
  }
  if (archive.loading()) {
    fired_ = 0;
    install();
  }
}

}  // namespace quire
