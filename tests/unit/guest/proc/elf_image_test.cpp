// Executables that lie about themselves are refused before anything is mapped.
#include "guest/proc/elf_image.h"

#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "quire/arch/sv39.h"

namespace kernel {
namespace {

constexpr u64 kFileBytes = 0x10000;

/// A well-formed image: text at 0x10000, data after it with .bss beyond its file bytes.
struct Image {
  Elf64Header header{};
  std::vector<Elf64ProgramHeader> segments;
  u64 file_bytes = kFileBytes;

  Image() {
    std::memcpy(header.ident, kElfMagic, sizeof(kElfMagic));
    header.ident[kElfIdentClass] = kElfClass64;
    header.ident[kElfIdentData] = kElfDataLittle;
    header.type = static_cast<u16>(ElfType::kExecutable);
    header.machine = kElfMachineRiscv;
    header.entry = 0x10100;
    header.phoff = sizeof(Elf64Header);
    header.phentsize = sizeof(Elf64ProgramHeader);
    header.phnum = 2;
    segments.push_back(
        {SegmentType::kLoad, kSegmentRead | kSegmentExecute, 0, 0x10000, 0, 0x3000, 0x3000, 0x1000});
    segments.push_back(
        {SegmentType::kLoad, kSegmentRead | kSegmentWrite, 0x3800, 0x14800, 0, 0x900, 0x5000, 0x1000});
  }
  Errno header_error() const {
    const auto result = check_elf_header(header, file_bytes);
    return result.ok() ? Errno{} : result.error();
  }
  Errno error() const {
    const auto result = check_elf_image(header, segments, file_bytes);
    return result.ok() ? Errno{} : result.error();
  }
};

TEST(ElfImage, GoodFileGivesPageBoundsAndHeaderAddress) {
  const Image image;
  ASSERT_EQ(image.header_error(), Errno{});
  const auto result = check_elf_image(image.header, image.segments, image.file_bytes);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().low, 0x10000U);
  EXPECT_EQ(result.value().high, 0x1a000U);
  EXPECT_EQ(result.value().program_headers, 0x10040U);
  EXPECT_EQ(result.value().alignment, 0x1000U);
  EXPECT_FALSE(result.value().executable_stack);
}

TEST(ElfImage, ForeignHeadersAreNotExecutable) {
  const auto refused = [](auto change) {
    Image image;
    change(image);
    return image.header_error() == Errno::kENOEXEC;
  };
  EXPECT_TRUE(refused([](Image& i) { i.header.ident[0] = 0; }));
  EXPECT_TRUE(refused([](Image& i) { i.header.ident[kElfIdentClass] = kElfClass32; }));
  EXPECT_TRUE(refused([](Image& i) { i.header.ident[kElfIdentData] = kElfDataBig; }));
  EXPECT_TRUE(refused([](Image& i) { i.header.machine = kElfMachineX86_64; }));
  EXPECT_TRUE(refused([](Image& i) { i.header.type = static_cast<u16>(ElfType::kRelocatable); }));
  EXPECT_TRUE(refused([](Image& i) { i.header.phentsize = 32; }));
  EXPECT_TRUE(refused([](Image& i) { i.header.phnum = 0; }));
  EXPECT_TRUE(refused([](Image& i) { i.header.phnum = 0xffff; }));
  EXPECT_TRUE(refused([](Image& i) { i.header.phoff = ~u64{0} - 8; }));
  EXPECT_TRUE(refused([](Image& i) { i.header.phoff = i.file_bytes - 1; }));
}

TEST(ElfImage, SegmentsBeyondTheFileAreRefused) {
  Image image;
  image.segments[1].filesz = image.segments[1].memsz = kFileBytes;
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
  image.segments[1].offset = ~u64{0} - 0x7ff;
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
}

TEST(ElfImage, FileLargerThanMemoryIsRefused) {
  Image image;
  image.segments[1].filesz = image.segments[1].memsz + 1;
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
}

TEST(ElfImage, OffsetAndAddressMustAgreeWithinThePage) {
  Image image;
  image.segments[1].offset += 8;
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
}

TEST(ElfImage, OverlappingOrDescendingSegmentsAreRefused) {
  Image image;
  image.segments[1].vaddr = 0x12800;
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
  Image swapped;
  std::swap(swapped.segments[0], swapped.segments[1]);
  EXPECT_EQ(swapped.error(), Errno::kENOEXEC);
}

TEST(ElfImage, WhatDoesNotFitUserSpaceIsOutOfMemory) {
  Image image;
  image.segments[1].memsz = ~u64{0} - 0x20000;
  EXPECT_EQ(image.error(), Errno::kENOMEM);
  image.segments[1].memsz = 0x5000;
  image.segments[1].vaddr = kSv39UserTop - 0x800;
  EXPECT_EQ(image.error(), Errno::kENOMEM);
  Image far;
  far.header.entry = kSv39UserTop;
  EXPECT_EQ(far.error(), Errno::kENOMEM);
}

TEST(ElfImage, NothingToLoadIsRefused) {
  Image image;
  for (auto& segment : image.segments) {
    segment.type = SegmentType::kNote;
  }
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
}

TEST(ElfImage, InterpreterPathMustBeSaneAndSingle) {
  Image image;
  image.segments.push_back({SegmentType::kInterp, kSegmentRead, 0x400, 0, 0, 0x20, 0x20, 1});
  EXPECT_EQ(image.error(), Errno{});
  image.segments.back().filesz = 1;
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
  image.segments.back().filesz = kMaxInterpreterBytes + 1;
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
  image.segments.back().filesz = 0x20;
  image.segments.push_back(image.segments.back());
  EXPECT_EQ(image.error(), Errno::kENOEXEC);
}

TEST(ElfImage, LargestPowerOfTwoAlignmentCounts) {
  Image image;
  image.segments[0].align = 0x10000;
  image.segments[1].align = 0x30000;  // no power of two
  const auto result = check_elf_image(image.header, image.segments, image.file_bytes);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().alignment, 0x10000U);
}

}  // namespace
}  // namespace kernel
