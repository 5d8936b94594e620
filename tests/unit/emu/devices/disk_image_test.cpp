#include "emu/devices/disk_image.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

}  // namespace
}  // namespace quire::testing
