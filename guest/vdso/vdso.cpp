// Clock reads and small services that need no trap (vdso(7), riscv functions).
//
// Position-independent, no relocations, no data of its own: everything comes from VdsoData, one page before
// the image. Clocks that the page does not cover go to the system call.
#include "guest/proc/vdso_data.h"
#include "quire/arch/linux/syscalls.h"

using quire::arch::i64;
using quire::arch::Syscall;
using quire::arch::u32;
using quire::arch::u64;

extern "C" const volatile kernel::VdsoData vdso_data __attribute__((visibility("hidden")));

namespace {

struct TimeSpec {
  i64 seconds;
  i64 nanoseconds;
};
struct TimeVal {
  i64 seconds;
  i64 microseconds;
};

constexpr u64 kNsPerSecond = 1'000'000'000;
enum Clock : int {
  kRealtime = 0,
  kMonotonic = 1,
  kMonotonicRaw = 4,
  kRealtimeCoarse = 5,
  kMonotonicCoarse = 6,
  kBoottime = 7
};

long syscall(Syscall number, u64 arg0, u64 arg1, u64 arg2 = 0, u64 arg3 = 0, u64 arg4 = 0) {
  register u64 a7 asm("a7") = static_cast<u64>(number);
  register u64 a0 asm("a0") = arg0;
  register u64 a1 asm("a1") = arg1;
  register u64 a2 asm("a2") = arg2;
  register u64 a3 asm("a3") = arg3;
  register u64 a4 asm("a4") = arg4;
  asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4) : "memory");
  return static_cast<long>(a0);
}

enum class Since { kBoot, kEpoch };

void read_clock(Since since, TimeSpec* out) {
  u64 ticks = 0;
  u64 hz = 0;
  u64 offset_ns = 0;
  u32 sequence = 0;
  do {
    sequence = vdso_data.sequence;
    asm volatile("fence r, r" ::: "memory");
    hz = vdso_data.timebase_hz;
    offset_ns = since == Since::kEpoch ? vdso_data.realtime_offset_ns : 0;
    asm volatile("rdtime %0" : "=r"(ticks));
    ticks -= vdso_data.boot_ticks;
    asm volatile("fence r, r" ::: "memory");
  } while ((sequence & 1) != 0 || sequence != vdso_data.sequence);
  const u64 rest_ns = ticks % hz * kNsPerSecond / hz + offset_ns % kNsPerSecond;
  out->seconds = static_cast<i64>(ticks / hz + offset_ns / kNsPerSecond + rest_ns / kNsPerSecond);
  out->nanoseconds = static_cast<i64>(rest_ns % kNsPerSecond);
}

}  // namespace

extern "C" {

int __vdso_clock_gettime(int clock, TimeSpec* out) {
  switch (clock) {
    case kRealtime:
    case kRealtimeCoarse:
      read_clock(Since::kEpoch, out);
      return 0;
    case kMonotonic:
    case kMonotonicRaw:
    case kMonotonicCoarse:
    case kBoottime:
      read_clock(Since::kBoot, out);
      return 0;
    default:
      return static_cast<int>(
          syscall(Syscall::k_clock_gettime, static_cast<u64>(clock), reinterpret_cast<u64>(out)));
  }
}

int __vdso_clock_getres(int clock, TimeSpec* out) {
  return static_cast<int>(
      syscall(Syscall::k_clock_getres, static_cast<u64>(clock), reinterpret_cast<u64>(out)));
}

int __vdso_gettimeofday(TimeVal* out, void* zone) {
  if (zone != nullptr) {
    return static_cast<int>(
        syscall(Syscall::k_gettimeofday, reinterpret_cast<u64>(out), reinterpret_cast<u64>(zone)));
  }
  if (out != nullptr) {
    TimeSpec now;
    read_clock(Since::kEpoch, &now);
    *out = {now.seconds, now.nanoseconds / 1000};
  }
  return 0;
}

int __vdso_getcpu(u32* cpu, u32* node, void*) {
  return static_cast<int>(
      syscall(Syscall::k_getcpu, reinterpret_cast<u64>(cpu), reinterpret_cast<u64>(node)));
}

int __vdso_flush_icache(void* start, void* end, u64 flags) {
  return static_cast<int>(syscall(Syscall::k_riscv_flush_icache, reinterpret_cast<u64>(start),
                                  reinterpret_cast<u64>(end), flags));
}

int __vdso_riscv_hwprobe(void* pairs, u64 pair_count, u64 cpu_set_bytes, void* cpus, u32 flags) {
  return static_cast<int>(syscall(Syscall::k_riscv_hwprobe, reinterpret_cast<u64>(pairs), pair_count,
                                  cpu_set_bytes, reinterpret_cast<u64>(cpus), flags));
}

}  // extern "C"
