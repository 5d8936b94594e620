// Checks an ELF executable before anything is done with it.
//
// Pure: bytes in, facts out; also built for the host, tested and fuzzed there. What passes has its segments
// sorted, page-wise disjoint, inside user space and backed by the file; nothing else reaches the loader.
#pragma once

#include <optional>
#include <span>

#include "guest/lib/result.h"
#include "quire/arch/elf.h"

namespace kernel {

/// Largest table of program headers, as Linux has it.
inline constexpr usize kMaxProgramHeaderBytes = 65536;
/// Longest interpreter path, NUL included.
inline constexpr usize kMaxInterpreterBytes = 4096;

struct ElfImage {
  ElfType type;  ///< kExecutable or kShared
  u64 entry;     ///< not relocated
  u64 low;       ///< page-aligned bounds of all PT_LOADs, not relocated
  u64 high;
  u64 alignment;                       ///< largest p_align, at least a page
  std::optional<u64> program_headers;  ///< their address in the image, not relocated
  u16 program_header_count;
  const Elf64ProgramHeader* interpreter;  ///< PT_INTERP, or null
  bool executable_stack;
};

/// Checks the file header; the result is the length of the program headers at `header.phoff`. ENOEXEC.
KResult<usize> check_elf_header(const Elf64Header& header, u64 file_bytes);

/// Checks the program headers of a file that passed check_elf_header. ENOEXEC for a malformed file,
/// ENOMEM for one that cannot fit user space. The result points into `headers`.
KResult<ElfImage> check_elf_image(const Elf64Header& header, std::span<const Elf64ProgramHeader> headers,
                                  u64 file_bytes);

}  // namespace kernel
