// System Reset extension (SBI v2.0, chapter 10).
#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {
namespace {

enum Type : std::uint32_t { kShutdown = 0, kColdReboot = 1, kWarmReboot = 2 };
enum Reason : std::uint32_t { kNone = 0, kSystemFailure = 1 };

}  // namespace

Return srst_extension(SbiPlatform& platform, const Call& call) {
  if (call.function != 0) {
    return {Status::kNotSupported, 0};
  }
  const auto type = static_cast<std::uint32_t>(call.args[0]);
  const auto reason = static_cast<std::uint32_t>(call.args[1]);
  if (type > kWarmReboot || reason > kSystemFailure) {
    return {Status::kInvalidParam, 0};
  }
  platform.reset(type == kShutdown ? ResetKind::kShutdown : ResetKind::kReboot, reason == kNone ? 0 : 1);
  return {};
}

}  // namespace quire::sbi
