// UART 16550A with 16-byte FIFOs, one register a byte.
//
// Register names and behaviour of the National Semiconductor PC16550D data sheet. A byte written is
// on the wire at once, so the transmitter is always empty. Input is taken from the source only when
// the guest looks for it (receive interrupt enabled, or LSR read) and there is room, so nothing is
// overrun. Invariant: outside of a call the line equals "IIR shows an interrupt".
#pragma once

#include <array>
#include <memory>

#include "emu/base/types.h"
#include "quire/byte_stream.h"
#include "quire/state_archive.h"

namespace quire {

class Uart16550 final : public Device {
 public:
  /// A null sink drops what is written; a null source never gives anything.
  Uart16550(IrqLine& irq, std::shared_ptr<ByteSink> sink, std::shared_ptr<ByteSource> source);

  std::string_view name() const override { return "uart"; }
  void reset() override;
  void transfer(StateArchive& archive) override;
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

  /// Looks for input that has come since; the machine calls it between slices.
  void poll_inputs();
  /// Whether input that came now would interrupt the guest.
  bool wants_input() const;

 private:
  static constexpr unsigned kFifoBytes = 16;

  bool divisor_access() const;
  unsigned rx_capacity() const;
  unsigned rx_trigger() const;
  void pull_input();
  void push_rx(u8 byte);
  u8 pop_rx();
  void transmit(u8 byte);
  u8 modem_inputs() const;
  u8 read_modem_status();
  void write_ier(u8 value);
  void write_fcr(u8 value);
  void write_mcr(u8 value);
  u8 line_status() const;
  u8 interrupt_id() const;
  void update_irq();

  IrqLine& irq_;
  std::shared_ptr<ByteSink> sink_;
  std::shared_ptr<ByteSource> source_;
  bool source_ended_ = false;

  u8 ier_ = 0;
  u8 fcr_ = 0;
  u8 lcr_ = 0;
  u8 mcr_ = 0;
  u8 scratch_ = 0;
  u16 divisor_ = 0;
  u8 modem_delta_ = 0;         ///< MSR bits 3:0, cleared by reading
  bool overrun_ = false;       ///< LSR OE, cleared by reading; only loopback can cause it
  bool tx_empty_irq_ = false;  ///< THRE interrupt pending
  std::array<u8, kFifoBytes> rx_{};
  unsigned rx_head_ = 0;
  unsigned rx_count_ = 0;
};

}  // namespace quire
