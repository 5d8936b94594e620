#include "emu/devices/dma_engine.h"

#include <algorithm>

namespace quire {

namespace {

constexpr u64 kHalfMask = 0xffff'ffff;

}  // namespace

DmaEngine::DmaEngine(Clock& clock, Dma& dma, IrqLine& irq) : clock_(clock), dma_(dma), irq_(irq) {}

DmaEngine::~DmaEngine() { cancel_burst(); }

void DmaEngine::reset() {
  cancel_burst();
  source_ = destination_ = length_ = 0;
  status_ = copied_ = fault_ = 0;
  interrupt_enabled_ = false;
  update_line();
}

u64 DmaEngine::read(u64 offset, unsigned size) {
  const u64 value = read_register(offset & ~u64{7});
  if (size == 8) {
    return value;
  }
  return size == 4 ? value >> (8 * (offset & 4)) & kHalfMask : 0;
}

void DmaEngine::write(u64 offset, unsigned size, u64 value) {
  if (size == 8) {
    write_register(offset, value, ~u64{0});
  } else if (size == 4) {
    const unsigned shift = 8 * (offset & 4);
    write_register(offset & ~u64{7}, value << shift, kHalfMask << shift);
  }
}

u64 DmaEngine::read_register(u64 reg) const {
  switch (reg) {
    case arch::kDmaRegId:
      return arch::kDmaMagic;
    case arch::kDmaRegSource:
      return source_;
    case arch::kDmaRegDestination:
      return destination_;
    case arch::kDmaRegLength:
      return length_;
    case arch::kDmaRegControl:
      return interrupt_enabled_ ? u64{arch::kDmaInterruptEnable} : 0;
    case arch::kDmaRegStatus:
      return status_;
    case arch::kDmaRegCopied:
      return copied_;
    case arch::kDmaRegFault:
      return fault_;
    default:
      return 0;
  }
}

/// `written`: the bits of the register that the access covers.
void DmaEngine::write_register(u64 reg, u64 value, u64 written) {
  const auto merge = [&](u64& field) {
    if (!busy()) {
      field = (field & ~written) | value;
    }
  };
  switch (reg) {
    case arch::kDmaRegSource:
      merge(source_);
      break;
    case arch::kDmaRegDestination:
      merge(destination_);
      break;
    case arch::kDmaRegLength:
      merge(length_);
      break;
    case arch::kDmaRegControl:
      if ((written & arch::kDmaInterruptEnable) != 0) {  // not the upper half
        control(value);
      }
      break;
    case arch::kDmaRegStatus:
      status_ &= ~(value & (arch::kDmaDone | arch::kDmaError));
      if ((value & arch::kDmaError) != 0) {
        status_ &= ~u64{arch::kDmaErrorAtDestination};  // says where the error was, so it goes with it
      }
      update_line();
      break;
    default:
      break;
  }
}

void DmaEngine::control(u64 value) {
  interrupt_enabled_ = (value & arch::kDmaInterruptEnable) != 0;
  if ((value & arch::kDmaAbort) != 0 && busy()) {
    cancel_burst();
    stop(0);
  } else if ((value & arch::kDmaStart) != 0 && !busy()) {
    start();
  }
  update_line();
}

void DmaEngine::start() {
  status_ = arch::kDmaBusy;
  copied_ = fault_ = 0;
  schedule_burst(arch::kDmaSetupNs);
}

void DmaEngine::stop(u64 outcome) {
  status_ = outcome;
  update_line();
}

u64 DmaEngine::burst_bytes() const { return std::min(length_ - copied_, arch::kDmaBurstBytes); }

/// The next burst is whole `delay_ns` and its own time from now.
void DmaEngine::schedule_burst(u64 delay_ns) {
  const u64 deadline_ns = clock_.now_ns() + delay_ns + burst_bytes() * arch::kDmaNsPerByte;
  event_ = clock_.schedule(deadline_ns, [this] { copy_burst(); });
}

void DmaEngine::cancel_burst() {
  if (event_) {
    clock_.cancel(*event_);
    event_.reset();
  }
}

void DmaEngine::copy_burst() {
  event_.reset();
  buffer_.resize(burst_bytes());
  // Sums that wrap around are not RAM: no burst lies across the end of the address space.
  if (!dma_.read(source_ + copied_, buffer_)) {
    fault_ = source_ + copied_;
    stop(arch::kDmaError);
    return;
  }
  if (!dma_.write(destination_ + copied_, buffer_)) {
    fault_ = destination_ + copied_;
    stop(arch::kDmaError | arch::kDmaErrorAtDestination);
    return;
  }
  copied_ += buffer_.size();
  if (copied_ == length_) {
    stop(arch::kDmaDone);
  } else {
    schedule_burst(0);
  }
}

void DmaEngine::update_line() {
  irq_.set(interrupt_enabled_ && (status_ & (arch::kDmaDone | arch::kDmaError)) != 0);
}

void DmaEngine::transfer(StateArchive& archive) {
  archive(source_, destination_, length_, status_, copied_, fault_, interrupt_enabled_);
  archive.event(clock_, event_, [this] { copy_burst(); });
}

}  // namespace quire
