// Formats: quire/arch/elf.h; Linux, Documentation/arch/riscv/boot-image-header.rst.
#include "emu/machine/kernel_image.h"

#include <fmt/format.h>

#include <cstring>

#include "emu/machine/elf_file.h"
#include "quire/arch/bits.h"
#include "quire/error.h"

namespace quire {
namespace {

struct LinuxImageHeader {
  u32 code0;
  u32 code1;
  u64 text_offset;  ///< from the start of RAM
  u64 image_size;   ///< in memory, 0 in very old kernels
  u64 flags;
  u32 version;
  u32 reserved1;
  u64 reserved2;
  u64 magic;   ///< deprecated
  u32 magic2;  ///< "RSC\x05"
  u32 reserved3;
};
static_assert(sizeof(LinuxImageHeader) == 64);
constexpr u32 kLinuxImageMagic = 0x0543'5352;
constexpr u64 kLinuxImageBigEndian = 1;
constexpr u64 kLinuxImageAlignment = 2 << 20;

[[noreturn]] void fail(const std::string& name, const std::string& cause) {
  throw Error(ErrorKind::kFile, name + ": " + cause);
}

void check_inside(const ImageSegment& segment, const std::string& name, RamRange ram) {
  const u64 offset = segment.address - ram.base;
  if (segment.address < ram.base || offset > ram.size_bytes ||
      segment.memory_bytes > ram.size_bytes - offset) {
    fail(name, fmt::format("a segment of {:#x} bytes at {:#x} does not fit RAM ({:#x} bytes at {:#x})",
                           segment.memory_bytes, segment.address, ram.size_bytes, ram.base));
  }
}

/// A kernel linked high may name its entry by either address.
u64 physical_entry(const ElfFile& elf, const std::vector<ImageSegment>& segments, const std::string& name) {
  if (const auto address = elf.physical_address(elf.entry())) {
    return *address;
  }
  for (const ImageSegment& segment : segments) {
    if (elf.entry() >= segment.address && elf.entry() - segment.address < segment.memory_bytes) {
      return elf.entry();
    }
  }
  fail(name, fmt::format("damaged: the entry point {:#x} is in no segment", elf.entry()));
}

/// Local labels and the assembler's marks of code and data ("$x") name nothing that people know.
bool is_for_people(std::string_view symbol) { return !symbol.starts_with('$') && !symbol.starts_with('.'); }

void name_addresses(KernelImage& image) {
  for (const auto& [symbol, address] : image.symbol_addresses) {
    if (is_for_people(symbol)) {
      image.names.emplace(image.symbols.find(symbol)->second, symbol);
    }
  }
  for (const auto& [symbol, address] : image.symbol_addresses) {
    if (is_for_people(symbol)) {
      image.names.emplace(address, symbol);
    }
  }
}

KernelImage from_elf(const ElfFile& elf, const std::string& name, RamRange ram) {
  KernelImage image;
  for (const auto& header : elf.program_headers()) {
    if (header.type == SegmentType::kLoad && header.memsz != 0) {
      image.segments.push_back({header.paddr, elf.contents(header), header.memsz});
      check_inside(image.segments.back(), name, ram);
    }
  }
  image.entry = physical_entry(elf, image.segments, name);
  image.symbols = elf.symbols();
  for (const auto& [symbol, value] : image.symbols) {
    if (const auto address = elf.physical_address(value)) {
      image.symbol_addresses.emplace(symbol, *address);
    }
  }
  name_addresses(image);
  return image;
}

KernelImage from_linux_image(std::span<const u8> bytes, const std::string& name, RamRange ram) {
  LinuxImageHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if ((header.flags & kLinuxImageBigEndian) != 0) {
    fail(name, "a big-endian Linux image; only little-endian runs");
  }
  if (header.text_offset > ram.size_bytes || !is_aligned(header.text_offset, kLinuxImageAlignment)) {
    fail(name,
         fmt::format("damaged: the Linux image's text_offset {:#x} is not a multiple of 2 MiB inside RAM",
                     header.text_offset));
  }
  KernelImage image;
  image.entry = ram.base + header.text_offset;
  image.segments.push_back({image.entry, bytes, std::max<u64>(header.image_size, bytes.size())});
  check_inside(image.segments.back(), name, ram);
  return image;
}

bool is_linux_image(std::span<const u8> bytes) {
  u32 magic = 0;
  if (bytes.size() >= sizeof(LinuxImageHeader)) {
    std::memcpy(&magic, bytes.data() + offsetof(LinuxImageHeader, magic2), sizeof magic);
  }
  return magic == kLinuxImageMagic;
}

}  // namespace

KernelImage parse_kernel(std::span<const u8> bytes, const std::string& name, RamRange ram) {
  const auto elf = ElfFile::parse(bytes);
  if (elf.ok()) {
    return from_elf(elf.value(), name, ram);
  }
  if (elf.error().problem == ElfProblem::kNotElf) {
    if (is_linux_image(bytes)) {
      return from_linux_image(bytes, name, ram);
    }
    if (bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b) {
      fail(name, "compressed with gzip; unpack it first (gunzip)");
    }
    fail(name, "neither an ELF file nor a Linux Image");
  }
  fail(name, describe(elf.error()));
}

}  // namespace quire
