// RFENCE extension (SBI v2.0, chapter 8). The fences of guests (functions 3..6) need the H extension.
#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {
namespace {

enum Function : std::uint64_t { kFenceI = 0, kSfenceVma = 1, kSfenceVmaAsid = 2 };

Return remote_sfence_vma(SbiPlatform& platform, const Call& call, std::optional<std::uint64_t> asid) {
  const std::uint64_t start = call.args[2];
  std::uint64_t size = call.args[3];
  if (start == 0 && size == 0) {  // 8.2: the whole address space, as size -1 is
    size = UINT64_MAX;
  }
  if (size != UINT64_MAX && size != 0 && start + (size - 1) < start) {
    return {Status::kInvalidAddress, 0};
  }
  return {for_each_hart(platform, call.args[0], call.args[1],
                        [&](unsigned hart) { platform.sfence_vma(hart, start, size, asid); }),
          0};
}

}  // namespace

Return rfence_extension(SbiPlatform& platform, const Call& call) {
  switch (call.function) {
    case kFenceI:
      return {for_each_hart(platform, call.args[0], call.args[1],
                            [&platform](unsigned hart) { platform.fence_i(hart); }),
              0};
    case kSfenceVma:
      return remote_sfence_vma(platform, call, std::nullopt);
    case kSfenceVmaAsid:
      return remote_sfence_vma(platform, call, call.args[4]);
    default:
      return {Status::kNotSupported, 0};
  }
}

}  // namespace quire::sbi
