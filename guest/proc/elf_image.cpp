// gABI chapter 5 "Program Loading"; RISC-V ELF psABI 1.0, 8.1. Every number is foreign until compared.
#include "guest/proc/elf_image.h"

#include "quire/arch/elf_rules.h"

namespace kernel {

namespace {

bool within_file(const Elf64ProgramHeader& segment, u64 file_bytes) {
  return segment.filesz <= file_bytes && segment.offset <= file_bytes - segment.filesz;
}

/// execve(2): a malformed file is ENOEXEC, one that cannot fit user space ENOMEM.
Errno errno_of(LoadProblem problem) {
  return problem == LoadProblem::kOutsideUserSpace || problem == LoadProblem::kEntry ? Errno::kENOMEM
                                                                                     : Errno::kENOEXEC;
}

/// The headers' own address: PT_PHDR where there is one, else the segment that holds their bytes.
std::optional<u64> header_address(const Elf64Header& header, std::span<const Elf64ProgramHeader> headers) {
  for (const auto& segment : headers) {
    if (segment.type == SegmentType::kPhdr) {
      return segment.vaddr;
    }
  }
  for (const auto& segment : headers) {
    if (segment.type == SegmentType::kLoad && header.phoff >= segment.offset &&
        header.phoff - segment.offset < segment.filesz) {
      return segment.vaddr + (header.phoff - segment.offset);
    }
  }
  return std::nullopt;
}

}  // namespace

KResult<usize> check_elf_header(const Elf64Header& header, u64 file_bytes) {
  for (unsigned i = 0; i < sizeof(kElfMagic); ++i) {
    if (header.ident[i] != kElfMagic[i]) {
      return Err(Errno::kENOEXEC);
    }
  }
  const auto type = static_cast<ElfType>(header.type);
  if (header.ident[kElfIdentClass] != kElfClass64 || header.ident[kElfIdentData] != kElfDataLittle ||
      header.machine != kElfMachineRiscv || (type != ElfType::kExecutable && type != ElfType::kShared)) {
    return Err(Errno::kENOEXEC);
  }
  const usize table_bytes = usize{header.phnum} * sizeof(Elf64ProgramHeader);
  if (header.phentsize != sizeof(Elf64ProgramHeader) || table_bytes == 0 ||
      table_bytes > kMaxProgramHeaderBytes || header.phoff > file_bytes ||
      table_bytes > file_bytes - header.phoff) {
    return Err(Errno::kENOEXEC);
  }
  return table_bytes;
}

KResult<ElfImage> check_elf_image(const Elf64Header& header, std::span<const Elf64ProgramHeader> headers,
                                  u64 file_bytes) {
  const auto bounds = check_load_segments(headers, header.entry, file_bytes);
  if (!bounds.ok()) {
    return Err(errno_of(bounds.error().problem));
  }
  ElfImage image{.type = static_cast<ElfType>(header.type),
                 .entry = header.entry,
                 .low = bounds.value().low,
                 .high = bounds.value().high,
                 .alignment = bounds.value().alignment,
                 .program_headers = header_address(header, headers),
                 .program_header_count = header.phnum,
                 .interpreter = nullptr,
                 .executable_stack = false};
  for (const auto& segment : headers) {
    if (segment.type == SegmentType::kInterp) {
      // Two bytes: one character and the NUL (whose presence the reader of the path checks).
      if (image.interpreter != nullptr || segment.filesz < 2 || segment.filesz > kMaxInterpreterBytes ||
          !within_file(segment, file_bytes)) {
        return Err(Errno::kENOEXEC);
      }
      image.interpreter = &segment;
    } else if (segment.type == SegmentType::kGnuStack) {
      image.executable_stack = (segment.flags & kSegmentExecute) != 0;
    }
  }
  return image;
}

}  // namespace kernel
