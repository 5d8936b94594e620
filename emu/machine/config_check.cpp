#include "emu/machine/config_check.h"

#include <fmt/format.h>

#include <bit>
#include <set>
#include <string>

#include "emu/base/types.h"
#include "emu/machine/added_devices.h"
#include "emu/machine/board.h"
#include "emu/machine/engines.h"
#include "emu/machine/framebuffer.h"
#include "emu/machine/isa_string.h"
#include "quire/error.h"
#include "quire/machine.h"

namespace quire {
namespace {

constexpr u64 kMinRamBytes = u64{16} << 20;
constexpr u64 kMaxRamBytes = u64{64} << 30;
constexpr u64 kRamStepBytes = u64{2} << 20;
constexpr u32 kMaxTlbEntries = 65536;

template <class... Args>
void require(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) {
    throw Error(ErrorKind::kUsage, fmt::format(text, std::forward<Args>(args)...));
  }
}

/// QEMU's limit, too.
constexpr std::size_t kMaxTagBytes = 31;

void check_shares(const std::vector<Share>& shares) {
  std::set<std::string> tags;
  for (const Share& share : shares) {
    require(!share.tag.empty() && share.tag.size() <= kMaxTagBytes,
            "the share of {} needs a tag of 1 to {} bytes, not '{}'", share.host_path, kMaxTagBytes,
            share.tag);
    require(tags.insert(share.tag).second, "two shares have the tag '{}': give each its own", share.tag);
  }
}

void check_images(const Config& config) {
  const auto check_file = [](const std::vector<u8>& bytes, const std::string& name) {
    if (bytes.empty() && !name.empty()) {
      throw Error(ErrorKind::kFile, fmt::format("{}: the file is empty", name));
    }
  };
  check_file(config.kernel, config.kernel_name);
  check_file(config.firmware, config.firmware_name);
  check_file(config.device_tree, config.device_tree_name);
  const bool firmware = config.mode == BootMode::kFirmware;
  require(!config.kernel.empty() || firmware, "a machine needs a kernel: Config::kernel is empty");
  require(!config.firmware.empty() || !firmware, "firmware mode needs a firmware: Config::firmware is empty");
}

void check_engine(const EngineConfig& engine) {
  if (engine.kind == EngineKind::kInterpreter) {
    return;
  }
  constexpr u64 kMinCodeBytes = u64{2} << 20;
  constexpr u64 kMaxCodeBytes = u64{1} << 30;
  require(engine.code_bytes >= kMinCodeBytes && engine.code_bytes <= kMaxCodeBytes &&
              engine.code_bytes % kMinCodeBytes == 0,
          "{} bytes are no room for translated code: give 2M to 1G, in steps of 2M", engine.code_bytes);
  check_switches(engine.off);
  const std::string problem = engine.kind == EngineKind::kAuto ? "" : translator_problem();
  require(problem.empty(), "{}", problem);
}

void check_screen(const std::optional<ScreenSize>& screen, const std::vector<u8>& device_tree) {
  if (!screen) {
    return;
  }
  require(device_tree.empty(),
          "a screen and a device tree of your own do not go together: the tree would not tell the guest of "
          "the screen; leave one of them out");
  for (const u32 side : {screen->width, screen->height}) {
    require(side >= kMinScreenPixels && side <= kMaxScreenPixels,
            "a screen of {}x{} is impossible: both sides must be {} to {} pixels", screen->width,
            screen->height, kMinScreenPixels, kMaxScreenPixels);
  }
}

}  // namespace

void check_config(const Config& config) {
  require(config.ram_bytes >= kMinRamBytes && config.ram_bytes <= kMaxRamBytes,
          "RAM of {} bytes is impossible: it must be 16 MiB to 64 GiB", config.ram_bytes);
  require(config.ram_bytes % kRamStepBytes == 0,
          "RAM of {} bytes is impossible: it must be a multiple of 2 MiB", config.ram_bytes);
  const TlbConfig& tlb = config.tlb;
  require(std::has_single_bit(tlb.entries) && tlb.entries <= kMaxTlbEntries,
          "a TLB of {} entries is impossible: it must be a power of two, at most {}", tlb.entries,
          kMaxTlbEntries);
  require(std::has_single_bit(tlb.ways) && tlb.ways <= tlb.entries,
          "a TLB of {} ways is impossible: it must be a power of two, at most its {} entries", tlb.ways,
          tlb.entries);
  parse_isa(config.isa);
  const std::size_t slots = config.drives.size() + config.shares.size() + (config.net.mode != NetMode::kNone);
  require(slots <= Board::kFreeVirtioSlots,
          "{} drives, shares and network devices are too many: there are {} slots", slots,
          Board::kFreeVirtioSlots);
  require(config.harts == 1, "{} harts are impossible: the machine has one", config.harts);
  check_shares(config.shares);
  check_screen(config.screen, config.device_tree);
  check_engine(config.engine);
  check_images(config);
  place_added_devices(config);
}

}  // namespace quire
