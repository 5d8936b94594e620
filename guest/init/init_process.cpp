#include "guest/init/init_process.h"

#include "guest/drivers/entropy.h"
#include "guest/drivers/power.h"
#include "guest/drivers/rtc.h"
#include "guest/drivers/trace.h"
#include "guest/fs/devfs.h"
#include "guest/fs/flusher.h"
#include "guest/fs/initramfs.h"
#include "guest/fs/procfs.h"
#include "guest/fs/sysfs.h"
#include "guest/fs/tmpfs.h"
#include "guest/fs/vfs.h"
#include "guest/init/control_server.h"
#include "guest/init/description.h"
#include "guest/init/end_check.h"
#include "guest/init/program.h"
#include "guest/init/shares.h"
#include "guest/lib/log.h"
#include "guest/mem/injection.h"
#include "guest/proc/exit.h"
#include "guest/proc/faults.h"
#include "guest/proc/proc_files.h"
#include "guest/proc/process_table.h"
#include "guest/proc/pty.h"
#include "guest/proc/terminal.h"
#include "guest/proc/vdso_image.h"
#include "guest/syscall/dispatch.h"
#include "quire/arch/bootinfo.h"

namespace kernel {

namespace {

/// What the end of the program, or a refusal to start it, gives the host (sh's conventions).
constexpr u8 kStatusNotFound = 127;
constexpr u8 kStatusNotExecutable = 126;
constexpr u8 kStatusSignalBase = 128;

FsContext boot_context() {
  FsContext context;
  context.root = root_path();
  context.cwd = root_path();
  return context;
}

[[noreturn]] void finish(u8 status) {
  (void)vfs::sync_all();
  power_off(status);
}

/// Makes the directory if it is not there, and mounts on it.
KResult<void> mount_on_directory(StringView path, RefPtr<FileSystem> fs, StringView source, u32 mode) {
  const FsContext context = boot_context();
  const auto made = vfs::mkdir(context, context.root, path, mode);
  if (!made.ok() && made.error() != Errno::kEEXIST) {
    return Err(made.error());
  }
  const Path where = TRY(resolve(context, context.root, path, kResolveFollow));
  TRY(mount_at(where, std::move(fs), source));
  return {};
}

KResult<Vector<u8>> read_whole(StringView path) {
  const FsContext context = boot_context();
  auto file = TRY(vfs::open(context, context.root, path, kOpenReadOnly, 0));
  Vector<u8> bytes;
  TRY(bytes.resize(file->inode().size()));
  auto buffer = IoBuffer::kernel(bytes.span());
  TRY(file->read(buffer));
  return bytes;
}

/// What the initramfs asks for; read before a share may take its place.
struct BootFiles {
  Vector<u8> run;     ///< empty: there is none
  Vector<u8> mounts;  ///< likewise
};

KResult<Vector<ShareMount>> read_boot_files(BootFiles& files) {
  if (auto run = read_whole(kRunFilePath); run.ok()) {
    files.run = std::move(run).value();
  }
  auto mounts = read_whole(kMountFilePath);
  if (!mounts.ok()) {
    return Vector<ShareMount>();
  }
  files.mounts = std::move(mounts).value();
  return parse_mount_file(files.mounts.span());
}

KResult<void> mount_all(BootFiles& files) {
  const PhysRange initrd = boot_info().initrd;
  // As Linux has it by default, also for the root: what runs needs the other half. The archive's frames
  // count, as they are free once it is unpacked.
  const u64 half_of_memory = (memory_stats().total + initrd.size_bytes / kPageBytes) / 2;
  auto root = TRY(make_tmpfs({.type = "tmpfs", .root_mode = 0755, .max_pages = half_of_memory}));
  TRY(mount_root(std::move(root), "rootfs"));
  TRY(init_memory_files());
  // Before the archive is unpacked: its files under /tmp (a program built there, say) belong into this one.
  auto temporary = TRY(make_tmpfs({.max_pages = half_of_memory}));
  TRY(mount_on_directory("/tmp", std::move(temporary), "tmpfs", 01777));
  if (initrd.size_bytes != 0) {
    const ConstByteSpan image(phys_to_virt<u8>(PhysAddr(initrd.start)), initrd.size_bytes);
    if (!unpack_initramfs(boot_context(), image).ok()) {
      finish(kStatusNotExecutable);  // its line in the log is the last one, and says why
    }
    release_reserved(initrd);
  }
  const Vector<ShareMount> shares = TRY(read_boot_files(files));
  TRY(mount_share_root(shares));
  TRY(register_terminals());
  auto devices = TRY(make_devfs());
  TRY(mount_on_directory("/dev", std::move(devices), "devtmpfs", 0755));
  auto terminals = TRY(make_devpts());
  TRY(mount_on_directory("/dev/pts", std::move(terminals), "devpts", 0755));
  auto shared = TRY(make_tmpfs({}));
  TRY(mount_on_directory("/dev/shm", std::move(shared), "tmpfs", 01777));
  auto system = TRY(make_sysfs());
  TRY(mount_on_directory("/sys", std::move(system), "sysfs", 0555));
  TRY(register_process_files());
  auto processes = TRY(make_procfs());
  TRY(mount_on_directory("/proc", std::move(processes), "proc", 0555));
  return mount_shares(shares);
}

u8 exit_status_of(i32 wait_status) {
  const i32 signo = wait_status & 0x7f;
  return static_cast<u8>(signo == 0 ? wait_status >> 8 : kStatusSignalBase + signo);
}

/// Reaps until the child `pid` has ended; returns its wait status.
i32 wait_for_program(u32 pid) {
  Process& self = process_table().first();
  for (;;) {
    i32 status = -1;
    wait_event(self.child_events, [&] {
      for (Process& child : self.children()) {
        if (child.state == ProcessState::kZombie) {
          return true;
        }
      }
      return false;
    });
    if (const Process* program = process_table().find(pid);
        program != nullptr && program->state == ProcessState::kZombie) {
      status = program->end_status;
    }
    reap_orphans(self);
    if (status != -1) {
      return status;
    }
  }
}

void reap_for_ever(void*) {
  Process& self = process_table().first();
  for (;;) {
    wait_event(self.child_events, [&self] {
      for (Process& child : self.children()) {
        if (child.state == ProcessState::kZombie) {
          return true;
        }
      }
      return false;
    });
    reap_orphans(self);
  }
}

/// One line that is all the user may get to see.
void log_refusal(const RunRequest& request, StartStep failed, Errno error) {
  const StringView name = errno_name(error);
  const bool relative = request.executable.substr(0, 1) != StringView("/");
  switch (failed) {
    case StartStep::kMemory:
      log_error("cannot run {}: {}", request.executable, name);
      break;
    case StartStep::kDirectory:
      log_error("cannot run {} in {}: {} for that directory of the guest", request.executable, request.cwd,
                name);
      break;
    case StartStep::kProgram:
      log_error("cannot run {}: {}, looking for {}{}{}", request.executable, name,
                relative ? request.cwd : "", relative && request.cwd.back() != '/' ? "/" : "",
                request.executable);
      break;
    case StartStep::kExecute:
      log_error(
          "cannot run {}: {}{}", request.executable, name,
          error == Errno::kENOENT ? ", it is there, but not the interpreter or loader that it names" : "");
      break;
  }
}

void tell_of_injection() {
  if (boot_option("quire.fail-alloc")) {
    const InjectionOutcome outcome = injection_outcome();
    trace(TraceEventId::k_injection, outcome.refused, outcome.missing);
  }
}

[[noreturn]] void run_program(ConstByteSpan run_file) {
  auto request = RunRequest::parse(run_file);
  if (!request.ok()) {
    log_error("{} is malformed", kRunFilePath);
    finish(kStatusNotExecutable);
  }
  if (const auto option = boot_option("quire.fail-alloc")) {
    if (const auto injection = Injection::parse(*option)) {
      inject(*injection);
    } else {
      log_error("quire.fail-alloc={} is not understood", *option);
    }
  }
  StartStep failed = StartStep::kMemory;
  const auto pid = start_program(request.value(), 0, &failed);
  if (!pid.ok()) {
    log_refusal(request.value(), failed, pid.error());
    tell_of_injection();
    finish(pid.error() == Errno::kENOENT ? kStatusNotFound : kStatusNotExecutable);
  }
  const i32 status = wait_for_program(pid.value());
  tell_of_injection();
  if (boot_option("quire.check")) {
    check_at_end();
  }
  finish(exit_status_of(status));
}

void init_main(void*) {
  BootFiles files;
  if (const auto mounted = mount_all(files); !mounted.ok()) {
    log_error("cannot set the name tree up: {}", errno_name(mounted.error()));
    finish(kStatusNotExecutable);
  }
  if (!start_flusher().ok()) {
    panic("no memory for the flusher");
  }
  const MemoryStats& memory = memory_stats();
  trace(TraceEventId::k_boot, memory.free(), memory.total);
  if (!files.run.empty()) {
    run_program(files.run.span());
  }
  auto reaper = Thread::spawn("reaper", &reap_for_ever, nullptr);
  if (!reaper.ok()) {
    panic("no memory for the reaper");
  }
  finish(serve_control_port());
}

KResult<RefPtr<Task>> make_init() {
  auto process = TRY(process_table().make_first());
  process->actions = TRY(try_make_ref<SignalActions>());
  auto files = TRY(try_make_ref<FdTable>());
  auto fs = TRY(try_make_ref<SharedFsContext>());
  auto task = TRY(process_table().make_task(process, std::move(files), std::move(fs)));
  TRY(task->init("init", &init_main, nullptr));
  return task;
}

}  // namespace

void run_init() {
  set_wall_clock(&realtime_ns);
  init_process_traps();
  init_syscalls();
  if (const auto vdso = init_vdso(); !vdso.ok()) {
    panic("no memory for the vDSO");
  }
  auto task = make_init();
  if (!task.ok()) {
    panic("no memory for the first process");
  }
  publish_description();
  task.value()->start();
  exit_thread();
}

}  // namespace kernel
