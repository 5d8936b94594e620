// Any bytes as an ELF file or Linux Image: refused in one line, or wholly inside the file and RAM.
#include <cstdlib>

#include "emu/machine/elf_file.h"
#include "emu/machine/kernel_image.h"
#include "quire/arch/memmap.h"
#include "quire/error.h"

namespace {

using namespace quire;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

unsigned checksum(std::span<const u8> bytes) {
  unsigned sum = 0;
  for (const u8 byte : bytes) {
    sum += byte;
  }
  return sum;
}

void use_as_program(std::span<const u8> data) {
  const auto parsed = ElfFile::parse(data);
  if (!parsed.ok()) {
    const std::string text = describe(parsed.error());
    require(!text.empty() && text.find('\n') == std::string::npos);
    return;
  }
  const ElfFile& file = parsed.value();
  volatile unsigned sum = 0;
  for (const auto& segment : file.program_headers()) {
    sum = sum + checksum(file.contents(segment));
  }
  file.interpreter();
  file.dynamic_strings(arch::DynamicTag::kNeeded);
  file.dynamic_strings(arch::DynamicTag::kRunpath);
  file.symbols();
}

void use_as_kernel(std::span<const u8> data) {
  constexpr RamRange kRam{arch::kRamBase, 16 << 20};
  try {
    const KernelImage image = parse_kernel(data, "fuzz", kRam);
    for (const ImageSegment& segment : image.segments) {
      require(segment.address >= kRam.base && segment.contents.size() <= segment.memory_bytes &&
              segment.address - kRam.base + segment.memory_bytes <= kRam.size_bytes);
    }
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kFile);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  use_as_program({data, size});
  use_as_kernel({data, size});
  return 0;
}
