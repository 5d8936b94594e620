// /proc/PID/*: formats are those of proc_pid_*(5), to the last blank.
#include "guest/fs/procfs.h"
#include "guest/hal/time.h"
#include "guest/proc/exit.h"
#include "guest/proc/proc_files.h"
#include "guest/proc/process_table.h"

namespace kernel {

namespace {

constexpr u64 kKibPerPage = kPageBytes / 1024;
constexpr u64 kNsPerClockTick = 10'000'000;

u64 clock_ticks(u64 cpu_ticks) { return ticks_to_ns(cpu_ticks) / kNsPerClockTick; }

KResult<Process*> process_of(const ProcContext& context) {
  Process* const process = process_table().find(context.pid);
  return process == nullptr ? KResult<Process*>(Err(Errno::kESRCH)) : KResult<Process*>(process);
}

/// The thread a file is about; null for a zombie.
Task* task_of(const ProcContext& context, Process& process) {
  return context.tid != 0 ? process_table().find_task(context.tid) : process.leader();
}

/// The memory, kept while the text is made; a zombie and the first process have none (an empty text).
RefPtr<AddressSpace> space_of(const ProcContext& context) {
  Process* const process = process_table().find(context.pid);
  return process == nullptr ? RefPtr<AddressSpace>() : process->space;
}

char state_letter(Process& process, const Task* task) {
  if (process.state == ProcessState::kZombie) {
    return 'Z';
  }
  if (process.stopped) {
    return 'T';
  }
  const bool runs =
      task != nullptr && (task->state() == ThreadState::kRunning || task->state() == ThreadState::kRunnable);
  return runs ? 'R' : 'S';
}

StringView state_name(char letter) {
  switch (letter) {
    case 'Z':
      return "Z (zombie)";
    case 'T':
      return "T (stopped)";
    case 'R':
      return "R (running)";
    default:
      return "S (sleeping)";
  }
}

StringView name_of(const Process& process, const Task* task) {
  return task != nullptr ? task->name() : StringView(process.last_name.view());
}

/// Text of user memory in [start, end).
KResult<void> copy_memory_text(const ProcContext& context, VirtAddr start, VirtAddr end, FormatSink& out) {
  const RefPtr<AddressSpace> space = space_of(context);
  while (space && start < end) {
    u8 chunk[256];
    const usize bytes = std::min<u64>(end - start, sizeof(chunk));
    if (!space->read(start, ByteSpan(chunk, bytes)).ok()) {
      return {};
    }
    out.put(as_text(ConstByteSpan(chunk, bytes)));
    start += bytes;
  }
  return {};
}

KResult<void> show_cmdline(const ProcContext& context, FormatSink& out) {
  const Process* const process = TRY(process_of(context));
  return copy_memory_text(context, process->args_start, process->args_end, out);
}

KResult<void> show_environ(const ProcContext& context, FormatSink& out) {
  const Process* const process = TRY(process_of(context));
  return copy_memory_text(context, process->env_start, process->env_end, out);
}

KResult<void> show_auxv(const ProcContext& context, FormatSink& out) {
  const Process* const process = TRY(process_of(context));
  for (const AuxEntry& entry : process->auxv) {
    out.put(as_text(object_bytes(entry)));
  }
  return {};
}

KResult<void> show_comm(const ProcContext& context, FormatSink& out) {
  Process* const process = TRY(process_of(context));
  format(out, "{}\n", name_of(*process, task_of(context, *process)));
  return {};
}

KResult<usize> write_comm(const ProcContext& context, u64, IoBuffer& buffer) {
  Process* const process = TRY(process_of(context));
  Task* const task = task_of(context, *process);
  if (task == nullptr || process != &current_process()) {
    return Err(Errno::kEINVAL);
  }
  char name[16];
  const usize length = buffer.get(name, sizeof(name) - 1);
  StringView text(name, length);
  text = text.substr(0, std::min(text.find('\n'), text.size()));
  task->set_name(text);
  buffer.limit(0);
  return buffer.result();
}

KResult<void> show_maps(const ProcContext& context, FormatSink& out) {
  const RefPtr<AddressSpace> space = space_of(context);
  return space ? space->format_maps(out, current_fs().root) : KResult<void>();
}

KResult<void> show_smaps(const ProcContext& context, FormatSink& out) {
  const RefPtr<AddressSpace> space = space_of(context);
  return space ? space->format_smaps(out, current_fs().root, false) : KResult<void>();
}

KResult<void> show_smaps_rollup(const ProcContext& context, FormatSink& out) {
  const RefPtr<AddressSpace> space = space_of(context);
  return space ? space->format_smaps(out, current_fs().root, true) : KResult<void>();
}

KResult<usize> read_pagemap(const ProcContext& context, u64 position, IoBuffer& buffer) {
  if (position % sizeof(u64) != 0 || buffer.remaining() % sizeof(u64) != 0) {
    return Err(Errno::kEINVAL);
  }
  const RefPtr<AddressSpace> space = space_of(context);
  constexpr u64 kPages = kSv39UserTop / kPageBytes;
  u64 page = position / sizeof(u64);
  while (space && buffer.remaining() > 0 && page < kPages) {
    u64 entries[64];
    const usize count = std::min<u64>({buffer.remaining() / sizeof(u64), 64, kPages - page});
    space->fill_pagemap(page, Span<u64>(entries, count));
    if (buffer.put(entries, count * sizeof(u64)) < count * sizeof(u64)) {
      break;
    }
    page += count;
  }
  return buffer.result();
}

KResult<usize> read_mem(const ProcContext& context, u64 position, IoBuffer& buffer) {
  const RefPtr<AddressSpace> space = space_of(context);
  while (space && buffer.remaining() > 0) {
    u8 chunk[512];
    // To a page's end: a bad page must not spoil the good bytes before it.
    const usize bytes = std::min<u64>(
        {buffer.remaining(), sizeof(chunk), kPageBytes - (position + buffer.done()) % kPageBytes});
    if (!space->read(VirtAddr(position + buffer.done()), ByteSpan(chunk, bytes), AddressSpace::Force::kYes)
             .ok()) {
      return buffer.done() > 0 ? buffer.result() : KResult<usize>(Err(Errno::kEIO));
    }
    if (buffer.put(chunk, bytes) < bytes) {
      break;
    }
  }
  return buffer.result();
}

KResult<usize> write_mem(const ProcContext& context, u64 position, IoBuffer& buffer) {
  const RefPtr<AddressSpace> space = space_of(context);
  const u64 start = position;
  while (space && buffer.remaining() > 0) {
    u8 chunk[512];
    const usize bytes = buffer.get(chunk, std::min<u64>(sizeof(chunk), kPageBytes - position % kPageBytes));
    if (bytes == 0) {
      break;
    }
    if (!space->write(VirtAddr(position), ConstByteSpan(chunk, bytes), AddressSpace::Force::kYes).ok()) {
      return position > start ? KResult<usize>(position - start) : KResult<usize>(Err(Errno::kEIO));
    }
    position += bytes;
  }
  return buffer.result();
}

KResult<void> show_statm(const ProcContext& context, FormatSink& out) {
  TRY(process_of(context));
  const RefPtr<AddressSpace> space = space_of(context);
  const MemoryCounters none;
  const MemoryCounters& counters = space ? space->counters() : none;
  format(out, "{} {} {} {} 0 {} 0\n", counters.total_pages, counters.rss(),
         counters.rss_file + counters.rss_shmem, counters.exec_pages,
         counters.data_pages + counters.stack_pages);
  return {};
}

u64 signals_with(const Process& process, bool ignored) {
  u64 set = 0;
  for (i32 signo = 1; process.actions && signo <= kSignalMax; signo++) {
    const u64 handler = process.actions->of(signo).handler;
    if (ignored ? handler == kSigIgnore : handler > kSigIgnore) {
      set |= sig_bit(signo);
    }
  }
  return set;
}

KResult<void> show_stat(const ProcContext& context, FormatSink& out) {
  Process* const process = TRY(process_of(context));
  Task* const task = task_of(context, *process);
  const Usage usage = usage_of(*process);
  const CpuTimes times = context.tid != 0 && task != nullptr ? task->times() : usage.times;
  const RefPtr<AddressSpace> space = process->space;
  const MemoryCounters none;
  const MemoryCounters& memory = space ? space->counters() : none;
  const u32 id = context.tid != 0 ? context.tid : context.pid;
  format(out, "{} ({}) {:c} {} {} {} {} {} {} ", id, name_of(*process, task), state_letter(*process, task),
         process->parent_pid(), process->group, process->session,
         process->terminal ? process->terminal->device() : 0,
         process->terminal ? i64{process->terminal->foreground()} : i64{-1}, process->executed ? 0 : 64);
  format(out, "{} {} {} {} {} {} {} {} ", usage.minor_faults, process->reaped_minor_faults,
         usage.major_faults, process->reaped_major_faults, clock_ticks(times.user), clock_ticks(times.system),
         clock_ticks(process->reaped.user), clock_ticks(process->reaped.system));
  format(out, "{} {} {} 0 {} {} {} {} ", 20 + process->nice, process->nice, process->task_count(),
         process->start_ns / kNsPerClockTick, memory.total_pages * kPageBytes, memory.rss(),
         process->limits[Resource::kRss].soft);
  // Code addresses are not told apart from data here; registers are those of a sleeping task in the kernel.
  format(out, "0 0 {} 0 0 ", space ? space->stack_start().value : 0);
  format(out, "{} {} {} {} ", task != nullptr ? task->pending.set() & 0x7fff'ffff : 0,
         task != nullptr ? task->blocked() & 0x7fff'ffff : 0, signals_with(*process, true) & 0x7fff'ffff,
         signals_with(*process, false) & 0x7fff'ffff);
  format(out, "0 0 0 {} 0 0 0 0 0 0 0 0 {} {} {} {} {} ", process->exit_signal,
         space ? space->heap_start().value : 0, process->args_start.value, process->args_end.value,
         process->env_start.value, process->env_end.value);
  format(out, "{}\n", process->state == ProcessState::kZombie ? process->end_status : 0);
  return {};
}

void show_ids(FormatSink& out, StringView label, const IdSet& ids) {
  format(out, "{}:\t{}\t{}\t{}\t{}\n", label, ids.real, ids.effective, ids.saved, ids.fs);
}

void show_kib(FormatSink& out, StringView label, u64 pages) {
  format(out, "{}:\t{:8} kB\n", label, pages * kKibPerPage);
}

void show_memory_status(FormatSink& out, const MemoryCounters& memory, u64 table_frames) {
  show_kib(out, "VmPeak", memory.peak_total_pages);
  show_kib(out, "VmSize", memory.total_pages);
  show_kib(out, "VmLck", memory.locked_pages);
  show_kib(out, "VmPin", 0);
  show_kib(out, "VmHWM", memory.peak_rss);
  show_kib(out, "VmRSS", memory.rss());
  show_kib(out, "RssAnon", memory.rss_anon);
  show_kib(out, "RssFile", memory.rss_file);
  show_kib(out, "RssShmem", memory.rss_shmem);
  show_kib(out, "VmData", memory.data_pages);
  show_kib(out, "VmStk", memory.stack_pages);
  show_kib(out, "VmExe", memory.exec_pages);
  show_kib(out, "VmLib", 0);
  show_kib(out, "VmPTE", table_frames);
  show_kib(out, "VmSwap", 0);
}

KResult<void> show_status(const ProcContext& context, FormatSink& out) {
  Process* const process = TRY(process_of(context));
  Task* const task = task_of(context, *process);
  const u32 id = context.tid != 0 ? context.tid : context.pid;
  format(out, "Name:\t{}\nUmask:\t", name_of(*process, task));
  const u32 umask = task != nullptr ? task->fs().umask : 0;
  format(out, "0{}{}{}\n", (umask >> 6) & 7, (umask >> 3) & 7, umask & 7);
  format(out, "State:\t{}\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t0\n",
         state_name(state_letter(*process, task)), context.pid, id, process->parent_pid());
  show_ids(out, "Uid", process->identity.user);
  show_ids(out, "Gid", process->identity.group);
  format(out, "FDSize:\t{}\nGroups:\t", task != nullptr ? task->files().capacity() : 0);
  for (const u32 group : process->identity.groups) {
    format(out, "{} ", group);
  }
  format(out, "\nNStgid:\t{}\nNSpid:\t{}\nNSpgid:\t{}\nNSsid:\t{}\nKthread:\t{}\n", context.pid, id,
         process->group, process->session, process == &process_table().first() ? 1 : 0);
  if (process->space) {
    show_memory_status(out, process->space->counters(), process->space->table_frames());
  }
  format(out, "Threads:\t{}\nSigQ:\t0/{}\n", std::max<usize>(process->task_count(), 1),
         process->limits[Resource::kPendingSignals].soft);
  format(out, "SigPnd:\t{:016x}\nShdPnd:\t{:016x}\nSigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}\n",
         task != nullptr ? task->pending.set() : 0, process->pending.set(),
         task != nullptr ? task->blocked() : 0, signals_with(*process, true), signals_with(*process, false));
  const u64 capabilities = process->identity.privileged() ? 0x1ff'ffff'ffff : 0;
  format(out, "CapInh:\t{:016x}\nCapPrm:\t{:016x}\nCapEff:\t{:016x}\nCapBnd:\t{:016x}\nCapAmb:\t{:016x}\n",
         u64{0}, capabilities, capabilities, u64{0x1ff'ffff'ffff}, u64{0});
  format(out, "NoNewPrivs:\t{}\nSeccomp:\t0\nSeccomp_filters:\t0\n", process->no_new_privileges ? 1 : 0);
  format(out, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
  format(out, "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
  return {};
}

KResult<void> show_limits(const ProcContext& context, FormatSink& out) {
  static constexpr struct {
    StringView name;
    StringView unit;
  } kRows[kResources] = {
      {"Max cpu time", "seconds"},    {"Max file size", "bytes"},      {"Max data size", "bytes"},
      {"Max stack size", "bytes"},    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
      {"Max processes", "processes"}, {"Max open files", "files"},     {"Max locked memory", "bytes"},
      {"Max address space", "bytes"}, {"Max file locks", "locks"},     {"Max pending signals", "signals"},
      {"Max msgqueue size", "bytes"}, {"Max nice priority", ""},       {"Max realtime priority", ""},
      {"Max realtime timeout", "us"},
  };
  const Process* const process = TRY(process_of(context));
  format(out, "{:<26}{:<21}{:<21}{:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
  for (unsigned i = 0; i < kResources; i++) {
    format(out, "{:<26}", kRows[i].name);
    const Limit& limit = process->limits.values[i];
    for (const u64 value : {limit.soft, limit.hard}) {
      if (value == kUnlimited) {
        format(out, "{:<21}", "unlimited");
      } else {
        format(out, "{:<21}", value);
      }
    }
    format(out, "{:<10}\n", kRows[i].unit);
  }
  return {};
}

KResult<void> show_oom_score(const ProcContext& context, FormatSink& out) {
  TRY(process_of(context));
  format(out, "0\n");
  return {};
}

KResult<void> show_oom_score_adj(const ProcContext& context, FormatSink& out) {
  const Process* const process = TRY(process_of(context));
  format(out, "{}\n", process->oom_score_adjustment);
  return {};
}

KResult<usize> write_oom_score_adj(const ProcContext& context, u64, IoBuffer& buffer) {
  Process* const process = TRY(process_of(context));
  char text[16];
  const usize length = buffer.get(text, sizeof(text));
  i32 value = 0;
  usize at = length > 0 && text[0] == '-' ? 1 : 0;
  if (at == length || text[at] == '\n') {
    return Err(Errno::kEINVAL);
  }
  for (; at < length && text[at] != '\n'; at++) {
    if (text[at] < '0' || text[at] > '9' || value > 1000) {
      return Err(Errno::kEINVAL);
    }
    value = value * 10 + (text[at] - '0');
  }
  value = text[0] == '-' ? -value : value;
  if (value < -1000 || value > 1000) {
    return Err(Errno::kEINVAL);
  }
  process->oom_score_adjustment = value;
  return buffer.result();
}

constexpr u32 kReadable = 0444;
constexpr u32 kPrivate = 0400;

const ProcFile kPidFiles[] = {
    {.name = "cmdline", .mode = kReadable, .generate = &show_cmdline},
    {.name = "comm", .mode = 0644, .generate = &show_comm, .write = &write_comm},
    {.name = "stat", .mode = kReadable, .generate = &show_stat},
    {.name = "statm", .mode = kReadable, .generate = &show_statm},
    {.name = "status", .mode = kReadable, .generate = &show_status},
    {.name = "maps", .mode = kReadable, .generate = &show_maps},
    {.name = "smaps", .mode = kReadable, .generate = &show_smaps},
    {.name = "smaps_rollup", .mode = kReadable, .generate = &show_smaps_rollup},
    {.name = "pagemap", .mode = kPrivate, .read = &read_pagemap},
    {.name = "mem", .mode = 0600, .read = &read_mem, .write = &write_mem},
    {.name = "environ", .mode = kPrivate, .generate = &show_environ},
    {.name = "auxv", .mode = kPrivate, .generate = &show_auxv},
    {.name = "limits", .mode = kReadable, .generate = &show_limits},
    {.name = "oom_score", .mode = kReadable, .generate = &show_oom_score},
    {.name = "oom_score_adj", .mode = 0644, .generate = &show_oom_score_adj, .write = &write_oom_score_adj},
};

KResult<Path> link_exe(const ProcContext& context) {
  const Process* const process = TRY(process_of(context));
  if (!process->executable) {
    return Err(Errno::kENOENT);
  }
  return process->executable->path();
}

KResult<Path> link_cwd(const ProcContext& context) {
  Process* const process = TRY(process_of(context));
  Task* const task = task_of(context, *process);
  if (task == nullptr || !task->fs().cwd) {
    return Err(Errno::kENOENT);
  }
  return task->fs().cwd;
}

KResult<Path> link_root(const ProcContext& context) {
  Process* const process = TRY(process_of(context));
  Task* const task = task_of(context, *process);
  if (task == nullptr || !task->fs().root) {
    return Err(Errno::kENOENT);
  }
  return task->fs().root;
}

const ProcLink kPidLinks[] = {
    {.name = "exe", .target = &link_exe},
    {.name = "cwd", .target = &link_cwd},
    {.name = "root", .target = &link_root},
};

ProcProcesses process_queries() {
  ProcProcesses queries;
  queries.self = []() -> u32 {
    const Task* const task = current_task_or_null();
    return task == nullptr ? 0 : task->process().pid();
  };
  queries.self_thread = []() -> u32 {
    const Task* const task = current_task_or_null();
    return task == nullptr ? 0 : task->tid();
  };
  queries.exists = [](u32 pid) { return process_table().find(pid) != nullptr; };
  queries.next = [](u32 after) -> u32 {
    const Process* const process = process_table().next(after);
    return process == nullptr ? 0 : process->pid();
  };
  queries.has_thread = [](u32 pid, u32 tid) {
    const Task* const task = process_table().find_task(tid);
    return task != nullptr && task->process().pid() == pid;
  };
  queries.next_thread = [](u32 pid, u32 after) -> u32 {
    Process* const process = process_table().find(pid);
    u32 best = 0;
    if (process != nullptr) {
      for (const Task& task : process->tasks()) {
        if (task.tid() > after && (best == 0 || task.tid() < best)) {
          best = task.tid();
        }
      }
    }
    return best;
  };
  queries.owner = [](u32 pid, u32& uid, u32& gid) {
    if (const Process* const process = process_table().find(pid)) {
      uid = process->identity.user.effective;
      gid = process->identity.group.effective;
    }
  };
  queries.file = [](u32 pid, i32 fd) -> KResult<RefPtr<File>> {
    Process* const process = process_table().find(pid);
    Task* const task = process == nullptr ? nullptr : process->leader();
    if (task == nullptr) {
      return Err(Errno::kENOENT);
    }
    return task->files().get(fd, FdTable::Want::kAnyFile);
  };
  queries.closes_on_exec = [](u32 pid, i32 fd) {
    Process* const process = process_table().find(pid);
    Task* const task = process == nullptr ? nullptr : process->leader();
    const auto marked = task == nullptr ? KResult<bool>(false) : task->files().is_close_on_exec(fd);
    return marked.ok() && marked.value();
  };
  queries.next_file = [](u32 pid, i32 from) -> i32 {
    Process* const process = process_table().find(pid);
    Task* const task = process == nullptr ? nullptr : process->leader();
    return task == nullptr ? -1 : task->files().next_open(from);
  };
  return queries;
}

}  // namespace

KResult<void> register_pid_files() {
  for (const ProcFile& file : kPidFiles) {
    TRY(register_proc_pid_file(file));
  }
  for (const ProcLink& link : kPidLinks) {
    TRY(register_proc_pid_link(link));
  }
  set_proc_processes(process_queries());
  return {};
}

KResult<void> register_process_files() {
  TRY(register_pid_files());
  return register_system_files();
}

}  // namespace kernel
