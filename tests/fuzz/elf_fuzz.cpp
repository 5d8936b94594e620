// Any bytes as a program, a kernel, firmware or a file of symbols: refused in one line, or wholly inside file
// and RAM.
#include <cstdlib>

#include "emu/machine/elf_file.h"
#include "emu/machine/kernel_image.h"
#include "emu/machine/symbols.h"
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

constexpr RamRange kRam{arch::kRamBase, 16 << 20};

void require_one_line(const Error& error) {
  const std::string_view text = error.what();
  require(error.kind() == ErrorKind::kFile && text.starts_with("fuzz: ") &&
          text.find('\n') == std::string_view::npos);
}

template <class Parse>
void use_as_image(const Parse& parse) {
  try {
    const KernelImage image = parse();
    for (const ImageSegment& segment : image.segments) {
      require(segment.address >= kRam.base && segment.contents.size() <= segment.memory_bytes &&
              segment.address - kRam.base + segment.memory_bytes <= kRam.size_bytes);
    }
  } catch (const Error& error) {
    require_one_line(error);
  }
}

void use_as_symbols(std::span<const u8> data) {
  SymbolTable table({});
  try {
    table.add(data, "fuzz");
  } catch (const Error& error) {
    require_one_line(error);
    require(!table.at_or_before(UINT64_MAX));
    return;
  }
  const auto last = table.at_or_before(UINT64_MAX);
  require(last && table.find(last->name) && is_symbol_for_people(last->name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  use_as_program({data, size});
  const std::span<const u8> bytes(data, size);
  use_as_image([&] { return parse_kernel(bytes, "fuzz", kRam); });
  use_as_image([&] { return parse_kernel(bytes, "fuzz", kRam, RawKernel::kTaken); });
  use_as_image([&] { return parse_firmware(bytes, "fuzz", kRam); });
  use_as_symbols(bytes);
  return 0;
}
