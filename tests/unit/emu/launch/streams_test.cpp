// Streams over file descriptors and memory.
#include "quire/streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "emu/machine/state_archives.h"
#include "quire/error.h"

namespace quire {
namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string read_all_now(ByteSource& source) {
  std::string text;
  std::uint8_t room[4];
  for (ReadResult result = source.read(room); result.status == ReadStatus::kData;
       result = source.read(room)) {
    text.append(reinterpret_cast<const char*>(room), result.count_bytes);
  }
  return text;
}

TEST(FdSource, PipeSaysNotYetUntilItIsClosed) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FdSource source(ends[0]);
  std::uint8_t room[8];
  EXPECT_EQ(source.read(room).status, ReadStatus::kNotYet);
  EXPECT_TRUE(source.wait(1));
  ASSERT_EQ(::write(ends[1], "hello", 5), 5);
  EXPECT_EQ(read_all_now(source), "hello");
  ::close(ends[1]);
  EXPECT_EQ(source.read(room).status, ReadStatus::kEnd);
  EXPECT_FALSE(source.wait(1000));
  ::close(ends[0]);
}

TEST(FdSource, AFileIsReadAgainFromWhereItsStateWasSaved) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  const int fd = ::fileno(file);
  ASSERT_EQ(::write(fd, "abcdef", 6), 6);
  ASSERT_EQ(::lseek(fd, 0, SEEK_SET), 0);
  FdSource source(fd);
  std::uint8_t two[2];
  EXPECT_EQ(source.read(two).count_bytes, 2U);
  SaveArchive save;
  source.transfer(save);
  const auto state = save.take();
  EXPECT_EQ(read_all_now(source), "cdef");
  EXPECT_EQ(source.read(two).status, ReadStatus::kEnd);
  LoadArchive load(state, "input");
  source.transfer(load);
  EXPECT_EQ(read_all_now(source), "cdef");
  std::fclose(file);
}

/// A signal that arrives just while it asks (Ctrl-C in the run's terminal) is no input.
TEST(FdSource, ReadsNothingWhereASignalCameInsteadOfInput) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FdSource source(ends[0]);
  struct sigaction nothing = {};
  nothing.sa_handler = [](int) {};
  struct sigaction before = {};
  ASSERT_EQ(::sigaction(SIGUSR1, &nothing, &before), 0);
  std::atomic<unsigned> reads = 0;
  std::atomic<bool> over = false;
  bool stuck = false;
  std::thread interrupter([&, reader = ::pthread_self()] {
    for (unsigned n = 0; n < 500 && !stuck; ++n) {
      const unsigned seen = reads;
      ::pthread_kill(reader, SIGUSR1);
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (reads == seen && !stuck) {
        std::this_thread::yield();
        stuck = std::chrono::steady_clock::now() > deadline;
      }
    }
    over = true;
    EXPECT_EQ(::write(ends[1], "x", 1), 1);  // who waits for input goes on
  });
  for (std::uint8_t room[1]; !over; ++reads) {
    source.read(room);
  }
  interrupter.join();
  EXPECT_FALSE(stuck);
  ::sigaction(SIGUSR1, &before, nullptr);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FdSource, RegularFileNeverSaysNotYet) {
  std::FILE* file = std::tmpfile();
  std::fputs("abc", file);
  std::rewind(file);
  FdSource source(::fileno(file));
  EXPECT_EQ(read_all_now(source), "abc");
  std::uint8_t room[1];
  EXPECT_EQ(source.read(room).status, ReadStatus::kEnd);
  std::fclose(file);
}

TEST(FdSource, ClosedDescriptorIsAtItsEnd) {
  FdSource source(-1);
  std::uint8_t room[1];
  // poll(2) passes over negative descriptors, so nothing ever comes; a closed number answers at once.
  EXPECT_EQ(source.read(room).status, ReadStatus::kNotYet);
  const int fd = ::dup(0);
  ::close(fd);
  FdSource closed(fd);
  EXPECT_EQ(closed.read(room).status, ReadStatus::kEnd);
}

TEST(FdSink, AStalledReaderIsGivenUpOnWhenToldSo) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  int asked = 0;
  FdSink sink(ends[1], "standard output", [&] { return ++asked == 2; });
  const std::vector<std::uint8_t> much(1 << 20);
  EXPECT_THROW(sink.write(much), ReaderStalled);
  EXPECT_EQ(asked, 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FdSink, AReaderThatHasGoneIsToldApart) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  FdSink sink(ends[1], "standard output");
  EXPECT_THROW(sink.write(bytes("x")), ReaderGone);
  ::close(ends[1]);
}

TEST(FdSink, RefusalNamesTheStream) {
  const int fd = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(fd, 0);
  FdSink sink(fd, "standard output");
  try {
    sink.write(bytes("x"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_EQ(std::string(error.what()).rfind("standard output: No space left", 0), 0U) << error.what();
  }
  ::close(fd);
}

TEST(BufferSource, EmptyIsNotYetAndClosedIsTheEnd) {
  BufferSource source;
  std::uint8_t room[1];
  EXPECT_EQ(source.read(room).status, ReadStatus::kNotYet);
  EXPECT_FALSE(source.wait(1000));  // nobody else will fill it meanwhile
  source.push(bytes("abcdef"));
  EXPECT_TRUE(source.wait(0));
  source.close();
  EXPECT_EQ(read_all_now(source), "abcdef");
  EXPECT_EQ(source.read(room).status, ReadStatus::kEnd);
  EXPECT_THROW(source.push(bytes("x")), Error);
}

TEST(BufferSink, TakeGivesWhatIsNew) {
  BufferSink sink;
  sink.write(bytes("one"));
  EXPECT_EQ(sink.take(), "one");
  sink.write(bytes("two"));
  EXPECT_EQ(sink.take(), "two");
  EXPECT_EQ(sink.take(), "");
  EXPECT_EQ(sink.contents(), "onetwo");
}

TEST(BufferSink, LimitKeepsTheLastBytes) {
  BufferSink sink(4);
  for (int i = 0; i < 10; ++i) {
    const char digit = static_cast<char>('0' + i);
    sink.write(bytes({&digit, 1}));
  }
  EXPECT_EQ(sink.contents(), "6789");
}

}  // namespace
}  // namespace quire
