// What the segments of an ELF executable must be like, so that they can be mapped (gABI chapter 5, "Program
// Loading"). The supervisor asks before it maps, the launcher before it starts a machine: with one answer.
//
// Foreign numbers: every sum is formed so that it cannot wrap. What passes has its segments ascending,
// page-wise disjoint, inside user space and backed by the file.
#pragma once

#include <span>

#include "quire/arch/bits.h"
#include "quire/arch/elf.h"
#include "quire/arch/result.h"
#include "quire/arch/sv39.h"

namespace quire::arch {

enum class LoadProblem : u8 {
  kBeyondFile,        ///< p_offset + p_filesz
  kFileSize,          ///< p_filesz above p_memsz
  kMisaligned,        ///< p_vaddr and p_offset differ within a page
  kOutsideUserSpace,  ///< p_vaddr + p_memsz, or p_align
  kOverlap,           ///< with the one before it, or it lies below that
  kNothing,           ///< no segment to load; `segment` says nothing
  kEntry,             ///< outside user space; `segment` says nothing
};

struct LoadError {
  LoadProblem problem;
  Elf64ProgramHeader segment;
};

struct LoadBounds {
  u64 low;  ///< page-aligned bounds of all PT_LOADs, not relocated
  u64 high;
  u64 alignment;  ///< largest p_align that is a power of two, at least a page
};

/// One PT_LOAD that is not empty, alone.
constexpr Result<void, LoadError> check_load_segment(const Elf64ProgramHeader& segment, u64 file_bytes) {
  const auto fail = [&segment](LoadProblem problem) { return Err(LoadError{problem, segment}); };
  if (segment.filesz > segment.memsz) {
    return fail(LoadProblem::kFileSize);
  }
  if (segment.filesz > file_bytes || segment.offset > file_bytes - segment.filesz) {
    return fail(LoadProblem::kBeyondFile);
  }
  if (segment.vaddr % kPageBytes != segment.offset % kPageBytes) {
    return fail(LoadProblem::kMisaligned);
  }
  if (segment.memsz > kSv39UserTop || segment.vaddr > kSv39UserTop - segment.memsz) {
    return fail(LoadProblem::kOutsideUserSpace);
  }
  return {};
}

/// All of a file's program headers, of which those that are no PT_LOAD are passed over.
constexpr Result<LoadBounds, LoadError> check_load_segments(std::span<const Elf64ProgramHeader> headers,
                                                            u64 entry, u64 file_bytes) {
  LoadBounds bounds{.low = 0, .high = 0, .alignment = kPageBytes};
  bool loads = false;
  for (const Elf64ProgramHeader& segment : headers) {
    if (segment.type != SegmentType::kLoad || segment.memsz == 0) {
      continue;
    }
    if (auto checked = check_load_segment(segment, file_bytes); !checked.ok()) {
      return Err(checked.error());
    }
    if (loads && align_down(segment.vaddr, kPageBytes) < bounds.high) {
      return Err(LoadError{LoadProblem::kOverlap, segment});
    }
    if (!loads) {
      bounds.low = align_down(segment.vaddr, kPageBytes);
      loads = true;
    }
    bounds.high = align_down(segment.vaddr + segment.memsz + kPageBytes - 1, kPageBytes);
    const bool power_of_two = segment.align != 0 && (segment.align & (segment.align - 1)) == 0;
    if (power_of_two && segment.align > bounds.alignment) {
      bounds.alignment = segment.align;
    }
    if (bounds.high > kSv39UserTop || bounds.alignment > kSv39UserTop) {
      return Err(LoadError{LoadProblem::kOutsideUserSpace, segment});
    }
  }
  if (!loads) {
    return Err(LoadError{LoadProblem::kNothing, {}});
  }
  if (entry >= kSv39UserTop) {
    return Err(LoadError{LoadProblem::kEntry, {}});
  }
  return bounds;
}

}  // namespace quire::arch
