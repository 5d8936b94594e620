// Signals as riscv64 programs see them: numbers, flags, codes, and the frame a handler runs on.
//
// Layouts are those of Linux riscv64 (signal(7), sigaction(2), sigaltstack(2)); sizes and offsets are
// asserted.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum Signal : i32 {
#define QUIRE_SIGNAL(number, name, action, text) k##name = (number),
#include "quire/arch/linux/signals.inc"
#undef QUIRE_SIGNAL
  kSignalRtMin = 32,
  kSignalMax = 64,
};

/// Bit `signo - 1` stands for a signal.
using SigSet = u64;
constexpr SigSet sig_bit(i32 signo) { return u64{1} << (signo - 1); }

inline constexpr u64 kSigDefault = 0;
inline constexpr u64 kSigIgnore = 1;

enum SigActionFlag : u64 {
  kSaNoCldStop = 0x1,
  kSaNoCldWait = 0x2,
  kSaSigInfo = 0x4,
  kSaUnsupported = 0x400,
  kSaExposeTagBits = 0x800,
  kSaOnStack = 0x0800'0000,
  kSaRestart = 0x1000'0000,
  kSaNoDefer = 0x4000'0000,
  kSaResetHand = 0x8000'0000,
};

enum class SigHow : i32 { kBlock = 0, kUnblock = 1, kSetMask = 2 };

/// riscv64 has no sa_restorer: handlers return through the vDSO.
struct SigAction {
  u64 handler;
  u64 flags;
  SigSet mask;
};
static_assert(sizeof(SigAction) == 24);

enum SigStackFlag : i32 { kSsOnStack = 1, kSsDisable = 2, kSsAutoDisarm = static_cast<i32>(0x8000'0000) };
inline constexpr u64 kMinSigStackBytes = 2048;

struct SigStack {
  u64 sp;
  i32 flags;
  u32 pad;
  u64 size_bytes;
};
static_assert(sizeof(SigStack) == 24);

/// si_code: why a signal came. Positive ones are the kernel's, per signal.
enum SigCode : i32 {
  kSiUser = 0,
  kSiKernel = 0x80,
  kSiQueue = -1,
  kSiTimer = -2,
  kSiTkill = -6,
  kIllIllOpc = 1,
  kIllPrvOpc = 5,
  kFpeIntDiv = 1,
  kSegvMapErr = 1,
  kSegvAccErr = 2,
  kBusAdrAln = 1,
  kBusAdrErr = 2,
  kTrapBrkpt = 1,
  kCldExited = 1,
  kCldKilled = 2,
  kCldDumped = 3,
  kCldTrapped = 4,
  kCldStopped = 5,
  kCldContinued = 6,
};

/// 128 bytes; which part of `fields` counts depends on signo and code.
struct SigInfo {
  i32 signo;
  i32 error;
  i32 code;
  u32 pad;
  union {
    struct {
      i32 pid;
      u32 uid;
      u64 value;
    } sender;  ///< kill, tgkill, sigqueue
    struct {
      i32 timer_id;
      i32 overrun;
      u64 value;
    } timer;
    struct {
      i32 pid;
      u32 uid;
      i32 status;
      u32 pad;
      i64 user_ticks;
      i64 system_ticks;
    } child;
    struct {
      u64 address;
    } fault;
    struct {
      u64 call_address;
      i32 number;
      u32 arch;
    } syscall;
    u8 bytes[112];
  };
};
static_assert(sizeof(SigInfo) == 128);

struct UserRegs {
  u64 pc;
  u64 x[31];  ///< x1..x31
};
static_assert(sizeof(UserRegs) == 256);

/// Room for the Q extension's state; D uses the first 260 bytes.
struct alignas(16) UserFpRegs {
  u64 f[32];
  u32 fcsr;
  u32 reserved[67];
};
static_assert(sizeof(UserFpRegs) == 528);

struct MachineContext {
  UserRegs regs;
  UserFpRegs fp;
};

struct UserContext {
  u64 flags;
  u64 link;
  SigStack stack;
  SigSet mask;
  u8 mask_room[120];
  alignas(16) MachineContext machine;
};
static_assert(__builtin_offsetof(UserContext, machine) == 176);
static_assert(sizeof(UserContext) == 960);

/// What lies at sp when a handler starts.
struct SigFrame {
  SigInfo info;
  UserContext context;
};
static_assert(sizeof(SigFrame) == 1088);

/// wait4(2) status words.
constexpr i32 wait_status_exited(i32 code) { return (code & 0xff) << 8; }
constexpr i32 wait_status_signaled(i32 signo, bool core) { return signo | (core ? 0x80 : 0); }
constexpr i32 wait_status_stopped(i32 signo) { return (signo << 8) | 0x7f; }
inline constexpr i32 kWaitStatusContinued = 0xffff;

}  // namespace quire::arch
