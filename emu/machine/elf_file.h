// A checked view of a 64-bit little-endian RISC-V ELF file (quire/arch/elf.h).
//
// Invariant: once parse() succeeded, every program header's file range lies inside the file, its
// file size is at most its memory size, and no address range wraps; so users copy without further
// checks. What a number means for its user (does it fit RAM, user space) is the user's to check.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quire/arch/elf.h"
#include "quire/arch/result.h"

namespace quire {

enum class ElfProblem : arch::u8 {
  kEmpty,
  kNotElf,
  kShortHeader,
  kClass,
  kByteOrder,
  kVersion,
  kMachine,
  kType,
  kEntrySize,
  kNoProgramHeaders,
  kTooManyProgramHeaders,
  kProgramHeadersBeyondFile,
  kSectionHeadersBeyondFile,
  kSegmentBeyondFile,
  kSegmentFileSize,
  kSegmentWraps,
  kNoLoadSegment,
  kInterpreter,
};

struct ElfError {
  ElfProblem problem;
  unsigned segment;  ///< index of the program header it is about
  arch::u64 value;   ///< the number that is wrong
  arch::u64 limit;   ///< what it was compared with
};

/// One phrase without the file's name, fit to follow "FILE: ".
std::string describe(const ElfError& error);

class ElfFile {
 public:
  /// `bytes` must outlive the view.
  static arch::Result<ElfFile, ElfError> parse(std::span<const arch::u8> bytes);

  arch::ElfType type() const { return static_cast<arch::ElfType>(header_.type); }
  arch::u64 entry() const { return header_.entry; }
  const std::vector<arch::Elf64ProgramHeader>& program_headers() const { return program_headers_; }
  /// The part of a program header's segment that is in the file.
  std::span<const arch::u8> contents(const arch::Elf64ProgramHeader& segment) const {
    return bytes_.subspan(segment.offset, segment.filesz);
  }
  /// Where the loadable segment that holds virtual address `va` puts it in physical memory.
  std::optional<arch::u64> physical_address(arch::u64 va) const;

  std::optional<std::string> interpreter() const;
  /// Strings of the dynamic section with this tag (DT_NEEDED, DT_RUNPATH ...), in file order; malformed ones
  /// are left out, as the guest's own dynamic linker has the last word on them.
  std::vector<std::string> dynamic_strings(arch::DynamicTag tag) const;
  /// Defined symbols of .symtab by name; the first of equal names. Empty when stripped or malformed.
  std::map<std::string, arch::u64, std::less<>> symbols() const;

 private:
  explicit ElfFile(std::span<const arch::u8> bytes, const arch::Elf64Header& header)
      : bytes_(bytes), header_(header) {}
  std::span<const arch::u8> at_virtual_address(arch::u64 va) const;

  std::span<const arch::u8> bytes_;
  arch::Elf64Header header_;
  std::vector<arch::Elf64ProgramHeader> program_headers_;
};

}  // namespace quire
