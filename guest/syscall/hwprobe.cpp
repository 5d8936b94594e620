// riscv_hwprobe(2): what the hart can do (Linux, Documentation/arch/riscv/hwprobe.rst). There is one hart.
#include <algorithm>

#include "guest/hal/boot_info.h"
#include "guest/hal/sbi.h"
#include "guest/hal/time.h"
#include "guest/sched/thread.h"
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

struct Pair {
  i64 key;
  u64 value;
};

enum Key : i64 {
  kVendorId = 0,
  kArchitectureId = 1,
  kImplementationId = 2,
  kBaseBehavior = 3,
  kImaExtensions = 4,
  kPerformance = 5,
  kZeroBlockBytes = 6,
  kHighestAddress = 7,
  kTimeFrequency = 8,
  kMisalignedScalar = 9,
  kKeyEnd,
};
constexpr i64 kNoKey = -1;

constexpr u64 kWhichCpus = 1;
constexpr u64 kCpuMask = 1;
constexpr u64 kImaBehavior = 1;
/// Both boards do misaligned loads and stores in hardware, as fast as aligned ones. Programs believe it: C
/// libraries choose their memcpy by it.
constexpr u64 kMisalignedFast = 3;

bool is_key(i64 key) { return key >= 0 && key < kKeyEnd; }
/// Of these a question lists bits that must be there, of others the value.
bool is_bit_set(i64 key) { return key == kBaseBehavior || key == kImaExtensions || key == kPerformance; }

u64 value_of(i64 key) {
  switch (key) {
    case kVendorId:
      return sbi::machine_id(sbi::MachineId::kVendor);
    case kArchitectureId:
      return sbi::machine_id(sbi::MachineId::kArchitecture);
    case kImplementationId:
      return sbi::machine_id(sbi::MachineId::kImplementation);
    case kBaseBehavior:
      return kImaBehavior;
    case kImaExtensions:
      return boot_info().isa.probe_bits();
    case kPerformance:
    case kMisalignedScalar:
      return kMisalignedFast;
    case kZeroBlockBytes:
      return boot_info().zero_block_bytes;
    case kHighestAddress:
      return kUserTop.value;
    case kTimeFrequency:
      return timebase_hz();
    default:
      return 0;
  }
}

/// The set of harts at `cpus`, of which the first `bytes` are looked at. EFAULT.
KResult<u64> user_cpus(VirtAddr cpus, u64 bytes) {
  u64 mask = 0;
  TRY(copy_from_user(&mask, cpus, bytes));
  return mask;
}

/// A program may ask for as many pairs as it has memory for. EINTR when the thread must end.
KResult<void> give_way_between(u64 pair) {
  constexpr u64 kPairsAtATime = 1024;
  return pair % kPairsAtATime == kPairsAtATime - 1 ? give_way() : KResult<void>();
}

SyscallResult get_values(const SyscallArgs& args) {
  const VirtAddr cpus = args.as_address(3);
  const u64 bytes = std::min<u64>(args[2], sizeof(u64));
  if ((bytes != 0 || cpus.value != 0) && (TRY(user_cpus(cpus, bytes)) & kCpuMask) == 0) {
    return Err(Errno::kEINVAL);
  }
  for (u64 i = 0; i < args[1]; i++) {
    TRY(give_way_between(i));
    const VirtAddr place = args.as_address(0) + i * sizeof(Pair);
    const i64 key = TRY(get_user<Pair>(place)).key;
    TRY(put_user(place, is_key(key) ? Pair{key, value_of(key)} : Pair{kNoKey, 0}));
  }
  return 0;
}

/// The harts among those at `cpus` (all, if none is named) of which every pair holds.
SyscallResult get_cpus(const SyscallArgs& args) {
  const VirtAddr cpus = args.as_address(3);
  const u64 bytes = std::min<u64>(args[2], sizeof(u64));
  if (bytes == 0 || cpus.value == 0) {
    return Err(Errno::kEINVAL);
  }
  const u64 named = TRY(user_cpus(cpus, bytes));
  u64 found = named == 0 ? kCpuMask : named & kCpuMask;
  for (u64 i = 0; i < args[1]; i++) {
    TRY(give_way_between(i));
    const VirtAddr place = args.as_address(0) + i * sizeof(Pair);
    const Pair wanted = TRY(get_user<Pair>(place));
    if (!is_key(wanted.key)) {
      TRY(put_user(place, Pair{kNoKey, 0}));
      found = 0;
      continue;
    }
    const u64 value = value_of(wanted.key);
    if ((is_bit_set(wanted.key) ? value & wanted.value : value) != wanted.value) {
      found = 0;
    }
  }
  TRY(copy_to_user(cpus, &found, bytes));
  return 0;
}

}  // namespace

SyscallResult sys_riscv_hwprobe(const SyscallArgs& args) {
  if ((args[4] & kWhichCpus) == 0) {
    TRY(check_flags(args.as_uint(4), 0));
    return get_values(args);
  }
  TRY(check_flags(args.as_uint(4), kWhichCpus));
  return get_cpus(args);
}

}  // namespace kernel
