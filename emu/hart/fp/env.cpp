#include "emu/hart/fp/env.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "emu/base/assert.h"

namespace quire::fp {
namespace {

#if defined(__x86_64__)

// MXCSR (Intel SDM volume 1, 10.2.3): sticky flags in bits 5:0, masks in 12:7, rounding control in 14:13.
// DAZ and FTZ stay clear. Masked underflow is flagged as RISC-V wants it: tiny after rounding, and inexact.
constexpr u32 kMaskAll = 0x1f80;
constexpr u32 kInvalidSeen = 1 << 0;
constexpr u32 kZeroDivideSeen = 1 << 2;
constexpr u32 kOverflowSeen = 1 << 3;
constexpr u32 kUnderflowSeen = 1 << 4;
constexpr u32 kInexactSeen = 1 << 5;

// Volatile and with a memory clobber: the order against the operations in host.h, all volatile, is kept.
u32 read_control() {
  u32 value;
  asm volatile("stmxcsr %0" : "=m"(value) : : "memory");
  return value;
}
void write_control(u32 value) { asm volatile("ldmxcsr %0" : : "m"(value) : "memory"); }

constexpr u32 control_for(u8 frm) {
  switch (static_cast<Rounding>(frm)) {
    case Rounding::kTowardZero:
      return kMaskAll | 3 << 13;
    case Rounding::kDown:
      return kMaskAll | 1 << 13;
    case Rounding::kUp:
      return kMaskAll | 2 << 13;
    default:
      return kMaskAll;
  }
}

constexpr u8 flags_from(u32 control) {
  return static_cast<u8>(((control & kInexactSeen) != 0 ? kFlagInexact : 0) |
                         ((control & kUnderflowSeen) != 0 ? kFlagUnderflow : 0) |
                         ((control & kOverflowSeen) != 0 ? kFlagOverflow : 0) |
                         ((control & kZeroDivideSeen) != 0 ? kFlagDivideByZero : 0) |
                         ((control & kInvalidSeen) != 0 ? kFlagInvalid : 0));
}

bool host_has_fma() { return __builtin_cpu_supports("fma") != 0; }
/// CPUID leaf 1, ECX bit 29; clang 14's builtin does not know the name. FMA has shown that the host keeps AVX
/// state.
bool host_has_f16c() {
  unsigned eax, ebx, ecx, edx;
  return host_has_fma() && __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

#else  // no host path: soft only

u32 read_control() { return 0; }
void write_control(u32) {}
constexpr u32 control_for(u8) { return 0; }
constexpr u8 flags_from(u32) { return 0; }
bool host_has_fma() { return false; }
bool host_has_f16c() { return false; }

#endif

void update_fast_rm(Env& env) {
  constexpr u8 kDynamicBit = 1 << static_cast<u8>(Rounding::kDynamic);
  if (env.frm <= static_cast<u8>(Rounding::kUp)) {
    env.ready_rm = static_cast<u8>(kDynamicBit | 1U << env.frm);
  } else {
    env.ready_rm = 1U << static_cast<u8>(Rounding::kNearestEven);
  }
  env.fast_rm = env.on_host != 0 && env.fs_dirty != 0 ? env.ready_rm : u8{0};
}

void enter(Env& env) {
  env.host_control = read_control();
  env.on_host = 1;
  write_control(control_for(env.frm));
  update_fast_rm(env);
}

void leave(Env& env) {
  collect_flags(env);
  env.on_host = 0;
  write_control(env.host_control);
  update_fast_rm(env);
}

}  // namespace

u8 collect_flags(Env& env) {
  if (env.on_host != 0) env.fflags |= flags_from(read_control());
  return env.fflags;
}

void set_flags(Env& env, u8 flags) {
  env.fflags = flags & 0x1f;
  if (env.on_host != 0) write_control(control_for(env.frm));
}

void set_frm(Env& env, u8 frm) {
  collect_flags(env);
  env.frm = frm & 7;
  if (env.on_host != 0) write_control(control_for(env.frm));
  update_fast_rm(env);
}

void set_fs_dirty(Env& env, bool dirty) {
  env.fs_dirty = dirty ? 1 : 0;
  update_fast_rm(env);
}

HostGuard::HostGuard(Env& env) : env_(env) {
  QUIRE_ASSERT(env.on_host == 0);
  // Asked once: cpuid traps to the hypervisor where the host is a virtual machine, some 20 us.
  static const u8 kFma = host_has_fma() ? 1 : 0;
  static const u8 kF16c = host_has_f16c() ? 1 : 0;
  env.host_has_fma = kFma;
  env.host_has_f16c = kF16c;
  enter(env);
}

HostGuard::~HostGuard() { leave(env_); }

HostPause::HostPause(Env& env) : env_(env), was_on_host_(env.on_host != 0) {
  if (was_on_host_) leave(env_);
}

HostPause::~HostPause() {
  if (was_on_host_) enter(env_);
}

}  // namespace quire::fp
