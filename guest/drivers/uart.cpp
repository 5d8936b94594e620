#include "guest/drivers/uart.h"

#include "guest/drivers/interrupt.h"
#include "guest/hal/boot_info.h"
#include "guest/hal/sbi.h"
#include "guest/lib/log.h"
#include "guest/mem/kernel_space.h"

namespace kernel {

namespace {

// 16550 registers, one byte each.
enum Register : unsigned { kData = 0, kInterruptEnable = 1, kFifoControl = 2, kLineStatus = 5 };
constexpr u8 kReceiveInterrupt = 1U << 0;
constexpr u8 kFifoEnable = 1U << 0;
constexpr u8 kDataReady = 1U << 0;
constexpr u8 kTransmitEmpty = 1U << 5;

class Uart final : public ConsoleStream {
 public:
  bool present() const { return registers_ != nullptr; }
  void init(volatile u8* registers, std::optional<u32> interrupt) {
    registers_ = registers;
    interrupt_ = interrupt;
    registers_[kInterruptEnable] = 0;
    registers_[kFifoControl] = kFifoEnable;
  }
  void init_input();
  void put(StringView text) {
    for (const char c : text) {
      while ((registers_[kLineStatus] & kTransmitEmpty) == 0) {
      }
      registers_[kData] = static_cast<u8>(c);
    }
  }

  KResult<usize> read(ByteSpan to) override;
  KResult<usize> write(ConstByteSpan from) override {
    uart_write(as_text(from));
    return from.size();
  }
  bool readable() override { return first_ != last_; }
  bool is_terminal() const override { return true; }

 private:
  static constexpr usize kBufferBytes = 256;  // a power of two
  void receive();

  volatile u8* registers_ = nullptr;
  std::optional<u32> interrupt_;
  u8 buffer_[kBufferBytes];
  usize first_ = 0;  // counts up for ever; the place is the remainder
  usize last_ = 0;
};

Uart g_uart;

void Uart::init_input() {
  if (!interrupt_) {
    return;
  }
  const auto enabled = enable_interrupt(
      *interrupt_, [](void* uart) { static_cast<Uart*>(uart)->receive(); }, this);
  if (enabled.ok()) {
    registers_[kInterruptEnable] = kReceiveInterrupt;
  }
}

void Uart::receive() {
  while ((registers_[kLineStatus] & kDataReady) != 0) {
    const u8 byte = registers_[kData];
    if (last_ - first_ < kBufferBytes) {
      buffer_[last_++ % kBufferBytes] = byte;
    }
  }
  wake_readers();
}

KResult<usize> Uart::read(ByteSpan to) {
  if (to.empty()) {
    return usize{0};
  }
  TRY(wait_event_interruptible(input_waiters_, [this] { return readable(); }));
  usize count = 0;
  while (count < to.size() && readable()) {
    to[count++] = buffer_[first_++ % kBufferBytes];
  }
  return count;
}

}  // namespace

void init_uart() {
  const auto node = boot_info().device_tree.find_compatible("ns16550a");
  if (!node || !node->reg()) {
    log_warning("no ns16550a: the log stays on the SBI console");
    return;
  }
  auto registers = ioremap(*node->reg());
  if (!registers.ok()) {
    log_error("cannot map the UART: {}", errno_name(registers.error()));
    return;
  }
  g_uart.init(registers.value(), interrupt_of(*node));
}

void init_uart_input() {
  if (g_uart.present()) {
    g_uart.init_input();
  }
}

void uart_write(StringView text) {
  if (g_uart.present()) {
    g_uart.put(text);
  } else {
    sbi::console_write(text);
  }
}

ConsoleStream& uart_stream() { return g_uart; }

}  // namespace kernel
