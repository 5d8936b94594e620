#include "guest/fs/line_discipline.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "quire/arch/linux/signal.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

class Line : public ::testing::Test, private LineEvents {
 protected:
  void type(const std::string& keys) { line.receive(as_bytes(keys)); }
  std::string read(usize room = 4096) {
    std::vector<u8> bytes(room);
    const usize count = line.take(ByteSpan(bytes.data(), bytes.size()));
    return {reinterpret_cast<const char*>(bytes.data()), count};
  }
  std::string take_echo() { return std::exchange(echo, ""); }
  void change(void (*how)(Termios&)) {
    Termios termios = line.termios();
    how(termios);
    line.set_termios(termios);
  }
  void transmit(ConstByteSpan bytes) override {
    echo.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void send_signal(i32 signo) override { signals.push_back(signo); }
  void readable() override { woken++; }
  void output_restarted() override { restarts++; }

  LineDiscipline line{*this};
  std::string echo;
  std::vector<i32> signals;
  int woken = 0;
  int restarts = 0;
};

TEST_F(Line, BecomesReadableWithItsEnd) {
  type("ab");
  EXPECT_FALSE(line.has_line());
  EXPECT_EQ(line.available(), 0U);
  type("c\r");
  EXPECT_TRUE(line.has_line());
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(read(), "abc\n");
  EXPECT_EQ(echo, "abc\r\n");
}

TEST_F(Line, EndOfFileIsAnEmptyRead) {
  type("x\x04\x04");
  EXPECT_EQ(read(1), "x");  // the end belongs to the bytes before it, even if they just fit
  EXPECT_TRUE(line.has_line());
  EXPECT_EQ(read(), "");
  EXPECT_FALSE(line.has_line());
}

TEST_F(Line, EraseKnowsTabsControlsAndUtf8) {
  type("a\t\x7f");
  EXPECT_EQ(
      take_echo(), "a\t" + [] {
        std::string s;
        for (int i = 0; i < 7; i++) s += "\b \b";
        return s;
      }());
  type("\x01\x7f");
  EXPECT_EQ(take_echo(), "^A\b \b\b \b");
  change([](Termios& t) { t.input |= kInputUtf8; });
  type("\xc3\xa4\x7f\n");
  EXPECT_EQ(take_echo(), "\xc3\xa4\b \b\r\n");
  EXPECT_EQ(read(), "a\n");
}

TEST_F(Line, ErasedBytesNeverPassTheLineBefore) {
  type("one\n\x7f\x7f\x15\x17two\n");
  EXPECT_EQ(read(), "one\n");
  EXPECT_EQ(read(), "two\n");
}

TEST_F(Line, SignalsFlushUnlessAskedNotTo) {
  type("abc\x03");
  EXPECT_EQ(signals, std::vector<i32>{kSIGINT});
  type("d\n");
  EXPECT_EQ(read(), "d\n");
  change([](Termios& t) { t.local |= kLocalNoFlush; });
  type(
      "abc\x1a"
      "d\n");
  EXPECT_EQ(signals.back(), kSIGTSTP);
  EXPECT_EQ(read(), "abcd\n");
  change([](Termios& t) { t.local &= ~kLocalSignals; });
  type("\x03\n");
  EXPECT_EQ(read(), "\x03\n");
}

TEST_F(Line, ChangeOfModeKeepsWhatWasTyped) {
  type("half");
  change([](Termios& t) { t.local &= ~kLocalCanonical; });
  EXPECT_EQ(line.available(), 4U);
  EXPECT_EQ(read(2), "ha");
  change([](Termios& t) { t.local |= kLocalCanonical; });
  EXPECT_TRUE(line.has_line());
  EXPECT_EQ(read(), "lf");
}

TEST_F(Line, FullLineStillTakesItsEnd) {
  type(std::string(5000, 'x'));
  type("\n");
  EXPECT_TRUE(line.has_line());
  EXPECT_EQ(read().size(), LineDiscipline::kCapacity);
  EXPECT_EQ(line.available(), 0U);
}

TEST_F(Line, StopHoldsOutputAndStartReleasesIt) {
  type("\x13");
  EXPECT_TRUE(line.output_stopped());
  type("\x11");
  EXPECT_FALSE(line.output_stopped());
  EXPECT_EQ(restarts, 1);
  EXPECT_EQ(line.available(), 0U);
}

TEST_F(Line, OutputIsProcessedInWhateverPieces) {
  change([](Termios& t) { t.output |= kOutputTabs; });
  std::string out;
  std::string in = "a\tb\n";
  for (usize at = 0; at < in.size();) {
    u8 made[8];
    const auto done = line.process_output(as_bytes(in.substr(at)), made);
    ASSERT_GT(done.taken, 0U);
    out.append(reinterpret_cast<const char*>(made), done.made);
    at += done.taken;
  }
  EXPECT_EQ(out, "a       b\r\n");
}

}  // namespace
}  // namespace kernel
