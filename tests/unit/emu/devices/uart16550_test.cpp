#include "emu/devices/uart16550.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {
namespace {

enum : u64 { kData = 0, kIer = 1, kIir = 2, kFcr = 2, kLcr = 3, kMcr = 4, kLsr = 5, kMsr = 6, kScr = 7 };

struct UartTest : ::testing::Test {
  FakeIrq irq;
  std::shared_ptr<TextSink> sink = std::make_shared<TextSink>();
  std::shared_ptr<TextSource> source = std::make_shared<TextSource>();
  Uart16550 uart{irq, sink, source};

  u32 read(u64 offset) { return static_cast<u32>(uart.read(offset, 1)); }
  void write(u64 offset, u8 value) { uart.write(offset, 1, value); }
};

TEST_F(UartTest, TransmitsAtOnce) {
  for (char c : std::string("hi\n")) {
    EXPECT_EQ(read(kLsr) & 0x60, 0x60u);
    write(kData, static_cast<u8>(c));
  }
  EXPECT_EQ(sink->text, "hi\n");
}

TEST_F(UartTest, DivisorLatchHidesDataAndIer) {
  write(kIer, 5);
  write(kLcr, 0x83);
  write(kData, 0x12);
  write(kIer, 0x34);
  EXPECT_EQ(read(kData), 0x12u);
  EXPECT_EQ(read(kIer), 0x34u);
  write(kLcr, 3);
  EXPECT_EQ(read(kIer), 5u);
  EXPECT_EQ(sink->text, "");
}

TEST_F(UartTest, IdentifiesAsA16550A) {
  write(kIer, 0xff);
  EXPECT_EQ(read(kIer), 0x0fu);  // no sleep bit: not a 16750 or XR17
  write(kIer, 0);
  write(kFcr, 1);
  EXPECT_EQ(read(kIir), 0xc1u);
  write(kFcr, 0);
  EXPECT_EQ(read(kIir), 0x01u);
  write(kScr, 0xa5);
  EXPECT_EQ(read(kScr), 0xa5u);
}

TEST_F(UartTest, PollingReaderGetsEveryByteInOrder) {
  source->feed("abcdefghijklmnopqrstuvwxyz");
  write(kFcr, 1);
  std::string got;
  while ((read(kLsr) & 1) != 0) {
    got += static_cast<char>(read(kData));
  }
  EXPECT_EQ(got, "abcdefghijklmnopqrstuvwxyz");
}

TEST_F(UartTest, WithoutFifosOneByteIsHeld) {
  source->feed("xyz");
  read(kLsr);
  EXPECT_EQ(source->unread(), 2u);
  EXPECT_EQ(read(kData), u32{'x'});
}

TEST_F(UartTest, InputInterruptsWhenEnabledAndEndsWhenRead) {
  source->feed("q");
  uart.poll_inputs();
  EXPECT_FALSE(irq.asserted);
  write(kIer, 1);
  EXPECT_TRUE(irq.asserted);
  EXPECT_EQ(read(kIir) & 0x0f, 0x04u);
  EXPECT_EQ(read(kData), u32{'q'});
  EXPECT_FALSE(irq.asserted);
  source->feed("r");
  EXPECT_FALSE(irq.asserted);
  uart.poll_inputs();
  EXPECT_TRUE(irq.asserted);
}

TEST_F(UartTest, BelowTriggerLevelIsATimeout) {
  write(kFcr, 0xc1);  // trigger at 14
  write(kIer, 1);
  source->feed("abc");
  uart.poll_inputs();
  EXPECT_EQ(read(kIir), 0xccu);
  source->feed("0123456789abcdef");
  uart.poll_inputs();
  EXPECT_EQ(read(kIir), 0xc4u);
}

TEST_F(UartTest, TransmitEmptyInterruptIsClearedByReadingIir) {
  write(kIer, 2);
  EXPECT_TRUE(irq.asserted);
  EXPECT_EQ(read(kIir), 0x02u);
  EXPECT_FALSE(irq.asserted);
  EXPECT_EQ(read(kIir), 0x01u);
  write(kData, 'x');
  EXPECT_TRUE(irq.asserted);
}

TEST_F(UartTest, EnablingTransmitInterruptAgainRaisesItAgain) {
  write(kIer, 2);
  read(kIir);
  write(kIer, 0);
  write(kIer, 2);
  EXPECT_EQ(read(kIir), 0x02u);
}

TEST_F(UartTest, ReceiveOutranksTransmit) {
  source->feed("z");
  write(kIer, 3);
  EXPECT_EQ(read(kIir), 0x04u);
  read(kData);
  EXPECT_EQ(read(kIir), 0x02u);
}

TEST_F(UartTest, LoopbackReturnsModemOutputs) {
  write(kMcr, 0x1a);  // LOOP, OUT2, RTS: Linux's probe
  EXPECT_EQ(read(kMsr) & 0xf0, 0x90u);
  write(kMcr, 0x15);
  EXPECT_EQ(read(kMsr) & 0xf0, 0x60u);
}

TEST_F(UartTest, LoopbackReturnsDataAndKeepsItInside) {
  write(kMcr, 0x10);
  write(kData, 'A');
  EXPECT_EQ(read(kLsr) & 1, 1u);
  EXPECT_EQ(read(kData), u32{'A'});
  EXPECT_EQ(sink->text, "");
}

TEST_F(UartTest, LoopbackOverrunIsReportedOnce) {
  write(kIer, 4);
  write(kMcr, 0x10);
  write(kData, 'A');
  write(kData, 'B');
  EXPECT_EQ(read(kIir), 0x06u);
  EXPECT_EQ(read(kLsr) & 2, 2u);
  EXPECT_EQ(read(kLsr) & 2, 0u);
  EXPECT_EQ(read(kData), u32{'B'});
}

TEST_F(UartTest, ModemChangeInterruptsAndReadingClearsIt) {
  write(kIer, 8);
  write(kMcr, 0x10);  // CTS, DSR, DCD fall
  EXPECT_TRUE(irq.asserted);
  EXPECT_EQ(read(kIir), 0x00u);
  EXPECT_EQ(read(kMsr), 0x0bu);
  EXPECT_EQ(read(kMsr), 0x00u);
  EXPECT_FALSE(irq.asserted);
}

TEST_F(UartTest, ClearingTheFifoDropsItsBytes) {
  write(kFcr, 1);
  source->feed("abc");
  read(kLsr);
  write(kFcr, 3);
  EXPECT_EQ(read(kData), 0u);
}

TEST_F(UartTest, EndOfInputIsQuiet) {
  source->close();
  write(kIer, 1);
  uart.poll_inputs();
  EXPECT_FALSE(irq.asserted);
  EXPECT_FALSE(uart.wants_input());
}

}  // namespace
}  // namespace quire::testing
