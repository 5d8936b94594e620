#include "guest/fs/pipe.h"

#include <random>

#include "tests/unit/guest/support/kernel/host_kernel.h"

namespace kernel {
namespace {

using host::error_of;
using host::must;

class PipeTest : public host::KernelTest {
 protected:
  static KResult<usize> put(File& writer, const std::string& text) {
    IoBuffer buffer = IoBuffer::kernel(as_bytes(text));
    return writer.write(buffer);
  }
  static KResult<std::string> take(File& reader, usize bytes) {
    std::string text(bytes, '\0');
    IoBuffer buffer = IoBuffer::kernel(ByteSpan(reinterpret_cast<u8*>(text.data()), bytes));
    text.resize(TRY(reader.read(buffer)));
    return text;
  }
};

TEST_F(PipeTest, GivesBytesInOrder) {
  PipeEnds pipe = must(make_pipe(0, {}));
  EXPECT_EQ(must(put(*pipe.writer, "hello ")), 6U);
  EXPECT_EQ(must(put(*pipe.writer, "world")), 5U);
  EXPECT_EQ(must(take(*pipe.reader, 8)), "hello wo");
  EXPECT_EQ(must(take(*pipe.reader, 100)), "rld");
  pipe.writer.reset();
  EXPECT_EQ(must(take(*pipe.reader, 100)), "");
}

TEST_F(PipeTest, SaysSoWhenTheOtherEndIsGone) {
  PipeEnds pipe = must(make_pipe(0, {}));
  EXPECT_EQ(pipe.writer->poll() & kPollErr, 0U);
  pipe.reader.reset();
  EXPECT_EQ(error_of(put(*pipe.writer, "x")), "EPIPE");
  EXPECT_NE(pipe.writer->poll() & kPollErr, 0U);
}

TEST_F(PipeTest, WithoutBlockingAFullOrEmptyPipeIsEagain) {
  const PipeEnds pipe = must(make_pipe(kOpenNonBlock, {}));
  EXPECT_EQ(error_of(take(*pipe.reader, 1)), "EAGAIN");
  EXPECT_EQ(must(put(*pipe.writer, std::string(70000, 'a'))), kDefaultPipeBytes);
  EXPECT_EQ(error_of(put(*pipe.writer, "b")), "EAGAIN");
  EXPECT_EQ(must(take(*pipe.reader, 100)).size(), 100U);
  // Room for 100: a longer atomic write takes nothing, a shorter one all.
  EXPECT_EQ(error_of(put(*pipe.writer, std::string(101, 'b'))), "EAGAIN");
  EXPECT_EQ(must(put(*pipe.writer, std::string(100, 'b'))), 100U);
}

TEST_F(PipeTest, SleepsUntilThereIsSomething) {
  const PipeEnds pipe = must(make_pipe(0, {}));
  host::g_on_sleep = [&]() -> KResult<void> {
    must(put(*pipe.writer, "late"));
    return {};
  };
  EXPECT_EQ(must(take(*pipe.reader, 10)), "late");
  host::g_on_sleep = []() -> KResult<void> { return Err(Errno::kEINTR); };
  EXPECT_EQ(error_of(take(*pipe.reader, 10)), "EINTR");
}

TEST_F(PipeTest, ALongWriteGoesOnAsTheReaderMakesRoom) {
  const PipeEnds pipe = must(make_pipe(0, {}));
  std::string received;
  host::g_on_sleep = [&]() -> KResult<void> {
    received += must(take(*pipe.reader, 10000));
    return {};
  };
  std::string sent;
  for (int i = 0; i < 200000; i++) {
    sent += static_cast<char>('a' + i % 23);
  }
  EXPECT_EQ(must(put(*pipe.writer, sent)), sent.size());
  host::g_on_sleep = nullptr;
  while (received.size() < sent.size()) {
    received += must(take(*pipe.reader, 50000));
  }
  EXPECT_EQ(received, sent);
}

TEST_F(PipeTest, KeepsTheBytesThroughRandomTrafficAndNewCapacities) {
  std::mt19937_64 random(5);
  const PipeEnds pipe = must(make_pipe(kOpenNonBlock, {}));
  std::string expected;
  char next = 0;
  for (int step = 0; step < 3000; step++) {
    if (random() % 2 == 0) {
      std::string chunk(random() % 9000, '\0');
      for (char& c : chunk) {
        c = next++;
      }
      const auto went = put(*pipe.writer, chunk);
      const usize count = went.ok() ? went.value() : 0;
      expected += chunk.substr(0, count);
      next = static_cast<char>(next - static_cast<char>(chunk.size() - count));
    } else if (random() % 20 == 0) {
      const auto resized = set_pipe_capacity(*pipe.writer, kPageBytes << (random() % 6), {});
      if (resized.ok()) {
        EXPECT_EQ(must(pipe_capacity(*pipe.reader)), resized.value());
      } else {
        EXPECT_EQ(error_of(resized), "EBUSY");
      }
    } else if (!expected.empty()) {
      const std::string got = must(take(*pipe.reader, 1 + random() % 9000));
      ASSERT_EQ(got, expected.substr(0, got.size()));
      expected.erase(0, got.size());
    }
  }
}

TEST_F(PipeTest, AFifoJoinsThoseWhoOpenItsName) {
  must(vfs::mknod(context_, context_.cwd, "/fifo", kModeFifo | 0600, 0));
  EXPECT_EQ(error_of(vfs::open(context_, context_.cwd, "/fifo", kOpenWriteOnly | kOpenNonBlock, 0)), "ENXIO");
  {
    const auto reader = open("/fifo", kOpenReadOnly | kOpenNonBlock);
    const auto writer = open("/fifo", kOpenWriteOnly);
    must(put(*writer, "named"));
    EXPECT_EQ(must(take(*reader, 10)), "named");
  }
  RefPtr<File> writer;
  host::g_on_sleep = [&]() -> KResult<void> {
    writer = open("/fifo", kOpenWriteOnly);
    return {};
  };
  const auto reader = open("/fifo", kOpenReadOnly);  // sleeps until the writer comes
  EXPECT_TRUE(static_cast<bool>(writer));
  remove("/fifo");
}

}  // namespace
}  // namespace kernel
