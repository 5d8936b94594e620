// Formats: quire/arch/elf.h; Linux, Documentation/arch/riscv/boot-image-header.rst.
#include "emu/machine/kernel_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>

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

/// What is added to the addresses of a position-independent image, to have it at the start of RAM.
u64 load_bias(const ElfFile& elf, RamRange ram) {
  if (elf.type() != ElfType::kShared) {
    return 0;
  }
  u64 lowest = UINT64_MAX;
  for (const auto& header : elf.program_headers()) {
    if (header.type == SegmentType::kLoad && header.memsz != 0) {
      lowest = std::min(lowest, header.paddr);
    }
  }
  return ram.base - lowest;
}

/// A kernel linked high may name its entry by either address.
u64 physical_entry(const ElfFile& elf, const std::vector<ImageSegment>& segments, const std::string& name,
                   u64 bias) {
  if (const auto address = elf.physical_address(elf.entry())) {
    return *address + bias;
  }
  for (const ImageSegment& segment : segments) {
    if (elf.entry() >= segment.address && elf.entry() - segment.address < segment.memory_bytes) {
      return elf.entry();
    }
  }
  fail(name, fmt::format("damaged: the entry point {:#x} is in no segment", elf.entry()));
}

void name_addresses(KernelImage& image) {
  for (const auto& [symbol, address] : image.symbol_addresses) {
    if (is_symbol_for_people(symbol)) {
      image.names.emplace(image.symbols.find(symbol)->second, symbol);
    }
  }
  for (const auto& [symbol, address] : image.symbol_addresses) {
    if (is_symbol_for_people(symbol)) {
      image.names.emplace(address, symbol);
    }
  }
}

KernelImage from_elf(const ElfFile& elf, const std::string& name, RamRange ram, u64 bias) {
  KernelImage image;
  for (const auto& header : elf.program_headers()) {
    if (header.type == SegmentType::kLoad && header.memsz != 0) {
      image.segments.push_back({header.paddr + bias, elf.contents(header), header.memsz});
      check_inside(image.segments.back(), name, ram);
    }
  }
  image.entry = physical_entry(elf, image.segments, name, bias);
  image.symbols = elf.symbols();
  for (const auto& [symbol, value] : image.symbols) {
    if (const auto address = elf.physical_address(value)) {
      image.symbol_addresses.emplace(symbol, *address + bias);
    }
  }
  name_addresses(image);
  return image;
}

KernelImage from_raw(std::span<const u8> bytes, const std::string& name, RamRange ram, u64 offset) {
  KernelImage image;
  image.entry = ram.base + offset;
  image.segments.push_back({image.entry, bytes, bytes.size()});
  check_inside(image.segments.back(), name, ram);
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

bool starts_with(std::span<const u8> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

/// A start that no machine code has.
bool is_text(std::span<const u8> bytes) {
  constexpr std::size_t kLookedAt = 64;
  const auto start = bytes.first(std::min(bytes.size(), kLookedAt));
  return std::all_of(start.begin(), start.end(),
                     [](u8 byte) { return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\t'; });
}

/// Files that are given by mistake, and would start as nonsense if they were taken as they are.
void refuse_known_formats(std::span<const u8> bytes, const std::string& name) {
  constexpr struct {
    std::string_view magic;
    const char* complaint;
  } kFormats[] = {
      {"\x1f\x8b", "compressed with gzip; unpack it first (gunzip)"},
      {"\xfd"
       "7zXZ",
       "compressed with xz; unpack it first (unxz)"},
      {"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first (unzstd)"},
      {"BZh", "compressed with bzip2; unpack it first (bunzip2)"},
      {"\x04\x22\x4d\x18", "compressed with lz4; unpack it first (unlz4)"},
      {"MZ", "an EFI program; give the Linux Image that is inside"},
      {"\x27\x05\x19\x56", "a U-Boot image (mkimage); give the file it was made from"},
      {"\xd0\x0d\xfe\xed", "a device tree or FIT image; give the kernel itself"},
  };
  for (const auto& format : kFormats) {
    if (starts_with(bytes, format.magic)) {
      fail(name, format.complaint);
    }
  }
  if (is_text(bytes)) {
    fail(name, "neither an ELF file nor a Linux Image, but text");
  }
}

/// Nothing when it is no ELF file at all.
std::optional<KernelImage> try_elf(std::span<const u8> bytes, const std::string& name, RamRange ram,
                                   bool may_move) {
  const auto elf = ElfFile::parse(bytes);
  if (elf.ok()) {
    return from_elf(elf.value(), name, ram, may_move ? load_bias(elf.value(), ram) : 0);
  }
  if (elf.error().problem != ElfProblem::kNotElf) {
    fail(name, describe(elf.error()));
  }
  return std::nullopt;
}

}  // namespace

bool is_symbol_for_people(std::string_view symbol) {
  return !symbol.starts_with('$') && !symbol.starts_with('.');
}

KernelImage parse_kernel(std::span<const u8> bytes, const std::string& name, RamRange ram, RawKernel raw) {
  if (auto image = try_elf(bytes, name, ram, false)) {
    return *std::move(image);
  }
  if (is_linux_image(bytes)) {
    return from_linux_image(bytes, name, ram);
  }
  refuse_known_formats(bytes, name);
  if (raw == RawKernel::kTaken) {
    return from_raw(bytes, name, ram, kRawKernelOffset);
  }
  fail(name, "neither an ELF file nor a Linux Image");
}

KernelImage parse_firmware(std::span<const u8> bytes, const std::string& name, RamRange ram) {
  if (auto image = try_elf(bytes, name, ram, true)) {
    return *std::move(image);
  }
  if (is_linux_image(bytes)) {
    fail(name, "a Linux Image, which is no firmware; give it with --kernel");
  }
  refuse_known_formats(bytes, name);
  return from_raw(bytes, name, ram, 0);
}

}  // namespace quire
