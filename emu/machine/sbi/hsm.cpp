// Hart State Management extension (SBI v2.0, chapter 9).
#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {
namespace {

enum Function : std::uint64_t { kHartStart = 0, kHartStop = 1, kHartGetStatus = 2, kHartSuspend = 3 };

// Table 3 of the chapter: default types; those between are reserved, and platform types we have none of.
constexpr std::uint32_t kRetentive = 0x0000'0000;
constexpr std::uint32_t kNonRetentive = 0x8000'0000;

bool is_platform_type(std::uint32_t type) { return (type & 0x7fff'ffff) >= 0x1000'0000; }

/// An address a hart can start at: two-byte aligned RAM.
bool is_executable(SbiPlatform& platform, std::uint64_t address) {
  std::uint8_t parcel[2];
  return address % 2 == 0 && platform.read_memory(address, parcel);
}

Return hart_start(SbiPlatform& platform, const Call& call) {
  const std::uint64_t hart = call.args[0];
  if (hart >= platform.hart_count()) {
    return {Status::kInvalidParam, 0};
  }
  if (platform.hart_status(static_cast<unsigned>(hart)) != HartStatus::kStopped) {
    return {Status::kAlreadyAvailable, 0};
  }
  if (!is_executable(platform, call.args[1])) {
    return {Status::kInvalidAddress, 0};
  }
  platform.start_hart(static_cast<unsigned>(hart), call.args[1], call.args[2]);
  return {};
}

Return hart_suspend(SbiPlatform& platform, const Call& call) {
  const auto type = static_cast<std::uint32_t>(call.args[0]);
  if (type == kRetentive) {
    platform.suspend_hart(call.hart);
    return {};
  }
  if (type != kNonRetentive) {
    return {is_platform_type(type) ? Status::kNotSupported : Status::kInvalidParam, 0};
  }
  if (!is_executable(platform, call.args[1])) {
    return {Status::kInvalidAddress, 0};
  }
  platform.suspend_hart_and_resume_at(call.hart, call.args[1], call.args[2]);
  return {};
}

}  // namespace

Return hsm_extension(SbiPlatform& platform, const Call& call) {
  switch (call.function) {
    case kHartStart:
      return hart_start(platform, call);
    case kHartStop:
      platform.stop_hart(call.hart);
      return {};
    case kHartGetStatus:
      if (call.args[0] >= platform.hart_count()) {
        return {Status::kInvalidParam, 0};
      }
      return {Status::kSuccess,
              static_cast<std::uint64_t>(platform.hart_status(static_cast<unsigned>(call.args[0])))};
    case kHartSuspend:
      return hart_suspend(platform, call);
    default:
      return {Status::kNotSupported, 0};
  }
}

}  // namespace quire::sbi
