#include "emu/machine/config_check.h"

#include <fmt/format.h>

#include <bit>

#include "emu/base/types.h"
#include "emu/machine/board.h"
#include "emu/machine/isa_string.h"
#include "quire/error.h"

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
  require(config.drives.size() <= Board::kMaxDrives, "{} drives are too many: the board has slots for {}",
          config.drives.size(), Board::kMaxDrives);
  require(!config.kernel.empty() || config.kernel_name.empty(), "{}: the file is empty", config.kernel_name);
  require(!config.kernel.empty(), "a machine needs a kernel: Config::kernel is empty");
}

}  // namespace quire
