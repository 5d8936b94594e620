#include "emu/machine/elf_file.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/machine/elf_builder.h"

namespace quire {
namespace {

using namespace arch;
using test::ElfBuilder;
using test::poke;
using test::segment_field;

std::vector<u8> good_file() { return ElfBuilder().load(0x8000'0000, 0x8000'0000, {1, 2, 3, 4}, 16).build(); }

/// The problem found, which the file must have.
ElfProblem problem_of(const std::vector<u8>& file) {
  const auto parsed = ElfFile::parse(file);
  EXPECT_FALSE(parsed.ok());
  return parsed.ok() ? ElfProblem{} : parsed.error().problem;
}
std::string message_of(const std::vector<u8>& file) {
  const auto parsed = ElfFile::parse(file);
  return parsed.ok() ? "" : describe(parsed.error());
}

TEST(ElfFile, AcceptsAWellFormedFile) {
  const auto file = good_file();
  const auto parsed = ElfFile::parse(file);
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed.value().program_headers().size(), 1U);
  EXPECT_EQ(parsed.value().contents(parsed.value().program_headers()[0])[2], 3);
}

TEST(ElfFile, TellsAnEmptyFileFromAForeignOne) {
  EXPECT_EQ(problem_of({}), ElfProblem::kEmpty);
  EXPECT_EQ(problem_of({'#', '!', '/', 'b'}), ElfProblem::kNotElf);
  EXPECT_EQ(problem_of({0x7f, 'E'}), ElfProblem::kNotElf);
}

TEST(ElfFile, NamesOtherArchitectures) {
  auto file = good_file();
  poke<u16>(file, offsetof(Elf64Header, machine), kElfMachineX86_64);
  EXPECT_EQ(message_of(file), "an ELF file for x86-64, not riscv64");
  file = good_file();
  poke<u8>(file, kElfIdentClass, kElfClass32);
  EXPECT_EQ(message_of(file), "a 32-bit RISC-V ELF file; only 64-bit RISC-V (riscv64) runs");
  file = good_file();
  poke<u8>(file, kElfIdentData, kElfDataBig);
  EXPECT_EQ(problem_of(file), ElfProblem::kByteOrder);
}

TEST(ElfFile, RefusesEveryProperPrefix) {
  const auto file = good_file();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const std::vector<u8> prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(ElfFile::parse(prefix).ok()) << size;
  }
}

TEST(ElfFile, RefusesProgramHeadersBeyondTheFile) {
  for (const u64 offset : {u64{1} << 20, ~u64{0}, ~u64{0} - 55}) {
    auto file = good_file();
    poke<u64>(file, offsetof(Elf64Header, phoff), offset);
    EXPECT_EQ(problem_of(file), ElfProblem::kProgramHeadersBeyondFile) << offset;
  }
}

TEST(ElfFile, RefusesASegmentThatEndsBeyondTheFile) {
  auto file = good_file();
  poke<u64>(file, segment_field(0, offsetof(Elf64ProgramHeader, offset)), ~u64{0} - 1);
  EXPECT_EQ(problem_of(file), ElfProblem::kSegmentBeyondFile);
  file = good_file();
  poke<u64>(file, segment_field(0, offsetof(Elf64ProgramHeader, filesz)), 1 << 20);
  EXPECT_EQ(problem_of(file), ElfProblem::kSegmentBeyondFile);
}

TEST(ElfFile, RefusesSizesThatContradictEachOther) {
  auto file = good_file();
  poke<u64>(file, segment_field(0, offsetof(Elf64ProgramHeader, memsz)), 3);
  EXPECT_EQ(problem_of(file), ElfProblem::kSegmentFileSize);
  file = good_file();
  poke<u64>(file, segment_field(0, offsetof(Elf64ProgramHeader, memsz)), ~u64{0});
  EXPECT_EQ(problem_of(file), ElfProblem::kSegmentWraps);
}

TEST(ElfFile, RefusesWhatHasNothingToLoad) {
  EXPECT_EQ(problem_of(ElfBuilder().build()), ElfProblem::kNoProgramHeaders);
  EXPECT_EQ(problem_of(ElfBuilder().segment(SegmentType::kNote, 0, {1}).build()), ElfProblem::kNoLoadSegment);
  auto file = good_file();
  poke<u16>(file, offsetof(Elf64Header, type), 1);
  EXPECT_EQ(message_of(file), "a relocatable object file (.o); link it first");
}

TEST(ElfFile, RefusesSectionHeadersThatWereCutOff) {
  auto file = good_file();
  poke<u64>(file, offsetof(Elf64Header, shoff), file.size());
  poke<u16>(file, offsetof(Elf64Header, shnum), 1);
  poke<u16>(file, offsetof(Elf64Header, shentsize), 64);
  EXPECT_EQ(problem_of(file), ElfProblem::kSectionHeadersBeyondFile);
}

TEST(ElfFile, TranslatesVirtualAddressesByTheirSegment) {
  const auto file = ElfBuilder().load(0xffff'ffc0'0000'0000, 0x8020'0000, {1, 2, 3, 4}, 0x1000).build();
  const auto parsed = ElfFile::parse(file);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().physical_address(0xffff'ffc0'0000'0010), 0x8020'0010U);
  EXPECT_EQ(parsed.value().physical_address(0xffff'ffc0'0000'1000), std::nullopt);
}

TEST(ElfFile, ReadsTheInterpreter) {
  const auto file =
      ElfBuilder().load(0x1000, 0x1000, {0}, 1).segment(SegmentType::kInterp, 0, {'/', 'l', 'd', 0}).build();
  const auto parsed = ElfFile::parse(file);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().interpreter(), "/ld");
  const auto unterminated =
      ElfBuilder().load(0, 0, {0}, 1).segment(SegmentType::kInterp, 0, {'/', 'l', 'd'}).build();
  EXPECT_EQ(problem_of(unterminated), ElfProblem::kInterpreter);
}

std::vector<u8> dynamic_file(const std::vector<Elf64Dynamic>& entries, const std::vector<u8>& strings) {
  std::vector<u8> table(entries.size() * sizeof(Elf64Dynamic));
  std::memcpy(table.data(), entries.data(), table.size());
  return ElfBuilder()
      .load(0x1000, 0x1000, strings, strings.size())
      .segment(SegmentType::kDynamic, 0x2000, table)
      .build();
}

TEST(ElfFile, ReadsNeededLibrariesInOrder) {
  const auto file = dynamic_file({{DynamicTag::kNeeded, 1},
                                  {DynamicTag::kNeeded, 3},
                                  {DynamicTag::kStrtab, 0x1000},
                                  {DynamicTag::kNull, 0},
                                  {DynamicTag::kNeeded, 1}},
                                 {0, 'a', 0, 'b', 0});
  const auto parsed = ElfFile::parse(file);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().dynamic_strings(DynamicTag::kNeeded), (std::vector<std::string>{"a", "b"}));
}

TEST(ElfFile, IgnoresDynamicStringsOutsideOfTheFile) {
  const auto file =
      dynamic_file({{DynamicTag::kNeeded, 5}, {DynamicTag::kNeeded, ~u64{0}}, {DynamicTag::kStrtab, 0x1000}},
                   {0, 'a', 'b'});
  const auto parsed = ElfFile::parse(file);
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed.value().dynamic_strings(DynamicTag::kNeeded).empty());
}

}  // namespace
}  // namespace quire
