#include "emu/machine/kernel_image.h"

#include <gtest/gtest.h>

#include "quire/error.h"
#include "tests/unit/emu/machine/elf_builder.h"

namespace quire {
namespace {

using test::ElfBuilder;
using test::poke;

constexpr RamRange kRam{0x8000'0000, 16 << 20};
constexpr u64 kHigh = 0xffff'ffc0'0000'0000;

std::string complaint(const std::vector<u8>& file) {
  try {
    parse_kernel(file, "k", kRam);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    return error.what();
  }
  return {};
}

std::vector<u8> kernel(u64 entry, u64 vaddr, u64 paddr, u64 memsz = 0x1000) {
  ElfBuilder elf;
  elf.header.entry = entry;
  return elf.load(vaddr, paddr, {1, 2, 3, 4}, memsz).build();
}

TEST(KernelImage, EntryIsTakenByVirtualOrPhysicalAddress) {
  const u64 at = 0x8020'0000;
  EXPECT_EQ(parse_kernel(kernel(kHigh + at + 8, kHigh + at, at), "k", kRam).entry, at + 8);
  EXPECT_EQ(parse_kernel(kernel(at + 8, kHigh + at, at), "k", kRam).entry, at + 8);
  EXPECT_NE(complaint(kernel(0x1000, kHigh + at, at)).find("entry point"), std::string::npos);
}

TEST(KernelImage, SegmentsMustBeInsideRam) {
  const u64 end = kRam.base + kRam.size_bytes;
  EXPECT_EQ(complaint(kernel(end - 0x1000, end - 0x1000, end - 0x1000)), "");
  for (const u64 address : {u64{0}, kRam.base - 1, end - 0xfff, end, ~u64{0} - 0x1fff}) {
    EXPECT_NE(complaint(kernel(address, address, address)).find("does not fit RAM"), std::string::npos)
        << address;
  }
  EXPECT_NE(complaint(kernel(kRam.base, kRam.base, kRam.base, u64{1} << 40)).find("does not fit RAM"),
            std::string::npos);
}

/// A Linux Image of one page, with what its header says (boot-image-header.rst).
std::vector<u8> linux_image(u64 text_offset, u64 image_size) {
  std::vector<u8> file(4096);
  poke<u64>(file, 8, text_offset);
  poke<u64>(file, 16, image_size);
  poke<u32>(file, 56, 0x0543'5352);
  return file;
}

TEST(KernelImage, LinuxImagesGoWhereTheirHeaderSays) {
  const auto file = linux_image(0x20'0000, 0x40'0000);
  const KernelImage image = parse_kernel(file, "k", kRam);
  EXPECT_EQ(image.entry, 0x8020'0000U);
  ASSERT_EQ(image.segments.size(), 1U);
  EXPECT_EQ(image.segments[0].memory_bytes, 0x40'0000U);
  EXPECT_EQ(image.segments[0].contents.size(), 4096U);
}

TEST(KernelImage, BadLinuxImagesAreRefused) {
  EXPECT_NE(complaint(linux_image(0x1000, 0x1000)).find("text_offset"), std::string::npos);
  EXPECT_NE(complaint(linux_image(u64{1} << 40, 0x1000)).find("text_offset"), std::string::npos);
  EXPECT_NE(complaint(linux_image(0x20'0000, u64{1} << 40)).find("does not fit RAM"), std::string::npos);
  auto big_endian = linux_image(0x20'0000, 0x1000);
  poke<u64>(big_endian, 24, 1);
  EXPECT_NE(complaint(big_endian).find("big-endian"), std::string::npos);
}

TEST(KernelImage, OtherFilesAreCalledWhatTheyAre) {
  EXPECT_EQ(complaint({0x1f, 0x8b, 8, 0}), "k: compressed with gzip; unpack it first (gunzip)");
  EXPECT_EQ(complaint({'h', 'i'}), "k: neither an ELF file nor a Linux Image, but text");
  EXPECT_EQ(complaint({1, 2}), "k: neither an ELF file nor a Linux Image");
  EXPECT_EQ(complaint({}), "k: the file is empty");
  const std::vector<u8> zstd{0x28, 0xb5, 0x2f, 0xfd, 0, 0};
  EXPECT_EQ(complaint(zstd), "k: compressed with zstd; unpack it first (unzstd)");
  EXPECT_THROW(parse_kernel(zstd, "k", kRam, RawKernel::kTaken), Error);
  EXPECT_THROW(parse_firmware(linux_image(0, 4096), "f", kRam), Error);
}

TEST(KernelImage, RawImagesGoWhereFirmwareLooks) {
  const std::vector<u8> bytes{0x13, 0, 0, 0};
  const KernelImage kernel = parse_kernel(bytes, "k", kRam, RawKernel::kTaken);
  EXPECT_EQ(kernel.entry, 0x8020'0000U);
  ASSERT_EQ(kernel.segments.size(), 1U);
  EXPECT_EQ(kernel.segments[0].contents.size(), 4U);
  EXPECT_EQ(parse_firmware(bytes, "f", kRam).entry, 0x8000'0000U);
  EXPECT_THROW(parse_kernel(bytes, "k", {kRam.base, 2 << 20}, RawKernel::kTaken), Error);
}

TEST(KernelImage, FirmwareThatCanBeMovedGoesToTheStartOfRam) {
  ElfBuilder elf;
  elf.header.type = static_cast<u16>(ElfType::kShared);
  elf.header.entry = 0x1004;
  const auto file = elf.load(0x1000, 0x1000, {1, 2, 3, 4, 5, 6, 7, 8}, 0x1000)
                        .load(0x4'0000, 0x4'0000, {9}, 0x2000)
                        .build();
  const KernelImage image = parse_firmware(file, "f", kRam);
  EXPECT_EQ(image.entry, 0x8000'0004U);
  EXPECT_EQ(image.segments[0].address, 0x8000'0000U);
  EXPECT_EQ(image.segments[1].address, 0x8003'f000U);
}

}  // namespace
}  // namespace quire
