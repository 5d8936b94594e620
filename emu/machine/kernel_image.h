// The first program of a machine, from an ELF or a Linux `Image` file: what goes where, and where it starts.
//
// Everything is checked before anything is copied: each segment lies inside RAM.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emu/base/types.h"

namespace quire {

struct ImageSegment {
  u64 address;                   ///< physical
  std::span<const u8> contents;  ///< of the file's bytes
  u64 memory_bytes;              ///< at least contents.size(); the rest is zero
};

struct KernelImage {
  u64 entry;  ///< physical
  std::vector<ImageSegment> segments;
  std::map<std::string, u64, std::less<>> symbols;           ///< values as linked
  std::map<std::string, u64, std::less<>> symbol_addresses;  ///< physical, of those inside a segment
  std::map<u64, std::string> names;  ///< of what lies inside a segment, by virtual and by physical address
};

struct RamRange {
  u64 base;
  u64 size_bytes;
};

/// `bytes` must outlive the image. Error(kFile) that names the file and the cause.
KernelImage parse_kernel(std::span<const u8> bytes, const std::string& name, RamRange ram);

}  // namespace quire
