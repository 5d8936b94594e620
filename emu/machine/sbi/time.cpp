// Timer extension (SBI v2.0, chapter 6).
#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {

Return time_extension(SbiPlatform& platform, const Call& call) {
  if (call.function != 0) {
    return {Status::kNotSupported, 0};
  }
  platform.set_timer(call.hart, call.args[0]);
  return {};
}

}  // namespace quire::sbi
