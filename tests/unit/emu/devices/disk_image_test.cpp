#include "emu/devices/disk_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <set>

#include "emu/devices/write_overlay.h"
#include "quire/error.h"
#include "tests/unit/emu/devices/temp_file.h"

namespace quire::testing {
namespace {

/// The message of the Error(kFile), or "" when the image opens.
std::string refusal(const std::string& path, DiskAccess access) {
  try {
    DiskImage image(path, access);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    return error.what();
  }
}

TEST(DiskImage, ReadsAndWritesByOffset) {
  TempFile file("abcdefgh");
  DiskImage image(file.path(), DiskAccess::kReadWrite);
  EXPECT_EQ(image.size_bytes(), 8u);
  const u8 data[2] = {'X', 'Y'};
  EXPECT_TRUE(image.write(3, data));
  EXPECT_TRUE(image.flush());
  u8 out[4];
  EXPECT_TRUE(image.read(2, out));
  EXPECT_EQ(std::string(out, out + 4), "cXYf");
  EXPECT_EQ(file.contents(), "abcXYfgh");
}

TEST(DiskImage, BytesPastTheEndAreZero) {
  TempFile file("ab");
  DiskImage image(file.path(), DiskAccess::kReadOnly);
  u8 out[4] = {9, 9, 9, 9};
  EXPECT_TRUE(image.read(1, out));
  EXPECT_EQ(std::string(out, out + 4), std::string("b\0\0\0", 4));
}

TEST(DiskImage, FileCutShortIsAnError) {
  TempFile file("abcdefgh");
  DiskImage image(file.path(), DiskAccess::kReadOnly);
  ASSERT_EQ(truncate(file.path().c_str(), 4), 0);
  u8 out[8];
  EXPECT_FALSE(image.read(0, out));
}

TEST(DiskImage, SecondWriterIsRefused) {
  TempFile file("x");
  DiskImage image(file.path(), DiskAccess::kReadWrite);
  const std::string message = refusal(file.path(), DiskAccess::kReadWrite);
  EXPECT_NE(message.find(file.path()), std::string::npos);
  EXPECT_NE(message.find("in use"), std::string::npos);
  EXPECT_NE(refusal(file.path(), DiskAccess::kReadOnly), "");
}

TEST(DiskImage, WriterOfAnotherProcessIsRefused) {
  TempFile file("x");
  DiskImage image(file.path(), DiskAccess::kReadWrite);
  const pid_t child = fork();
  if (child == 0) {
    _exit(refusal(file.path(), DiskAccess::kReadWrite).find("in use") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(DiskImage, ReadersShareAndKeepWritersOut) {
  TempFile file("x");
  DiskImage first(file.path(), DiskAccess::kReadOnly);
  EXPECT_EQ(refusal(file.path(), DiskAccess::kReadOnly), "");
  EXPECT_NE(refusal(file.path(), DiskAccess::kReadWrite), "");
}

TEST(DiskImage, ClosingLetsGo) {
  TempFile file("x");
  { DiskImage image(file.path(), DiskAccess::kReadWrite); }
  EXPECT_EQ(refusal(file.path(), DiskAccess::kReadWrite), "");
}

TEST(DiskImage, RefusalNamesFileAndCause) {
  EXPECT_NE(refusal("/nowhere/disk.img", DiskAccess::kReadOnly)
                .find("/nowhere/disk.img: cannot open the disk image: No such"),
            std::string::npos);
  EXPECT_NE(refusal("/tmp", DiskAccess::kReadOnly).find("regular file"), std::string::npos);
  const std::string fifo = "/tmp/quire-test-fifo-" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(refusal(fifo, DiskAccess::kReadWrite).find("regular file"), std::string::npos);
  unlink(fifo.c_str());
}

TEST(DiskImage, ThrowAwayRunsShareAnImageWithReaders) {
  TempFile file("x");
  DiskImage first(file.path(), DiskAccess::kThrowAway);
  EXPECT_EQ(refusal(file.path(), DiskAccess::kThrowAway), "");
  EXPECT_EQ(refusal(file.path(), DiskAccess::kReadOnly), "");
  EXPECT_NE(refusal(file.path(), DiskAccess::kReadWrite), "");
}

TEST(DiskImage, ThrowAwayWritesAcrossBlocksAndPastTheEnd) {
  const std::string contents(10'000, 'a');
  TempFile file(contents);
  DiskImage image(file.path(), DiskAccess::kThrowAway);
  const std::string data(9000, 'b');
  EXPECT_TRUE(image.write(2000, {reinterpret_cast<const u8*>(data.data()), data.size()}));
  std::string out(12'288, '?');
  EXPECT_TRUE(image.read(0, {reinterpret_cast<u8*>(out.data()), out.size()}));
  EXPECT_EQ(out, std::string(2000, 'a') + data + std::string(12'288 - 11'000, '\0'));
  EXPECT_EQ(file.contents(), contents);
}

TEST(DiskImage, BlocksOfZeroesThatAreThrownAwayAreBoundedToo) {
  WriteOverlay overlay(
      [](u64, std::span<u8> out) {
        std::fill(out.begin(), out.end(), u8{'a'});
        return true;
      },
      4);
  constexpr u64 kBlock = WriteOverlay::kBlockBytes;
  const u8 data[1] = {'b'};
  EXPECT_TRUE(overlay.write_zeroes(0, 3 * kBlock));
  EXPECT_TRUE(overlay.write(3 * kBlock, data));
  EXPECT_FALSE(overlay.write_zeroes(4 * kBlock, kBlock));
  EXPECT_FALSE(overlay.write(4 * kBlock, data));
  EXPECT_TRUE(overlay.write_zeroes(0, 4 * kBlock));  // what is there can change
  EXPECT_TRUE(overlay.write(0, data));
}

TEST(DiskImage, EmptyImageIsRefused) {
  TempFile file("");
  EXPECT_NE(refusal(file.path(), DiskAccess::kReadWrite).find("is empty"), std::string::npos);
}

TEST(DiskImage, OtherFormatsAreRefusedWithTheConversion) {
  using namespace std::literals;
  const struct {
    std::string contents;
    const char* format;
  } kCases[] = {
      {"QFI\xfb\0\0\0\3"s + std::string(1000, '\0'), "qcow2"},
      {"QFI\xfb\0\0\0\1"s + std::string(1000, '\0'), "qcow"},
      {"QED\0"s, "qed"},
      {"KDMV\1\0\0\0"s, "vmdk"},
      {"# Disk DescriptorFile\nversion=1\n"s, "vmdk"},
      {"vhdxfile"s + std::string(600, '\0'), "vhdx"},
      {"conectix"s + std::string(600, '\0'), "vpc"},
      {std::string(4096, 'a') + "conectix"s + std::string(504, '\0'), "vpc"},
      {std::string(64, 'v') + "\x7f\x10\xda\xbe"s, "vdi"},
  };
  for (const auto& test : kCases) {
    TempFile file(test.contents);
    for (const DiskAccess access : {DiskAccess::kReadWrite, DiskAccess::kReadOnly, DiskAccess::kThrowAway}) {
      const std::string message = refusal(file.path(), access);
      EXPECT_NE(message.find("qemu-img convert -f "s + test.format + " -O raw"), std::string::npos)
          << message;
      EXPECT_EQ(message.find('\n'), std::string::npos);
    }
    EXPECT_EQ(file.contents(), test.contents);
  }
}

TEST(DiskImage, UnwritableImageIsRefusedWithTheWayOut) {
  TempFile file("x");
  ASSERT_EQ(chmod(file.path().c_str(), 0444), 0);
  const pid_t child = fork();
  if (child == 0) {  // root may write any file
    if (geteuid() == 0 && setuid(65534) != 0) {
      _exit(2);
    }
    const std::string message = refusal(file.path(), DiskAccess::kReadWrite);
    const bool helpful = message.find("Permission denied") != std::string::npos &&
                         message.find("snapshot") != std::string::npos;
    _exit(helpful && refusal(file.path(), DiskAccess::kThrowAway).empty() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

/// A file that opens for writing and then refuses it.
struct SealedFile {
  SealedFile() : fd(memfd_create("sealed", MFD_ALLOW_SEALING)) {
    EXPECT_EQ(ftruncate(fd, 8192), 0);
    EXPECT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
  }
  ~SealedFile() { close(fd); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd); }
  int fd;
};

TEST(DiskImage, FailuresOfTheHostAreToldOnceInWords) {
  SealedFile file;
  DiskImage image(file.path(), DiskAccess::kReadWrite);
  EXPECT_EQ(image.trouble(), "");
  const u8 byte = 1;
  EXPECT_FALSE(image.write(0, std::span(&byte, 1)));
  const std::string first = image.trouble();
  EXPECT_EQ(first, file.path() + ": cannot write the disk image: Operation not permitted");
  EXPECT_FALSE(image.write_zeroes(0, 4096, Unmap::kYes));
  EXPECT_EQ(image.trouble(), first);
  u8 out = 9;
  EXPECT_TRUE(image.read(0, std::span(&out, 1)));
}

TEST(DiskImage, WriteZeroesWorksWithAndWithoutHoles) {
  const std::string contents(100'000, 'z');
  for (const Unmap unmap : {Unmap::kNo, Unmap::kYes}) {
    TempFile file(contents);
    DiskImage image(file.path(), DiskAccess::kReadWrite);
    EXPECT_TRUE(image.write_zeroes(1000, 98'000, unmap));
    EXPECT_TRUE(image.write_zeroes(99'900, 5000, unmap));  // the file does not grow
    EXPECT_EQ(file.contents(), std::string(1000, 'z') + std::string(98'000, '\0') + std::string(900, 'z') +
                                   std::string(100, '\0'));
  }
}

TEST(DiskImage, APowerCutKeepsWhatWasFlushed) {
  const TempFile file(std::string(8192, '.'));
  const auto sectors = [](DiskImage& image) {
    std::vector<u8> bytes(8192);
    EXPECT_TRUE(image.read(0, bytes));
    return std::string{static_cast<char>(bytes[0]), static_cast<char>(bytes[512]),
                       static_cast<char>(bytes[4096])};
  };
  const auto write = [](DiskImage& image, u64 offset, char letter) {
    EXPECT_TRUE(image.write(offset, std::vector<u8>(512, static_cast<u8>(letter))));
  };
  std::set<std::string> seen;
  for (u64 seed = 0; seed < 40; ++seed) {
    DiskImage image(file.path(), DiskAccess::kThrowAway);
    image.track_unflushed();
    write(image, 0, 'a');
    EXPECT_TRUE(image.flush());
    write(image, 512, 'b');
    EXPECT_TRUE(image.write_zeroes(4096, 512, Unmap::kNo));
    EXPECT_EQ(image.unflushed_writes(), 2u);
    EXPECT_TRUE(image.cut_power(seed));
    seen.insert(sectors(image));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"a..", "ab.", std::string("a.\0", 3), std::string("ab\0", 3)}));
  DiskImage written(file.path(), DiskAccess::kReadWrite);
  EXPECT_THROW(written.track_unflushed(), Error);
}

}  // namespace
}  // namespace quire::testing
