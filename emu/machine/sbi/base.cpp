// Base extension (SBI v2.0, chapter 4).
#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {
namespace {

constexpr std::uint64_t kSpecVersion = 2U << 24;  // 2.0
// Not one of the registered numbers: those name other firmware, and software works around their bugs by them.
constexpr std::uint64_t kImplementationId = 0x5175'6972;  // "Quir"
constexpr std::uint64_t kImplementationVersion = 0x0001'0000;

constexpr unsigned kMvendorid = 0xf11;
constexpr unsigned kMarchid = 0xf12;
constexpr unsigned kMimpid = 0xf13;

}  // namespace

Return base_extension(SbiPlatform& platform, const Call& call) {
  switch (call.function) {
    case 0:
      return {Status::kSuccess, kSpecVersion};
    case 1:
      return {Status::kSuccess, kImplementationId};
    case 2:
      return {Status::kSuccess, kImplementationVersion};
    case 3:
      return {Status::kSuccess, has_extension(call.args[0]) ? 1U : 0U};
    case 4:
      return {Status::kSuccess, platform.machine_id_csr(kMvendorid)};
    case 5:
      return {Status::kSuccess, platform.machine_id_csr(kMarchid)};
    case 6:
      return {Status::kSuccess, platform.machine_id_csr(kMimpid)};
    default:
      return {Status::kNotSupported, 0};
  }
}

}  // namespace quire::sbi
