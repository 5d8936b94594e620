// Legacy extensions (SBI v2.0, chapter 5): the ones that software without the newer ones still boots with.
#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {
namespace {

enum Extension : std::uint64_t { kSetTimer = 0, kConsolePutchar = 1, kConsoleGetchar = 2, kShutdown = 8 };

}  // namespace

/// The result goes to a0 alone: it is in `error` when negative, else in `value`.
Return legacy_extension(SbiPlatform& platform, const Call& call) {
  switch (call.extension) {
    case kSetTimer:
      platform.set_timer(call.hart, call.args[0]);
      return {};
    case kConsolePutchar: {
      const auto byte = static_cast<std::uint8_t>(call.args[0]);
      platform.console_write({&byte, 1});
      return {};
    }
    case kConsoleGetchar: {
      std::uint8_t byte;
      if (platform.console_read({&byte, 1}) == 0) {
        return {Status::kFailed, 0};  // 5.3: -1 for nothing
      }
      return {Status::kSuccess, byte};
    }
    case kShutdown:
      platform.reset(ResetKind::kShutdown, 0);
      return {};
    default:
      return {Status::kNotSupported, 0};
  }
}

}  // namespace quire::sbi
