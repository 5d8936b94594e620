// /proc/meminfo and its neighbours, and /proc/sys.
#include "guest/drivers/rtc.h"
#include "guest/fs/flusher.h"
#include "guest/fs/page_cache.h"
#include "guest/fs/procfs.h"
#include "guest/fs/reclaim.h"
#include "guest/hal/boot_info.h"
#include "guest/hal/sbi.h"
#include "guest/hal/time.h"
#include "guest/lib/parse.h"
#include "guest/mem/frame.h"
#include "guest/mem/vmalloc.h"
#include "guest/proc/proc_files.h"
#include "guest/proc/process_table.h"
#include "guest/proc/system_info.h"

namespace kernel {

namespace {

constexpr u64 kKibPerPage = kPageBytes / 1024;
constexpr u64 kNsPerSecond = 1'000'000'000;
constexpr u64 kNsPerClockTick = 10'000'000;

void show_kib(FormatSink& out, StringView label, u64 pages) {
  char name[24];
  const StringView with_colon = format_into(name, "{}:", label);
  format(out, "{:<16}{:8} kB\n", with_colon, pages * kKibPerPage);
}

/// Pages of the cache that no store could give again (tmpfs, shared memory).
u64 pages_in_memory_alone() {
  const u64 cached = memory_stats().used_for(FrameUse::kPageCache);
  return cached - std::min(cached, reclaimable_pages());
}

KResult<void> show_meminfo(const ProcContext&, FormatSink& out) {
  const MemoryStats& memory = memory_stats();
  const u64 cached = memory.used_for(FrameUse::kPageCache);
  const u64 anonymous = memory.used_for(FrameUse::kAnon);
  const CommitState& commit = commit_state();
  show_kib(out, "MemTotal", memory.total);
  show_kib(out, "MemFree", memory.free());
  show_kib(out, "MemAvailable", memory.free() + reclaimable_pages());
  show_kib(out, "Buffers", 0);
  show_kib(out, "Cached", cached);
  show_kib(out, "SwapCached", 0);
  show_kib(out, "Active", anonymous + cached);
  show_kib(out, "Inactive", 0);
  show_kib(out, "Unevictable", 0);
  show_kib(out, "Mlocked", 0);
  show_kib(out, "SwapTotal", 0);
  show_kib(out, "SwapFree", 0);
  show_kib(out, "Dirty", page_cache_stats().dirty);
  show_kib(out, "Writeback", page_cache_stats().writing);
  show_kib(out, "AnonPages", anonymous);
  show_kib(out, "Mapped", 0);
  show_kib(out, "Shmem", pages_in_memory_alone());
  show_kib(out, "KReclaimable", 0);
  show_kib(out, "Slab", memory.used_for(FrameUse::kSlab));
  show_kib(out, "SReclaimable", 0);
  show_kib(out, "SUnreclaim", memory.used_for(FrameUse::kSlab));
  show_kib(out, "KernelStack", memory.used_for(FrameUse::kStack));
  show_kib(out, "PageTables", memory.used_for(FrameUse::kPageTable));
  show_kib(out, "VmallocTotal", kAreaBytes / kPageBytes);
  show_kib(out, "VmallocUsed", vmalloc_stats().mapped_pages);
  show_kib(out, "CommitLimit", commit.limit_pages());
  show_kib(out, "Committed_AS", commit.committed_pages);
  format(out, "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n");
  return {};
}

KResult<void> show_vmallocinfo(const ProcContext&, FormatSink& out) {
  format_vmalloc_areas(out);
  return {};
}

KResult<void> show_vmstat(const ProcContext&, FormatSink& out) {
  const MemoryStats& memory = memory_stats();
  format(out,
         "nr_free_pages {}\nnr_anon_pages {}\nnr_file_pages {}\nnr_page_table_pages "
         "{}\nnr_slab_unreclaimable {}\nnr_shmem {}\nnr_dirty {}\nnr_writeback {}\n",
         memory.free(), memory.used_for(FrameUse::kAnon), memory.used_for(FrameUse::kPageCache),
         memory.used_for(FrameUse::kPageTable), memory.used_for(FrameUse::kSlab), pages_in_memory_alone(),
         page_cache_stats().dirty, page_cache_stats().writing);
  u64 minor = 0;
  u64 major = 0;
  process_table().for_each([&](const Process& process) {
    minor += process.own_minor_faults + (process.space ? process.space->counters().minor_faults : 0);
    major += process.own_major_faults + (process.space ? process.space->counters().major_faults : 0);
  });
  format(out, "pgfault {}\npgmajfault {}\n", minor + major, major);
  return {};
}

struct CpuSums {
  u64 user = 0;
  u64 system = 0;
  u64 running = 0;
};

CpuSums cpu_sums() {
  CpuSums sums;
  process_table().for_each([&](Process& process) {
    const CpuTimes times = process.times();
    sums.user += times.user + process.reaped.user;
    sums.system += times.system + process.reaped.system;
    for (const Task& task : process.tasks()) {
      sums.running += task.state() == ThreadState::kRunnable || task.state() == ThreadState::kRunning ? 1 : 0;
    }
  });
  return sums;
}

u64 clock_ticks(u64 cpu_ticks) { return ticks_to_ns(cpu_ticks) / kNsPerClockTick; }

KResult<void> show_stat(const ProcContext&, FormatSink& out) {
  const CpuSums sums = cpu_sums();
  const SchedulerStats& scheduler = scheduler_stats();
  for (const StringView name : {StringView("cpu "), StringView("cpu0")}) {
    format(out, "{} {} 0 {} {} 0 0 0 0 0 0\n", name, clock_ticks(sums.user), clock_ticks(sums.system),
           clock_ticks(scheduler.idle_ticks));
  }
  format(out, "intr 0\nctxt {}\nbtime {}\nprocesses {}\nprocs_running {}\nprocs_blocked 0\n",
         scheduler.switches, realtime_offset_ns() / kNsPerSecond, process_table().forks(), sums.running);
  return {};
}

KResult<void> show_cpuinfo(const ProcContext&, FormatSink& out) {
  format(out, "processor\t: 0\nhart\t\t: {}\nisa\t\t: ", boot_info().hart_id);
  boot_info().isa.show(out);
  format(out, "\nmmu\t\t: sv39\nmvendorid\t: 0x{:x}\nmarchid\t\t: 0x{:x}\nmimpid\t\t: 0x{:x}\nhart isa\t: ",
         sbi::machine_id(sbi::MachineId::kVendor), sbi::machine_id(sbi::MachineId::kArchitecture),
         sbi::machine_id(sbi::MachineId::kImplementation));
  boot_info().isa.show(out);
  out.put("\n\n");
  return {};
}

void show_hundredths(FormatSink& out, u64 ns) {
  format(out, "{}.{:02}", ns / kNsPerSecond, ns % kNsPerSecond / kNsPerClockTick);
}

KResult<void> show_uptime(const ProcContext&, FormatSink& out) {
  show_hundredths(out, monotonic_ns());
  out.put(" ");
  show_hundredths(out, ticks_to_ns(scheduler_stats().idle_ticks));
  out.put("\n");
  return {};
}

KResult<void> show_loadavg(const ProcContext&, FormatSink& out) {
  // No decaying averages are kept: the load is what runs now.
  const u64 running = cpu_sums().running;
  format(out, "{}.00 {}.00 {}.00 {}/{} {}\n", running, running, running, running,
         process_table().task_count(), process_table().last_pid());
  return {};
}

KResult<void> show_version(const ProcContext&, FormatSink& out) {
  const SystemName& name = system_name();
  format(out, "{} version {} (quire) {}\n", name.system, name.release, name.version);
  return {};
}

KResult<void> show_cmdline(const ProcContext&, FormatSink& out) {
  format(out, "{}\n", boot_info().command_line);
  return {};
}

KResult<void> show_swaps(const ProcContext&, FormatSink& out) {
  out.put("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  return {};
}

// --- /proc/sys ---

template <u64 kValue>
KResult<void> show_number(const ProcContext&, FormatSink& out) {
  format(out, "{}\n", kValue);
  return {};
}

template <StringView SystemName::*kField>
KResult<void> show_name(const ProcContext&, FormatSink& out) {
  format(out, "{}\n", system_name().*kField);
  return {};
}

KResult<void> show_overcommit(const ProcContext&, FormatSink& out) {
  format(out, "{}\n", static_cast<u32>(commit_state().mode));
  return {};
}

KResult<void> show_overcommit_ratio(const ProcContext&, FormatSink& out) {
  format(out, "{}\n", commit_state().ratio_percent);
  return {};
}

/// The whole decimal number that is written. EINVAL.
KResult<u64> written_number(IoBuffer& buffer) {
  char text[24];
  const usize length = buffer.get(text, sizeof(text));
  StringView view(text, length);
  view = view.substr(0, std::min(view.find('\n'), view.size()));
  const auto value = parse_number(view);
  return value ? KResult<u64>(*value) : KResult<u64>(Err(Errno::kEINVAL));
}

KResult<usize> write_overcommit(const ProcContext&, u64, IoBuffer& buffer) {
  const u64 value = TRY(written_number(buffer));
  if (value > static_cast<u64>(Overcommit::kNever)) {
    return Err(Errno::kEINVAL);
  }
  commit_state().mode = static_cast<Overcommit>(value);
  return buffer.result();
}

KResult<usize> write_overcommit_ratio(const ProcContext&, u64, IoBuffer& buffer) {
  commit_state().ratio_percent = TRY(written_number(buffer));
  return buffer.result();
}

KResult<void> show_dirty_expire(const ProcContext&, FormatSink& out) {
  format(out, "{}\n", dirty_expire_centisecs());
  return {};
}

KResult<usize> write_dirty_expire(const ProcContext&, u64, IoBuffer& buffer) {
  const u64 value = TRY(written_number(buffer));
  constexpr u64 kMost = 100 * 60 * 60 * 24;
  if (value > kMost) {
    return Err(Errno::kEINVAL);
  }
  set_dirty_expire_centisecs(value);
  return buffer.result();
}

constexpr u32 kReadable = 0444;

const ProcFile kFiles[] = {
    {.name = "vmallocinfo", .mode = 0400, .generate = &show_vmallocinfo},
    {.name = "meminfo", .mode = kReadable, .generate = &show_meminfo},
    {.name = "vmstat", .mode = kReadable, .generate = &show_vmstat},
    {.name = "stat", .mode = kReadable, .generate = &show_stat},
    {.name = "cpuinfo", .mode = kReadable, .generate = &show_cpuinfo},
    {.name = "uptime", .mode = kReadable, .generate = &show_uptime},
    {.name = "loadavg", .mode = kReadable, .generate = &show_loadavg},
    {.name = "version", .mode = kReadable, .generate = &show_version},
    {.name = "cmdline", .mode = kReadable, .generate = &show_cmdline},
    {.name = "swaps", .mode = kReadable, .generate = &show_swaps},
    {.name = "sys/kernel/ostype", .mode = kReadable, .generate = &show_name<&SystemName::system>},
    {.name = "sys/kernel/osrelease", .mode = kReadable, .generate = &show_name<&SystemName::release>},
    {.name = "sys/kernel/version", .mode = kReadable, .generate = &show_name<&SystemName::version>},
    {.name = "sys/kernel/hostname", .mode = kReadable, .generate = &show_name<&SystemName::node>},
    {.name = "sys/kernel/domainname", .mode = kReadable, .generate = &show_name<&SystemName::domain>},
    {.name = "sys/kernel/pid_max", .mode = kReadable, .generate = &show_number<kMaxPid>},
    {.name = "sys/kernel/tainted", .mode = kReadable, .generate = &show_number<0>},
    {.name = "sys/kernel/randomize_va_space", .mode = kReadable, .generate = &show_number<2>},
    {.name = "sys/vm/overcommit_memory",
     .mode = 0644,
     .generate = &show_overcommit,
     .write = &write_overcommit},
    {.name = "sys/vm/overcommit_ratio",
     .mode = 0644,
     .generate = &show_overcommit_ratio,
     .write = &write_overcommit_ratio},
    {.name = "sys/vm/dirty_expire_centisecs",
     .mode = 0644,
     .generate = &show_dirty_expire,
     .write = &write_dirty_expire},
    {.name = "sys/vm/max_map_count", .mode = kReadable, .generate = &show_number<kMaxVmas>},
    {.name = "sys/vm/mmap_min_addr", .mode = kReadable, .generate = &show_number<kUserLowest.value>},
    {.name = "sys/kernel/threads-max", .mode = kReadable, .generate = &show_number<kMaxPid>},
    {.name = "sys/kernel/cap_last_cap", .mode = kReadable, .generate = &show_number<40>},
    {.name = "sys/kernel/ngroups_max", .mode = kReadable, .generate = &show_number<65536>},
    {.name = "sys/net/core/somaxconn", .mode = kReadable, .generate = &show_number<4096>},
    {.name = "sys/vm/swappiness", .mode = kReadable, .generate = &show_number<60>},
    {.name = "sys/fs/file-max", .mode = kReadable, .generate = &show_number<0x7fff'ffff'ffff'ffff>},
    {.name = "sys/fs/nr_open", .mode = kReadable, .generate = &show_number<kMaxDescriptors>},
    {.name = "sys/fs/pipe-max-size", .mode = kReadable, .generate = &show_number<1048576>},
};

}  // namespace

KResult<void> register_system_files() {
  for (const ProcFile& file : kFiles) {
    TRY(register_proc_file(file));
  }
  return {};
}

}  // namespace kernel
