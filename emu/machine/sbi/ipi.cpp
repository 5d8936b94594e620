// IPI extension (SBI v2.0, chapter 7).
#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {

Return ipi_extension(SbiPlatform& platform, const Call& call) {
  if (call.function != 0) {
    return {Status::kNotSupported, 0};
  }
  return {for_each_hart(platform, call.args[0], call.args[1],
                        [&platform](unsigned hart) { platform.raise_software_interrupt(hart); }),
          0};
}

}  // namespace quire::sbi
