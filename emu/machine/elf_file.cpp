// Every number of the file is compared with the file's length before it is used; sums are formed so
// that they cannot wrap.
#include "emu/machine/elf_file.h"

#include <algorithm>
#include <cstring>

#include "emu/base/hex.h"
#include "quire/arch/bits.h"

namespace quire {
namespace {

using namespace arch;  // NOLINT(google-build-using-namespace): the file's structures are all from there

constexpr u64 kMaxProgramHeaders = 4096;
constexpr u64 kMaxStringBytes = 4096;  // PATH_MAX

bool inside(u64 offset, u64 size, u64 total) { return offset <= total && size <= total - offset; }

/// Requires inside(offset, sizeof(T), bytes.size()).
template <class T>
T copy_at(std::span<const u8> bytes, u64 offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// The NUL-terminated string at `offset`; nothing when it does not end inside `bytes`.
std::optional<std::string> string_at(std::span<const u8> bytes, u64 offset) {
  if (offset >= bytes.size()) {
    return std::nullopt;
  }
  const auto tail = bytes.subspan(offset, std::min<u64>(bytes.size() - offset, kMaxStringBytes));
  const auto end = std::find(tail.begin(), tail.end(), u8{0});
  if (end == tail.end()) {
    return std::nullopt;
  }
  return std::string(tail.begin(), end);
}

const char* machine_name(u64 machine) {
  switch (machine) {
    case kElfMachine386:
      return "x86 (32-bit)";
    case kElfMachineArm:
      return "ARM (32-bit)";
    case kElfMachineX86_64:
      return "x86-64";
    case kElfMachineAarch64:
      return "AArch64";
    default:
      return nullptr;
  }
}

std::string segment_name(const ElfError& error) { return "program header " + std::to_string(error.segment); }

Result<Elf64Header, ElfError> check_header(std::span<const u8> bytes) {
  const auto fail = [](ElfProblem problem, u64 value = 0, u64 limit = 0) {
    return Err(ElfError{problem, 0, value, limit});
  };
  if (bytes.empty()) {
    return fail(ElfProblem::kEmpty);
  }
  if (bytes.size() < sizeof kElfMagic || std::memcmp(bytes.data(), kElfMagic, sizeof kElfMagic) != 0) {
    return fail(ElfProblem::kNotElf);
  }
  // Class and machine come before the length, so that a small file of another kind is called what it is.
  if (bytes.size() > kElfIdentClass && bytes[kElfIdentClass] != kElfClass64) {
    const u64 machine = bytes.size() >= 20 ? copy_at<u16>(bytes, 18) : 0;
    return fail(ElfProblem::kClass, bytes[kElfIdentClass], machine);
  }
  if (bytes.size() < sizeof(Elf64Header)) {
    return fail(ElfProblem::kShortHeader, bytes.size(), sizeof(Elf64Header));
  }
  const auto header = copy_at<Elf64Header>(bytes, 0);
  if (header.ident[kElfIdentData] != kElfDataLittle) {
    return fail(ElfProblem::kByteOrder, header.ident[kElfIdentData]);
  }
  if (header.machine != kElfMachineRiscv) {
    return fail(ElfProblem::kMachine, header.machine);
  }
  if (header.ident[kElfIdentVersion] != kElfVersionCurrent || header.version != kElfVersionCurrent) {
    return fail(ElfProblem::kVersion, header.version);
  }
  if (header.type != static_cast<u16>(ElfType::kExecutable) &&
      header.type != static_cast<u16>(ElfType::kShared)) {
    return fail(ElfProblem::kType, header.type);
  }
  if (header.phnum == 0) {
    return fail(ElfProblem::kNoProgramHeaders);
  }
  if (header.phnum > kMaxProgramHeaders) {
    return fail(ElfProblem::kTooManyProgramHeaders, header.phnum, kMaxProgramHeaders);
  }
  if (header.phentsize != sizeof(Elf64ProgramHeader)) {
    return fail(ElfProblem::kEntrySize, header.phentsize, sizeof(Elf64ProgramHeader));
  }
  if (!inside(header.phoff, u64{header.phnum} * sizeof(Elf64ProgramHeader), bytes.size())) {
    return fail(ElfProblem::kProgramHeadersBeyondFile, header.phoff, bytes.size());
  }
  // Nothing is loaded from the section headers, but they are the end of the file as linkers write it:
  // missing, they show that the file was cut.
  if (header.shnum != 0 && !inside(header.shoff, u64{header.shnum} * header.shentsize, bytes.size())) {
    return fail(ElfProblem::kSectionHeadersBeyondFile, header.shoff, bytes.size());
  }
  return header;
}

Result<void, ElfError> check_segment(const Elf64ProgramHeader& segment, unsigned index, u64 file_bytes) {
  if (!inside(segment.offset, segment.filesz, file_bytes)) {
    const u64 end = segment.offset + segment.filesz;
    return Err(
        ElfError{ElfProblem::kSegmentBeyondFile, index, end < segment.offset ? ~u64{0} : end, file_bytes});
  }
  if (segment.type != SegmentType::kLoad) {
    return {};
  }
  if (segment.filesz > segment.memsz) {
    return Err(ElfError{ElfProblem::kSegmentFileSize, index, segment.filesz, segment.memsz});
  }
  if (segment.vaddr + segment.memsz < segment.vaddr || segment.paddr + segment.memsz < segment.paddr) {
    return Err(ElfError{ElfProblem::kSegmentWraps, index, segment.memsz, 0});
  }
  return {};
}

}  // namespace

std::string describe(const ElfError& error) {
  switch (error.problem) {
    case ElfProblem::kEmpty:
      return "the file is empty";
    case ElfProblem::kNotElf:
      return "not an ELF file";
    case ElfProblem::kShortHeader:
      return "truncated: " + std::to_string(error.value) + " bytes are less than an ELF header";
    case ElfProblem::kClass:
      if (error.value == kElfClass32) {
        return error.limit == kElfMachineRiscv ? "a 32-bit RISC-V ELF file; only 64-bit RISC-V (riscv64) runs"
                                               : "a 32-bit ELF file; only 64-bit RISC-V (riscv64) runs";
      }
      return "not a valid ELF file: class " + std::to_string(error.value);
    case ElfProblem::kByteOrder:
      return "a big-endian ELF file; only little-endian riscv64 runs";
    case ElfProblem::kVersion:
      return "not a valid ELF file: version " + std::to_string(error.value);
    case ElfProblem::kMachine: {
      const char* name = machine_name(error.value);
      return (name != nullptr ? std::string("an ELF file for ") + name
                              : "an ELF file for machine number " + std::to_string(error.value)) +
             ", not riscv64";
    }
    case ElfProblem::kType:
      return error.value == static_cast<u16>(ElfType::kRelocatable)
                 ? "a relocatable object file (.o); link it first"
                 : "not an executable: ELF type " + std::to_string(error.value);
    case ElfProblem::kEntrySize:
      return "not a valid ELF file: program headers of " + std::to_string(error.value) +
             " bytes each instead of " + std::to_string(error.limit);
    case ElfProblem::kNoProgramHeaders:
      return "not loadable: the ELF file has no program headers";
    case ElfProblem::kTooManyProgramHeaders:
      return "not a valid ELF file: " + std::to_string(error.value) + " program headers";
    case ElfProblem::kProgramHeadersBeyondFile:
      return "truncated or damaged: program headers at offset " + hex(error.value) +
             " lie beyond the end of the file (" + std::to_string(error.limit) + " bytes)";
    case ElfProblem::kSectionHeadersBeyondFile:
      return "truncated: section headers at offset " + hex(error.value) +
             " lie beyond the end of the file (" + std::to_string(error.limit) + " bytes)";
    case ElfProblem::kSegmentBeyondFile:
      return "truncated or damaged: " + segment_name(error) + " needs the file up to offset " +
             hex(error.value) + ", but it has " + std::to_string(error.limit) + " bytes";
    case ElfProblem::kSegmentFileSize:
      return "damaged: " + segment_name(error) + " has more bytes in the file (" + hex(error.value) +
             ") than in memory (p_memsz " + hex(error.limit) + ")";
    case ElfProblem::kSegmentWraps:
      return "damaged: " + segment_name(error) + " has an absurd p_memsz, " + hex(error.value) +
             ": it goes beyond the end of the address space";
    case ElfProblem::kNoLoadSegment:
      return "not loadable: the ELF file has no segment to load";
    case ElfProblem::kInterpreter:
      return "damaged: the interpreter's name (" + segment_name(error) + ") is not a string";
  }
  return "not a valid ELF file";
}

Result<ElfFile, ElfError> ElfFile::parse(std::span<const u8> bytes) {
  ElfFile file(bytes, TRY(check_header(bytes)));
  bool any_load = false;
  for (unsigned i = 0; i < file.header_.phnum; ++i) {
    const auto segment =
        copy_at<Elf64ProgramHeader>(bytes, file.header_.phoff + i * sizeof(Elf64ProgramHeader));
    // Types that no loader reads (a vendor's notes) may say what they like.
    if (segment.type == SegmentType::kLoad || segment.type == SegmentType::kInterp ||
        segment.type == SegmentType::kDynamic) {
      TRY(check_segment(segment, i, bytes.size()));
    } else if (!inside(segment.offset, segment.filesz, bytes.size())) {
      continue;
    }
    if (segment.type == SegmentType::kInterp) {
      const auto name = file.contents(segment);
      if (name.size() < 2 || name.size() > kMaxStringBytes || name.back() != 0) {
        return Err(ElfError{ElfProblem::kInterpreter, i, 0, 0});
      }
    }
    any_load = any_load || segment.type == SegmentType::kLoad;
    file.program_headers_.push_back(segment);
  }
  if (!any_load) {
    return Err(ElfError{ElfProblem::kNoLoadSegment, 0, 0, 0});
  }
  return file;
}

std::optional<u64> ElfFile::physical_address(u64 va) const {
  for (const auto& segment : program_headers_) {
    if (segment.type == SegmentType::kLoad && va >= segment.vaddr && va - segment.vaddr < segment.memsz) {
      return segment.paddr + (va - segment.vaddr);
    }
  }
  return std::nullopt;
}

std::span<const u8> ElfFile::at_virtual_address(u64 va) const {
  for (const auto& segment : program_headers_) {
    if (segment.type == SegmentType::kLoad && va >= segment.vaddr && va - segment.vaddr < segment.filesz) {
      return contents(segment).subspan(va - segment.vaddr);
    }
  }
  return {};
}

std::optional<std::string> ElfFile::interpreter() const {
  for (const auto& segment : program_headers_) {
    if (segment.type == SegmentType::kInterp) {
      return string_at(contents(segment), 0);
    }
  }
  return std::nullopt;
}

std::vector<std::string> ElfFile::dynamic_strings(DynamicTag tag) const {
  std::vector<Elf64Dynamic> entries;
  for (const auto& segment : program_headers_) {
    if (segment.type != SegmentType::kDynamic) {
      continue;
    }
    const auto bytes = contents(segment);
    for (u64 at = 0; inside(at, sizeof(Elf64Dynamic), bytes.size()); at += sizeof(Elf64Dynamic)) {
      const auto entry = copy_at<Elf64Dynamic>(bytes, at);
      if (entry.tag == DynamicTag::kNull) {
        break;
      }
      entries.push_back(entry);
    }
  }
  std::span<const u8> strings;
  for (const auto& entry : entries) {
    if (entry.tag == DynamicTag::kStrtab) {
      strings = at_virtual_address(entry.value);
    }
  }
  std::vector<std::string> found;
  for (const auto& entry : entries) {
    if (entry.tag == tag) {
      if (auto text = string_at(strings, entry.value)) {
        found.push_back(std::move(*text));
      }
    }
  }
  return found;
}

std::map<std::string, u64, std::less<>> ElfFile::symbols() const {
  std::map<std::string, u64, std::less<>> found;
  if (header_.shentsize != sizeof(Elf64SectionHeader)) {
    return found;
  }
  const auto section = [this](u64 index) {
    return copy_at<Elf64SectionHeader>(bytes_, header_.shoff + index * sizeof(Elf64SectionHeader));
  };
  for (u64 i = 0; i < header_.shnum; ++i) {
    const auto table = section(i);
    if (table.type != SectionType::kSymtab || table.link >= header_.shnum ||
        !inside(table.offset, table.size, bytes_.size())) {
      continue;
    }
    const auto names = section(table.link);
    if (!inside(names.offset, names.size, bytes_.size())) {
      continue;
    }
    const auto strings = bytes_.subspan(names.offset, names.size);
    for (u64 at = 0; inside(at, sizeof(Elf64Symbol), table.size); at += sizeof(Elf64Symbol)) {
      const auto symbol = copy_at<Elf64Symbol>(bytes_, table.offset + at);
      if (symbol.shndx == kSectionUndefined || symbol.type() > kSymbolFunction) {
        continue;
      }
      if (auto name = string_at(strings, symbol.name); name && !name->empty()) {
        found.emplace(std::move(*name), symbol.value);
      }
    }
  }
  return found;
}

}  // namespace quire
