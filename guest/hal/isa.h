// The extensions of the hart, as far as programs hear of them: hwcap, riscv_hwprobe(2), /proc/cpuinfo.
//
// Read from `riscv,isa` of the device tree (Linux, Documentation/devicetree/bindings/riscv/extensions.yaml).
// Known is what user mode can use without help of the kernel, and what Linux 6.12 shows beside it. An
// extension whose state the supervisor does not save (V) is not known, so it is never claimed.
#pragma once

#include "guest/lib/format.h"
#include "guest/lib/types.h"

namespace kernel {

class IsaExtensions {
 public:
  /// Of a string as "rv64imafdc_zicsr_zba"; what is not known in it is passed over.
  static IsaExtensions parse(StringView isa);

  bool has(StringView name) const;
  void remove(StringView name);
  /// AT_HWCAP: bit n for the single letter 'a' + n.
  u64 hwcap() const;
  /// RISCV_HWPROBE_KEY_IMA_EXT_0 (Linux, Documentation/arch/riscv/hwprobe.rst).
  u64 probe_bits() const;
  /// As /proc/cpuinfo shows them.
  void show(FormatSink& out) const;

 private:
  u64 present_ = 0;  // bit n: row n of the table
};

}  // namespace kernel
