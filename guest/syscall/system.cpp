// The system as programs see it: name, memory, limits, randomness, scheduling, and small controls of a
// process.
#include <cstring>

#include "guest/drivers/entropy.h"
#include "guest/hal/time.h"
#include "guest/mem/frame.h"
#include "guest/proc/process_table.h"
#include "guest/proc/system_info.h"
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

Process* process_of(i32 pid) {
  if (pid == 0) {
    return &current_process();
  }
  if (Task* const task = process_table().find_task(static_cast<u32>(pid))) {
    return &task->process();
  }
  return process_table().find(static_cast<u32>(pid));
}

KResult<Process*> require_process(i32 pid) {
  if (pid < 0) {
    return Err(Errno::kEINVAL);
  }
  Process* const process = process_of(pid);
  return process == nullptr ? KResult<Process*>(Err(Errno::kESRCH)) : KResult<Process*>(process);
}

KResult<void> change_limit(Process& process, Resource resource, const Limit& limit) {
  if (limit.soft > limit.hard) {
    return Err(Errno::kEINVAL);
  }
  Limit& now = process.limits[resource];
  if (limit.hard > now.hard && !current_process().identity.privileged()) {
    return Err(Errno::kEPERM);
  }
  if (resource == Resource::kOpenFiles && limit.hard > kMaxDescriptors) {
    return Err(Errno::kEPERM);
  }
  now = limit;
  if (process.space) {
    process.space->limits() = process.memory_limits();
  }
  return {};
}

SyscallResult exchange_limits(Process& process, u32 which, VirtAddr fresh, VirtAddr old) {
  if (which >= kResources) {
    return Err(Errno::kEINVAL);
  }
  const auto resource = static_cast<Resource>(which);
  const Limit before = process.limits[resource];
  if (fresh.value != 0) {
    const Limit limit = TRY(get_user<Limit>(fresh));
    TRY(change_limit(process, resource, limit));
  }
  if (old.value != 0) {
    TRY(put_user(old, before));
  }
  return 0;
}

/// struct sysinfo.
struct SysInfo {
  i64 uptime_seconds;
  u64 loads[3];
  u64 total_ram;
  u64 free_ram;
  u64 shared_ram;
  u64 buffer_ram;
  u64 total_swap;
  u64 free_swap;
  u16 processes;
  u16 pad;
  u64 total_high;
  u64 free_high;
  u32 unit_bytes;
};
static_assert(sizeof(SysInfo) == 112);

enum SchedulingPolicy : i32 {
  kSchedOther = 0,
  kSchedFifo = 1,
  kSchedRoundRobin = 2,
  kSchedBatch = 3,
  kSchedIdle = 5
};

bool is_realtime(i32 policy) { return policy == kSchedFifo || policy == kSchedRoundRobin; }
bool is_policy(i32 policy) {
  return is_realtime(policy) || policy == kSchedOther || policy == kSchedBatch || policy == kSchedIdle;
}

}  // namespace

SyscallResult sys_uname(const SyscallArgs& args) {
  constexpr usize kFieldBytes = 65;
  char fields[6][kFieldBytes] = {};
  const SystemName& name = system_name();
  const StringView values[6] = {name.system,  name.node,    name.release,
                                name.version, name.machine, name.domain};
  for (unsigned i = 0; i < 6; i++) {
    memcpy(fields[i], values[i].data(), std::min(values[i].size(), kFieldBytes - 1));
  }
  TRY(copy_to_user(args.as_address(0), fields, sizeof(fields)));
  return 0;
}

namespace {

SyscallResult set_name(const SyscallArgs& args, KResult<void> (*set)(StringView)) {
  if (!current_process().identity.privileged()) {
    return Err(Errno::kEPERM);
  }
  char name[64];
  if (args.as_int(1) < 0 || args[1] > sizeof(name)) {
    return Err(Errno::kEINVAL);
  }
  TRY(copy_from_user(name, args.as_address(0), args[1]));
  TRY(set(StringView(name, args[1])));
  return 0;
}

}  // namespace

SyscallResult sys_sethostname(const SyscallArgs& args) { return set_name(args, &set_node_name); }
SyscallResult sys_setdomainname(const SyscallArgs& args) { return set_name(args, &set_domain_name); }

SyscallResult sys_sysinfo(const SyscallArgs& args) {
  const MemoryStats& memory = memory_stats();
  SysInfo info{};
  info.uptime_seconds = static_cast<i64>(monotonic_ns() / kNsPerSecond);
  info.total_ram = memory.total * kPageBytes;
  info.free_ram = memory.free() * kPageBytes;
  info.processes = static_cast<u16>(process_table().task_count());
  info.unit_bytes = 1;
  TRY(put_user(args.as_address(0), info));
  return 0;
}

SyscallResult sys_getrandom(const SyscallArgs& args) {
  constexpr u32 kNonBlock = 1;
  constexpr u32 kRandom = 2;
  constexpr u32 kInsecure = 4;
  TRY(check_flags(args.as_uint(2), kNonBlock | kRandom | kInsecure));
  if ((args.as_uint(2) & (kRandom | kInsecure)) == (kRandom | kInsecure)) {
    return Err(Errno::kEINVAL);
  }
  const u64 wanted = std::min<u64>(args[1], kMaxIoBytes);
  u64 done = 0;
  while (done < wanted) {
    u8 chunk[256];
    const usize bytes = std::min<u64>(sizeof(chunk), wanted - done);
    random_bytes(ByteSpan(chunk, bytes));
    const usize copied = copy_to_user_partial(args.as_address(0) + done, chunk, bytes);
    done += copied;
    if (copied < bytes) {
      return done > 0 ? SyscallResult(static_cast<i64>(done)) : SyscallResult(Err(Errno::kEFAULT));
    }
    // A long request gives way to signals, between pieces.
    if (done % kPageBytes == 0 && current_task().interrupt_requested()) {
      break;
    }
  }
  return static_cast<i64>(done);
}

SyscallResult sys_prlimit64(const SyscallArgs& args) {
  Process* const process = TRY(require_process(args.as_int(0)));
  const Process& self = current_process();
  if (process != &self && !self.identity.privileged() &&
      process->identity.user.real != self.identity.user.real) {
    return Err(Errno::kEPERM);
  }
  return exchange_limits(*process, args.as_uint(1), args.as_address(2), args.as_address(3));
}

SyscallResult sys_getrlimit(const SyscallArgs& args) {
  return exchange_limits(current_process(), args.as_uint(0), VirtAddr(0), args.as_address(1));
}

SyscallResult sys_setrlimit(const SyscallArgs& args) {
  if (args[1] == 0) {
    return Err(Errno::kEFAULT);
  }
  return exchange_limits(current_process(), args.as_uint(0), args.as_address(1), VirtAddr(0));
}

SyscallResult sys_personality(const SyscallArgs& args) {
  u32& persona = current_process().personality;
  const u32 before = persona;
  constexpr u32 kQuery = 0xffff'ffff;
  if (args.as_uint(0) != kQuery) {
    persona = args.as_uint(0);
  }
  return i64{before};
}

SyscallResult sys_getcpu(const SyscallArgs& args) {
  if (args[0] != 0) {
    TRY(put_user(args.as_address(0), u32{0}));
  }
  if (args[1] != 0) {
    TRY(put_user(args.as_address(1), u32{0}));
  }
  return 0;
}

SyscallResult sys_prctl(const SyscallArgs& args) {
  enum : i32 {
    kSetDeathSignal = 1,
    kGetDeathSignal = 2,
    kGetDumpable = 3,
    kSetDumpable = 4,
    kGetKeepCaps = 7,
    kSetName = 15,
    kGetName = 16,
    kCapBsetRead = 23,
    kSetTimerSlack = 29,
    kGetTimerSlack = 30,
    kSetChildSubreaper = 36,
    kGetChildSubreaper = 37,
    kSetNoNewPrivileges = 38,
    kGetNoNewPrivileges = 39,
    kGetTidAddress = 40,
    kSetThpDisable = 41,
    kGetThpDisable = 42,
  };
  constexpr u64 kLastCapability = 40;
  constexpr usize kNameBytes = 16;
  Process& process = current_process();
  switch (args.as_int(0)) {
    case kSetDeathSignal:
      if (args[1] > kSignalMax) {
        return Err(Errno::kEINVAL);
      }
      process.parent_death_signal = static_cast<i32>(args[1]);
      return 0;
    case kGetDeathSignal:
      TRY(put_user(args.as_address(1), process.parent_death_signal));
      return 0;
    case kGetDumpable:
      return process.dumpable ? 1 : 0;
    case kSetDumpable:
      TRY(check_flags(args[1], 1));
      process.dumpable = args[1] != 0;
      return 0;
    case kGetKeepCaps:
      return 0;
    case kSetName: {
      char name[kNameBytes];
      const usize length = TRY(strncpy_from_user(name, args.as_address(1), kNameBytes));
      current_task().set_name(StringView(name, std::min(length, kNameBytes - 1)));
      return 0;
    }
    case kGetName: {
      char name[kNameBytes] = {};
      const StringView text = current_task().name();
      memcpy(name, text.data(), std::min(text.size(), kNameBytes - 1));
      TRY(copy_to_user(args.as_address(1), name, kNameBytes));
      return 0;
    }
    case kCapBsetRead:
      return args[1] <= kLastCapability ? SyscallResult(1) : SyscallResult(Err(Errno::kEINVAL));
    case kSetTimerSlack:
      return 0;  // timers here have none
    case kGetTimerSlack:
      return 1;
    case kSetChildSubreaper:
      process.subreaper = args[1] != 0;
      return 0;
    case kGetChildSubreaper:
      TRY(put_user(args.as_address(1), i32{process.subreaper ? 1 : 0}));
      return 0;
    case kSetNoNewPrivileges:
      if (args[1] != 1 || args[2] != 0 || args[3] != 0 || args[4] != 0) {
        return Err(Errno::kEINVAL);
      }
      process.no_new_privileges = true;
      return 0;
    case kGetNoNewPrivileges:
      return process.no_new_privileges ? 1 : 0;
    case kGetTidAddress:
      TRY(put_user(args.as_address(1), current_task().clear_child_tid.value));
      return 0;
    case kSetThpDisable:
      return 0;  // there are no huge pages to switch off
    case kGetThpDisable:
      return 1;
    default:
      return Err(Errno::kEINVAL);
  }
}

// --- capabilities: root has them all, others none ---

SyscallResult sys_capget(const SyscallArgs& args) {
  struct Header {
    u32 version;
    i32 pid;
  };
  constexpr u32 kVersion3 = 0x2008'0522;
  const auto header = TRY(get_user<Header>(args.as_address(0)));
  if (header.version != kVersion3) {
    TRY(put_user(args.as_address(0), kVersion3));
    return args[1] == 0 ? SyscallResult(0) : SyscallResult(Err(Errno::kEINVAL));
  }
  const Process* const process = TRY(require_process(header.pid));
  if (args[1] != 0) {
    const u32 low = process->identity.privileged() ? ~u32{0} : 0;
    const u32 high = process->identity.privileged() ? 0x1ff : 0;  // capabilities 32..40
    const u32 sets[6] = {low, low, 0, high, high, 0};
    TRY(copy_to_user(args.as_address(1), sets, sizeof(sets)));
  }
  return 0;
}

SyscallResult sys_capset(const SyscallArgs& args) {
  u32 header[2];
  TRY(copy_from_user(header, args.as_address(0), sizeof(header)));
  u32 sets[6];
  TRY(copy_from_user(sets, args.as_address(1), sizeof(sets)));
  // Giving capabilities up is accepted and has no effect; taking new ones is not possible.
  const bool asks = (sets[0] | sets[1] | sets[3] | sets[4]) != 0;
  return asks && !current_process().identity.privileged() ? SyscallResult(Err(Errno::kEPERM))
                                                          : SyscallResult(0);
}

// --- scheduling: one hart, one class ---

SyscallResult sys_sched_yield(const SyscallArgs&) {
  yield();
  return 0;
}

SyscallResult sys_sched_getaffinity(const SyscallArgs& args) {
  TRY(require_process(args.as_int(0)));
  if (args[1] < sizeof(u64) || args[1] % sizeof(u64) != 0) {
    return Err(Errno::kEINVAL);
  }
  TRY(put_user(args.as_address(2), u64{1}));
  return sizeof(u64);
}

SyscallResult sys_sched_setaffinity(const SyscallArgs& args) {
  TRY(require_process(args.as_int(0)));
  u64 mask = 0;
  TRY(copy_from_user(&mask, args.as_address(2), std::min<u64>(args[1], sizeof(mask))));
  return (mask & 1) != 0 ? SyscallResult(0) : SyscallResult(Err(Errno::kEINVAL));
}

SyscallResult sys_sched_getscheduler(const SyscallArgs& args) {
  TRY(require_process(args.as_int(0)));
  return i64{kSchedOther};
}

SyscallResult sys_sched_setscheduler(const SyscallArgs& args) {
  TRY(require_process(args.as_int(0)));
  const i32 policy = args.as_int(1);
  const i32 priority = TRY(get_user<i32>(args.as_address(2)));
  if (!is_policy(policy) || (!is_realtime(policy) && priority != 0)) {
    return Err(Errno::kEINVAL);
  }
  return is_realtime(policy) ? SyscallResult(Err(Errno::kEPERM)) : SyscallResult(0);
}

SyscallResult sys_sched_getparam(const SyscallArgs& args) {
  TRY(require_process(args.as_int(0)));
  TRY(put_user(args.as_address(1), i32{0}));
  return 0;
}

SyscallResult sys_sched_setparam(const SyscallArgs& args) {
  TRY(require_process(args.as_int(0)));
  return TRY(get_user<i32>(args.as_address(1))) == 0 ? SyscallResult(0) : SyscallResult(Err(Errno::kEINVAL));
}

SyscallResult sys_sched_get_priority_max(const SyscallArgs& args) {
  if (!is_policy(args.as_int(0))) {
    return Err(Errno::kEINVAL);
  }
  return is_realtime(args.as_int(0)) ? 99 : 0;
}

SyscallResult sys_sched_get_priority_min(const SyscallArgs& args) {
  if (!is_policy(args.as_int(0))) {
    return Err(Errno::kEINVAL);
  }
  return is_realtime(args.as_int(0)) ? 1 : 0;
}

SyscallResult sys_sched_rr_get_interval(const SyscallArgs& args) {
  TRY(require_process(args.as_int(0)));
  TRY(put_user(args.as_address(1), to_timespec(kSliceNs)));
  return 0;
}

namespace {

/// getpriority(2): only processes are told apart.
KResult<Process*> priority_target(i32 which, i32 who) {
  enum : i32 { kProcess = 0, kGroup = 1, kUser = 2 };
  if (which < kProcess || which > kUser) {
    return Err(Errno::kEINVAL);
  }
  if (which == kProcess) {
    Process* const process = process_of(who);
    return process == nullptr ? KResult<Process*>(Err(Errno::kESRCH)) : KResult<Process*>(process);
  }
  return &current_process();
}

}  // namespace

SyscallResult sys_getpriority(const SyscallArgs& args) {
  return i64{20 - TRY(priority_target(args.as_int(0), args.as_int(1)))->nice};
}

SyscallResult sys_setpriority(const SyscallArgs& args) {
  Process* const process = TRY(priority_target(args.as_int(0), args.as_int(1)));
  const i32 nice = std::clamp(args.as_int(2), -20, 19);
  if (nice < process->nice && !current_process().identity.privileged()) {
    return Err(Errno::kEACCES);
  }
  process->nice = nice;
  return 0;
}

}  // namespace kernel
