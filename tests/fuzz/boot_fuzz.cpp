// Any bytes as the files that a machine starts with: refused in one line, or all of them where the plan says,
// apart.
//
// What is promised of a plan is asked of RAM after install() and of the device tree, which libfdt reads.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "emu/machine/boot_plan.h"
#include "quire/arch/memmap.h"
#include "quire/error.h"
#include "tests/fuzz/boot_input.h"
extern "C" {
#include <libfdt.h>
}

namespace {

using namespace quire;

constexpr u64 kRamBytes = 16 << 20;
constexpr RamRange kRamRange{arch::kRamBase, kRamBytes};
constexpr const char* kCommandLine = "console=ttyS0 quiet";

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

std::vector<u8> take(std::span<const u8>& rest, std::size_t count) {
  const auto part = rest.first(std::min(count, rest.size()));
  rest = rest.subspan(part.size());
  return {part.begin(), part.end()};
}

Config config_from(std::span<const u8> data) {
  fuzz::BootInput input{};
  std::memcpy(&input, data.data(), std::min(sizeof input, data.size()));
  std::span<const u8> rest = data.subspan(std::min(sizeof input, data.size()));
  constexpr BootMode kModes[] = {BootMode::kBare, BootMode::kSupervisor, BootMode::kFirmware};
  Config config;
  config.ram_bytes = kRamBytes;
  config.mode = kModes[input.mode % 3];
  config.command_line = kCommandLine;
  config.firmware = take(rest, input.firmware_bytes);
  config.device_tree = take(rest, input.tree_bytes);
  if (input.screen % 2 != 0 && config.device_tree.empty()) {
    config.screen = ScreenSize{64, 32};
  }
  for (const u8 byte : take(rest, input.initrd_bytes)) {
    config.initrd.insert(config.initrd.end(), fuzz::kInitrdScale, byte);
  }
  config.kernel = {rest.begin(), rest.end()};
  return config;
}

struct Piece {
  u64 address;
  u64 memory_bytes;
  std::span<const u8> contents;
  unsigned image;  ///< pieces of one image may lie on each other, as its maker wants it
};

bool overlap(const Piece& a, const Piece& b) {
  return a.address < b.address + b.memory_bytes && b.address < a.address + a.memory_bytes;
}

void add_image(std::vector<Piece>& pieces, const KernelImage& image, unsigned number) {
  for (const ImageSegment& segment : image.segments) {
    pieces.push_back({segment.address, segment.memory_bytes, segment.contents, number});
  }
}

u64 address_in_chosen(const void* tree, const char* name) {
  const int chosen = fdt_path_offset(tree, "/chosen");
  int length = 0;
  const void* value = fdt_getprop(tree, chosen, name, &length);
  require(value != nullptr && length == sizeof(u64));
  fdt64_t number = 0;
  std::memcpy(&number, value, sizeof number);
  return fdt64_to_cpu(number);
}

std::vector<Piece> pieces_of(const BootPlan& plan, const Config& config, const KernelImage& firmware) {
  std::vector<Piece> pieces;
  add_image(pieces, plan.kernel(), 0);
  add_image(pieces, firmware, 1);
  const auto tree = plan.device_tree();
  require(fdt_check_full(tree.data(), tree.size()) == 0);
  pieces.push_back({plan.device_tree_address(), tree.size(), tree, 2});
  if (!config.initrd.empty()) {
    const u64 start = address_in_chosen(tree.data(), "linux,initrd-start");
    require(address_in_chosen(tree.data(), "linux,initrd-end") - start == config.initrd.size());
    pieces.push_back({start, config.initrd.size(), config.initrd, 3});
  }
  if (plan.framebuffer()) {
    pieces.push_back({plan.framebuffer()->address, plan.framebuffer()->size_bytes(), {}, 4});
  }
  return pieces;
}

void check(const BootPlan& plan, const std::vector<Piece>& pieces) {
  Ram ram(PhysAddr(kRamRange.base), kRamRange.size_bytes);
  plan.install(ram);
  std::vector<u8> found;
  for (const Piece& piece : pieces) {
    require(piece.contents.size() <= piece.memory_bytes);
    require(piece.memory_bytes == 0 || ram.contains(PhysAddr(piece.address), piece.memory_bytes));
    bool alone = true;
    for (const Piece& other : pieces) {
      if (&other != &piece && overlap(piece, other)) {
        require(other.image == piece.image);
        alone = false;
      }
    }
    if (alone && piece.memory_bytes != 0) {
      found.resize(piece.contents.size());
      ram.read(PhysAddr(piece.address), found);
      require(std::equal(found.begin(), found.end(), piece.contents.begin()));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Config config = config_from({data, size});
  try {
    const BootPlan plan(config, arch::kVirtioSlots);
    const KernelImage firmware = config.mode == BootMode::kFirmware
                                     ? parse_firmware(config.firmware, "firmware", kRamRange)
                                     : KernelImage{};
    check(plan, pieces_of(plan, config, firmware));
  } catch (const Error& error) {
    const std::string_view text = error.what();
    require(!text.empty() && text.find('\n') == std::string_view::npos);
  }
  return 0;
}
