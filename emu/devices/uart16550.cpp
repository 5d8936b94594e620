#include "emu/devices/uart16550.h"

#include <algorithm>

namespace quire {

namespace {

enum Register : u64 {
  kRbrThrDll = 0,  ///< receive buffer, transmit holding, divisor low (DLAB)
  kIerDlm = 1,
  kIirFcr = 2,
  kLcr = 3,
  kMcr = 4,
  kLsr = 5,
  kMsr = 6,
  kScr = 7,
};

constexpr u8 kIerReceive = 0x01;
constexpr u8 kIerTransmit = 0x02;
constexpr u8 kIerLineStatus = 0x04;
constexpr u8 kIerModem = 0x08;
constexpr u8 kIerMask = 0x0f;

// Table 4 of the data sheet, highest priority first.
constexpr u8 kIirLineStatus = 0x06;
constexpr u8 kIirReceived = 0x04;
constexpr u8 kIirTimeout = 0x0c;
constexpr u8 kIirTransmit = 0x02;
constexpr u8 kIirModem = 0x00;
constexpr u8 kIirNone = 0x01;
constexpr u8 kIirFifosEnabled = 0xc0;

constexpr u8 kFcrEnable = 0x01;
constexpr u8 kFcrClearReceive = 0x02;
constexpr u8 kFcrKept = 0xc9;  ///< the clear bits clear themselves

constexpr u8 kLcrDlab = 0x80;

constexpr u8 kMcrDtr = 0x01;
constexpr u8 kMcrRts = 0x02;
constexpr u8 kMcrOut1 = 0x04;
constexpr u8 kMcrOut2 = 0x08;
constexpr u8 kMcrLoop = 0x10;
constexpr u8 kMcrMask = 0x1f;

constexpr u8 kLsrDataReady = 0x01;
constexpr u8 kLsrOverrun = 0x02;
constexpr u8 kLsrTransmitEmpty = 0x60;  ///< THRE and TEMT

constexpr u8 kMsrCts = 0x10;
constexpr u8 kMsrDsr = 0x20;
constexpr u8 kMsrRi = 0x40;
constexpr u8 kMsrDcd = 0x80;

}  // namespace

Uart16550::Uart16550(IrqLine& irq, std::shared_ptr<ByteSink> sink, std::shared_ptr<ByteSource> source)
    : irq_(irq), sink_(std::move(sink)), source_(std::move(source)) {
  reset();
}

void Uart16550::reset() {
  ier_ = fcr_ = lcr_ = mcr_ = scratch_ = 0;
  divisor_ = 0;
  modem_delta_ = 0;
  overrun_ = false;
  tx_empty_irq_ = false;
  rx_head_ = rx_count_ = 0;
  update_irq();
}

bool Uart16550::divisor_access() const { return (lcr_ & kLcrDlab) != 0; }

unsigned Uart16550::rx_capacity() const { return (fcr_ & kFcrEnable) != 0 ? kFifoBytes : 1; }

unsigned Uart16550::rx_trigger() const {
  constexpr unsigned kTriggers[4] = {1, 4, 8, 14};
  return (fcr_ & kFcrEnable) != 0 ? kTriggers[fcr_ >> 6] : 1;
}

bool Uart16550::wants_input() const {
  return source_ != nullptr && !source_ended_ && (ier_ & kIerReceive) != 0 && (mcr_ & kMcrLoop) == 0 &&
         rx_count_ < rx_capacity();
}

void Uart16550::poll_inputs() {
  if (wants_input()) {
    pull_input();
    update_irq();
  }
}

void Uart16550::pull_input() {
  if (source_ == nullptr || (mcr_ & kMcrLoop) != 0) {
    return;
  }
  while (!source_ended_ && rx_count_ < rx_capacity()) {
    std::array<u8, kFifoBytes> bytes;
    const ReadResult got = source_->read(std::span(bytes).first(rx_capacity() - rx_count_));
    source_ended_ = got.status == ReadStatus::kEnd;
    if (got.status != ReadStatus::kData) {
      return;
    }
    for (std::size_t i = 0; i < got.count_bytes; ++i) {
      push_rx(bytes[i]);
    }
  }
}

void Uart16550::push_rx(u8 byte) {
  if (rx_count_ == rx_capacity()) {
    overrun_ = true;
    if ((fcr_ & kFcrEnable) != 0) {
      return;  // a full FIFO keeps what it has; without FIFOs the new byte replaces the old
    }
    rx_count_ = 0;
  }
  rx_[(rx_head_ + rx_count_) % kFifoBytes] = byte;
  ++rx_count_;
}

u8 Uart16550::pop_rx() {
  if (rx_count_ == 0) {
    return 0;
  }
  const u8 byte = rx_[rx_head_];
  rx_head_ = (rx_head_ + 1) % kFifoBytes;
  --rx_count_;
  if (rx_count_ == 0 && wants_input()) {
    pull_input();
  }
  return byte;
}

void Uart16550::transmit(u8 byte) {
  if ((mcr_ & kMcrLoop) != 0) {
    push_rx(byte);
  } else if (sink_ != nullptr) {
    sink_->write(std::span(&byte, 1));
  }
  tx_empty_irq_ = true;
}

/// MSR bits 7:4. A terminal is always there and ready; in loopback the outputs come back.
u8 Uart16550::modem_inputs() const {
  if ((mcr_ & kMcrLoop) == 0) {
    return kMsrDcd | kMsrDsr | kMsrCts;
  }
  u8 inputs = 0;
  inputs |= (mcr_ & kMcrRts) != 0 ? kMsrCts : 0;
  inputs |= (mcr_ & kMcrDtr) != 0 ? kMsrDsr : 0;
  inputs |= (mcr_ & kMcrOut1) != 0 ? kMsrRi : 0;
  inputs |= (mcr_ & kMcrOut2) != 0 ? kMsrDcd : 0;
  return inputs;
}

u8 Uart16550::read_modem_status() {
  const u8 value = modem_inputs() | modem_delta_;
  modem_delta_ = 0;
  return value;
}

void Uart16550::write_ier(u8 value) {
  const u8 newly_set = value & ~ier_;
  ier_ = value & kIerMask;
  // Enabling the interrupt while the transmitter is empty raises it; Linux's driver probes for that.
  if ((newly_set & kIerTransmit) != 0) {
    tx_empty_irq_ = true;
  }
  if (rx_count_ == 0 && wants_input()) {
    pull_input();
  }
}

void Uart16550::write_fcr(u8 value) {
  // Section 8.4: changing the enable bit, or asking for it, empties the FIFO.
  const bool toggled = ((value ^ fcr_) & kFcrEnable) != 0;
  const bool clear = (value & kFcrEnable) != 0 && (value & kFcrClearReceive) != 0;
  if (toggled || clear) {
    rx_head_ = rx_count_ = 0;
  }
  fcr_ = (value & kFcrEnable) != 0 ? value & kFcrKept : 0;
}

void Uart16550::write_mcr(u8 value) {
  const u8 before = modem_inputs();
  mcr_ = value & kMcrMask;
  const u8 after = modem_inputs();
  // DCTS, DDSR and DDCD on any change, TERI only on the falling edge of RI.
  const u8 changed = before ^ after;
  modem_delta_ |= (changed & (kMsrCts | kMsrDsr | kMsrDcd)) >> 4;
  modem_delta_ |= (before & ~after & kMsrRi) >> 4;
}

u8 Uart16550::line_status() const {
  return kLsrTransmitEmpty | (rx_count_ > 0 ? kLsrDataReady : 0) | (overrun_ ? kLsrOverrun : 0);
}

u8 Uart16550::interrupt_id() const {
  if ((ier_ & kIerLineStatus) != 0 && overrun_) {
    return kIirLineStatus;
  }
  if ((ier_ & kIerReceive) != 0 && rx_count_ > 0) {
    // Nothing more is on the wire: the time-out for a FIFO below its trigger has passed.
    return rx_count_ >= rx_trigger() ? kIirReceived : kIirTimeout;
  }
  if ((ier_ & kIerTransmit) != 0 && tx_empty_irq_) {
    return kIirTransmit;
  }
  if ((ier_ & kIerModem) != 0 && modem_delta_ != 0) {
    return kIirModem;
  }
  return kIirNone;
}

void Uart16550::update_irq() { irq_.set(interrupt_id() != kIirNone); }

u64 Uart16550::read(u64 offset, unsigned /*size*/) {
  u8 value = 0;
  switch (offset) {
    case kRbrThrDll:
      value = divisor_access() ? static_cast<u8>(divisor_) : pop_rx();
      break;
    case kIerDlm:
      value = divisor_access() ? static_cast<u8>(divisor_ >> 8) : ier_;
      break;
    case kIirFcr:
      value = interrupt_id();
      if (value == kIirTransmit) {
        tx_empty_irq_ = false;
      }
      value |= (fcr_ & kFcrEnable) != 0 ? kIirFifosEnabled : 0;
      break;
    case kLcr:
      value = lcr_;
      break;
    case kMcr:
      value = mcr_;
      break;
    case kLsr:
      if (rx_count_ == 0) {
        pull_input();
      }
      value = line_status();
      overrun_ = false;
      break;
    case kMsr:
      value = read_modem_status();
      break;
    case kScr:
      value = scratch_;
      break;
    default:
      break;
  }
  update_irq();
  return value;
}

void Uart16550::write(u64 offset, unsigned /*size*/, u64 wide_value) {
  const u8 value = static_cast<u8>(wide_value);
  switch (offset) {
    case kRbrThrDll:
      if (divisor_access()) {
        divisor_ = (divisor_ & 0xff00) | value;
      } else {
        transmit(value);
      }
      break;
    case kIerDlm:
      if (divisor_access()) {
        divisor_ = static_cast<u16>((divisor_ & 0x00ff) | value << 8);
      } else {
        write_ier(value);
      }
      break;
    case kIirFcr:
      write_fcr(value);
      break;
    case kLcr:
      lcr_ = value;
      break;
    case kMcr:
      write_mcr(value);
      break;
    case kScr:
      scratch_ = value;
      break;
    default:  // LSR and MSR are read-only
      break;
  }
  update_irq();
}

void Uart16550::transfer(StateArchive& archive) {
  archive(source_ended_, ier_, fcr_, lcr_, mcr_, scratch_, divisor_, modem_delta_, overrun_, tx_empty_irq_);
  archive(rx_, rx_head_, rx_count_);
  rx_head_ %= kFifoBytes;
  rx_count_ = std::min(rx_count_, kFifoBytes);
}

}  // namespace quire
