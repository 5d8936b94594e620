// A program that the machine starts with, from an ELF, a Linux `Image` or a raw file: what goes where, and
// where it starts.
//
// Everything is checked before anything is copied: each segment lies inside RAM.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

/// Not local labels and the assembler's marks of code and data ("$x"), which name nothing that people know.
bool is_symbol_for_people(std::string_view symbol);

struct RamRange {
  u64 base;
  u64 size_bytes;
};

/// What a file is taken for that is in no format known: a mistake, or an image that goes kRawKernelOffset
/// into RAM, where firmware looks for one.
enum class RawKernel : u8 { kRefused, kTaken };
inline constexpr u64 kRawKernelOffset = u64{2} << 20;

/// `bytes` must outlive the image. Error(kFile) that names the file and the cause.
KernelImage parse_kernel(std::span<const u8> bytes, const std::string& name, RamRange ram,
                         RawKernel raw = RawKernel::kRefused);

/// M-mode firmware: an ELF, which goes to the start of RAM if it can be moved, or a raw image for that place.
KernelImage parse_firmware(std::span<const u8> bytes, const std::string& name, RamRange ram);

}  // namespace quire
