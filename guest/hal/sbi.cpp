#include "guest/hal/sbi.h"

#include "guest/hal/layout.h"

namespace kernel::sbi {

namespace {

struct SbiResult {
  i64 error;
  u64 value;
};

enum Extension : u64 {
  kBase = 0x10,
  kLegacyPutchar = 0x01,
  kTime = 0x5449'4d45,
  kReset = 0x5352'5354,
  kDebugConsole = 0x4442'434e,
};
inline constexpr u64 kBaseProbe = 3;

SbiResult call(u64 extension, u64 function, u64 arg0 = 0, u64 arg1 = 0, u64 arg2 = 0) {
  register u64 a0 asm("a0") = arg0;
  register u64 a1 asm("a1") = arg1;
  register u64 a2 asm("a2") = arg2;
  register u64 a6 asm("a6") = function;
  register u64 a7 asm("a7") = extension;
  asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
  return {static_cast<i64>(a0), a1};
}

bool has(u64 extension) {
  const SbiResult probe = call(kBase, kBaseProbe, extension);
  return probe.error == 0 && probe.value != 0;
}

}  // namespace

void set_timer(u64 deadline_ticks) { call(kTime, 0, deadline_ticks); }

void console_write(StringView text) {
  if (has(kDebugConsole)) {
    while (!text.empty()) {
      const SbiResult written = call(kDebugConsole, 0, text.size(), virt_to_phys(text.data()).value, 0);
      if (written.error != 0 || written.value == 0) {
        return;
      }
      text.remove_prefix(written.value < text.size() ? written.value : text.size());
    }
    return;
  }
  for (const char c : text) {
    call(kLegacyPutchar, 0, static_cast<u8>(c));
  }
}

u64 machine_id(MachineId id) {
  const SbiResult found = call(kBase, static_cast<u64>(id));
  return found.error == 0 ? found.value : 0;
}

void shutdown() { call(kReset, 0, 0, 0); }

}  // namespace kernel::sbi
