#include "guest/proc/exec.h"

#include <cstring>

#include "guest/drivers/entropy.h"
#include "guest/drivers/trace.h"
#include "guest/hal/boot_info.h"
#include "guest/proc/exec_stack.h"
#include "guest/proc/process_table.h"
#include "guest/proc/script.h"
#include "guest/proc/vdso_image.h"
#include "quire/arch/linux/auxv.h"

namespace kernel {

namespace {

/// A script's interpreter may be a script, this often (execve(2)).
constexpr unsigned kMaxScripts = 5;
constexpr u64 kMinArgsBytes = 128 * 1024;
constexpr u64 kMaxArgsBytes = u64{6} << 20;
/// Mapped below the strings from the start, as Linux does; the rest grows.
constexpr u64 kInitialStackBytes = 128 * 1024;
constexpr u64 kClockTicksPerSecond = 100;
constexpr usize kMaxNameBytes = 15;  // comm, without its NUL

/// A program found and checked: the file that is mapped, and its interpreter.
struct Program {
  ElfFile elf;
  ElfFile interpreter;
  bool has_interpreter = false;
};

KResult<RefPtr<Executable>> open_program(StringView path) {
  const FsContext& context = current_fs();
  const Path found = TRY(resolve(context, context.cwd, path, kResolveFollow));
  return Executable::open(context, found);
}

/// The executable at the end of the chain of scripts.
KResult<RefPtr<Executable>> follow_scripts(RefPtr<Executable> executable, StringView name, ExecArgs& args) {
  String script = TRY(String::from(name));
  for (unsigned depth = 0;; depth++) {
    u8 head[kExecHeadBytes];
    const usize bytes = std::min<u64>(sizeof(head), executable->inode().size());
    TRY(executable->read(0, ByteSpan(head, bytes)));
    const auto line = parse_script(as_text(ConstByteSpan(head, bytes)));
    if (!line) {
      return executable;
    }
    if (depth == kMaxScripts) {
      return Err(Errno::kELOOP);
    }
    TRY(args.insert_interpreter(line->interpreter, line->option, script));
    script = TRY(String::from(line->interpreter));
    executable = TRY(open_program(line->interpreter));
  }
}

KResult<Program> find_program(const Path& path, StringView name, ExecArgs& args) {
  auto executable = TRY(Executable::open(current_fs(), path));
  executable = TRY(follow_scripts(std::move(executable), name, args));
  Program program{
      .elf = TRY(ElfFile::read(std::move(executable))), .interpreter = {}, .has_interpreter = false};
  const String interpreter = TRY(program.elf.interpreter());
  if (!interpreter.empty()) {
    auto file = TRY(open_program(interpreter));
    auto elf = ElfFile::read(std::move(file));
    if (!elf.ok()) {
      return Err(elf.error() == Errno::kENOEXEC ? Errno::kELIBBAD : elf.error());
    }
    program.interpreter = std::move(elf).value();
    program.has_interpreter = true;
  }
  return program;
}

/// The ids after exec: those of a set-user-id or set-group-id file.
void apply_set_id(const Inode& inode, bool allowed, IdSet& user, IdSet& group) {
  if (allowed && (inode.mode() & kModeSetUid) != 0) {
    user.effective = inode.uid();
  }
  constexpr u32 kSetGidAndGroupExecute = kModeSetGid | 0010;
  if (allowed && (inode.mode() & kSetGidAndGroupExecute) == kSetGidAndGroupExecute) {
    group.effective = inode.gid();
  }
  user.saved = user.fs = user.effective;
  group.saved = group.fs = group.effective;
}

/// All of the new program that can be made while the old one is still there.
struct NewImage {
  RefPtr<AddressSpace> space;
  RefPtr<Executable> executable;
  VirtAddr entry{};
  VirtAddr vdso{};
  StackLayout stack;
  IdSet user;
  IdSet group;
  String name;
};

KResult<void> map_program(NewImage& image, const Program& program, const UserLayout& layout,
                          Vector<AuxEntry>& aux) {
  AddressSpace& space = *image.space;
  const ElfImage& main = program.elf.image;
  // Position-independent: at the layout's base, or without interpreter (ld.so itself) among the mappings.
  u64 bias = 0;
  if (main.type == ElfType::kShared) {
    bias = program.has_interpreter || main.low == 0
               ? align_down(layout.pie_base.value, main.alignment) - main.low
               : TRY(place_elf(space, main));
  }
  TRY(load_elf(space, program.elf, bias));
  space.set_heap_start(VirtAddr(main.high + bias + layout.brk_gap_bytes));
  image.entry = VirtAddr(main.entry + bias);
  u64 base = 0;
  if (program.has_interpreter) {
    base = TRY(place_elf(space, program.interpreter.image));
    TRY(load_elf(space, program.interpreter, base));
    image.entry = VirtAddr(program.interpreter.image.entry + base);
  }
  image.vdso = TRY(map_vdso(space));
  const auto add = [&aux](u64 type, u64 value) { return aux.push({type, value}); };
  TRY(add(kAtSysinfoEhdr, image.vdso.value));
  TRY(add(kAtHwcap, boot_info().isa.hwcap()));
  TRY(add(kAtPageSize, kPageBytes));
  TRY(add(kAtClockTicks, kClockTicksPerSecond));
  TRY(add(kAtPhdr, main.program_headers ? *main.program_headers + bias : 0));
  TRY(add(kAtPhent, sizeof(Elf64ProgramHeader)));
  TRY(add(kAtPhnum, main.program_header_count));
  TRY(add(kAtBase, base));
  TRY(add(kAtFlags, 0));
  TRY(add(kAtEntry, main.entry + bias));
  TRY(add(kAtUid, image.user.real));
  TRY(add(kAtEuid, image.user.effective));
  TRY(add(kAtGid, image.group.real));
  TRY(add(kAtEgid, image.group.effective));
  const bool secure = image.user.real != image.user.effective || image.group.real != image.group.effective;
  TRY(add(kAtSecure, secure ? 1 : 0));
  TRY(add(kAtRseqFeatureSize, kRseqFeatureBytes));
  TRY(add(kAtRseqAlign, kRseqAlignment));
  return add(kAtMinSigStackSize, sizeof(SigFrame));
}

StringView base_name(StringView path) {
  const usize slash = path.rfind('/');
  return slash == StringView::npos ? path : path.substr(slash + 1);
}

KResult<NewImage> build_image(const Path& path, StringView name, ExecArgs& args) {
  Process& process = current_process();
  Program program = TRY(find_program(path, name, args));
  NewImage image;
  image.name = TRY(String::from(base_name(name).substr(0, kMaxNameBytes)));
  image.user = process.identity.user;
  image.group = process.identity.group;
  apply_set_id(program.elf.executable->inode(), !process.no_new_privileges, image.user, image.group);

  MemoryLimits limits = process.memory_limits();
  image.space = TRY(AddressSpace::create(limits));
  u64 random[5];
  random_bytes(ByteSpan(reinterpret_cast<u8*>(random), sizeof(random)));
  const UserLayout layout =
      make_layout(process.randomize_layout() ? Randomize::kYes : Randomize::kNo, limits.stack, random);
  image.space->set_mmap_top(layout.mmap_top);

  // The stack first, so that nothing takes its place; its contents need addresses known only later.
  Vector<AuxEntry> aux;
  constexpr usize kMostAux = 24;
  StackContents sizing{
      .args = args, .execfn = name, .aux = {}, .random_offset_bytes = layout.stack_offset_bytes};
  const u64 needed = stack_bytes_needed(sizing) + kMostAux * sizeof(AuxEntry);
  if (needed > limits.stack) {
    return Err(Errno::kE2BIG);
  }
  // As Linux has it: the strings' pages, and room for the rest and to begin with.
  const u64 strings = align_up(args.total_bytes() + name.size() + 1 + sizeof(u64), kPageBytes);
  const u64 stack_bytes =
      align_up(std::max(needed, std::min(strings + kInitialStackBytes, limits.stack)), kPageBytes);
  TRY(image.space->map_stack(layout.stack_top, stack_bytes, program.elf.image.executable_stack));
  TRY(map_program(image, program, layout, aux));
  image.stack = TRY(build_stack(
      *image.space, layout.stack_top,
      {.args = args, .execfn = name, .aux = aux.span(), .random_offset_bytes = layout.stack_offset_bytes}));
  image.executable = program.elf.executable;
  return image;
}

/// Ends the other tasks; this one becomes the leader. EINTR when the process itself is to end.
KResult<void> become_only_task(Process& process, Task& task) {
  if (process.ending || process.exec_task != nullptr) {
    return Err(Errno::kEINTR);
  }
  process.exec_task = &task;
  for (Task& other : process.tasks()) {
    other.update_interrupt();
  }
  wait_event(process.task_ended, [&process] { return process.task_count() == 1; });
  process.exec_task = nullptr;
  if (process.ending) {
    return Err(Errno::kEINTR);
  }
  if (!task.is_leader()) {
    process_table().take_leader_tid(task);
  }
  return {};
}

/// What the process shared with others becomes its own.
KResult<void> unshare_tables(Process& process, Task& task) {
  auto files = process_table().files_of(task);
  if (files->references() > 2) {  // the task's and this one
    process_table().set_files(task, TRY(files->clone()));
  }
  if (process.actions->references() > 1) {
    process.actions = TRY(process.actions->clone());
  }
  return {};
}

void pack_name(StringView name, u64 (&words)[2]) {
  words[0] = words[1] = 0;
  memcpy(words, name.data(), std::min(name.size(), sizeof(words) - 1));
}

/// Nothing fails from here on.
void commit(Process& process, Task& task, NewImage& image) {
  RefPtr<AddressSpace> old = std::move(process.space);
  if (old) {
    const MemoryCounters& counters = old->counters();
    process.own_minor_faults += counters.minor_faults;
    process.own_major_faults += counters.major_faults;
    process.peak_rss_pages = std::max(process.peak_rss_pages, counters.peak_rss);
  }
  process.space = std::move(image.space);
  process.space->activate();
  if (task.vfork_done) {
    task.vfork_done->complete();
    task.vfork_done.reset();
  }
  task.files().close_on_exec();
  process.actions->reset_handlers();
  process.timers.remove_posix();
  const bool privileged = image.user.effective != process.identity.user.effective;
  process.identity.user = image.user;
  process.identity.group = image.group;
  process.parent_death_signal = privileged ? 0 : process.parent_death_signal;
  process.dumpable = !privileged;
  process.executable = std::move(image.executable);
  process.auxv = std::move(image.stack.aux);
  process.args_start = image.stack.args_start;
  process.args_end = image.stack.args_end;
  process.env_start = image.stack.env_start;
  process.env_end = image.stack.env_end;
  process.vdso_base = image.vdso;
  process.exit_signal = kSIGCHLD;
  process.executed = true;

  task.alternate_stack = {.sp = 0, .flags = kSsDisable, .pad = 0, .size_bytes = 0};
  task.robust_list = task.clear_child_tid = VirtAddr(0);
  task.rseq = {};
  task.set_name(image.name);
  task.fp = {};
  TrapFrame& frame = task.user_frame();
  frame = make_user_frame(image.entry, image.stack.stack_pointer);
  load_user_fp(frame, task.fp);

  u64 comm[2];
  pack_name(image.name, comm);
  trace(TraceEventId::k_exec, process.pid(), process.space->satp(), image.entry.value, comm[0], comm[1]);
  old.reset();  // may take its time, and others have the hart meanwhile
}

}  // namespace

u64 exec_args_limit(const Process& process) {
  const u64 stack = process.limits[Resource::kStack].soft;
  return std::clamp(stack / 4, kMinArgsBytes, kMaxArgsBytes);
}

KResult<void> exec_program(const Path& program, StringView name, ExecArgs& args) {
  Task& task = current_task();
  Process& process = task.process();
  NewImage image = TRY(build_image(program, name, args));
  TRY(unshare_tables(process, task));
  TRY(become_only_task(process, task));
  commit(process, task, image);
  return {};
}

}  // namespace kernel
