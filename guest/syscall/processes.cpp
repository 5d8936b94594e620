// Processes: making, replacing, ending, waiting; their numbers, groups and sessions.
#include "guest/proc/clone.h"
#include "guest/proc/exec.h"
#include "guest/proc/exit.h"
#include "guest/proc/process_file.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"
#include "guest/syscall/arguments.h"
#include "guest/syscall/usage.h"

namespace kernel {

namespace {

/// struct clone_args of clone3(2), as far as it was known in version 2.
struct CloneArgs {
  u64 flags;
  u64 pidfd;
  u64 child_tid;
  u64 parent_tid;
  u64 exit_signal;
  u64 stack;
  u64 stack_bytes;
  u64 tls;
  u64 set_tid;
  u64 set_tid_count;
  u64 cgroup;
};
constexpr usize kCloneArgsVersion0 = 64;
constexpr u64 kExitSignalMask = 0xff;

SyscallResult exec_path(const Path& path, StringView name, VirtAddr argv, VirtAddr envp) {
  ExecArgs strings(exec_args_limit(current_process()));
  TRY(strings.read_user(argv, envp));
  TRY(exec_program(path, name, strings));
  return 0;
}

Process* process_by_number(i32 pid) {
  return pid == 0 ? &current_process() : process_table().find(static_cast<u32>(pid));
}

/// idtype_t of waitid(2).
enum class IdType : i32 { kAll = 0, kPid = 1, kGroup = 2, kPidFd = 3 };

}  // namespace

SyscallResult sys_clone(const SyscallArgs& args) {
  CloneRequest request{.flags = args[0] & 0xffff'ffff & ~kExitSignalMask,
                       .exit_signal = static_cast<i32>(args[0] & kExitSignalMask),
                       .stack_pointer = args.as_address(1),
                       .tls = args.as_address(3),
                       .parent_tid = args.as_address(2),
                       .child_tid = args.as_address(4),
                       .pidfd = args.as_address(2)};
  constexpr u64 kBoth = kClonePidFd | kCloneParentSetTid;  // they share an argument
  if ((request.flags & kBoth) == kBoth) {
    return Err(Errno::kEINVAL);
  }
  return i64{TRY(clone_task(args.frame, request))};
}

SyscallResult sys_clone3(const SyscallArgs& args) {
  const u64 bytes = args[1];
  if (bytes < kCloneArgsVersion0) {
    return Err(Errno::kEINVAL);
  }
  if (bytes > kPageBytes) {
    return Err(Errno::kE2BIG);
  }
  CloneArgs given{};
  TRY(copy_from_user(&given, args.as_address(0), std::min<u64>(bytes, sizeof(given))));
  // What a newer program knows and this kernel does not must be zero.
  for (u64 at = sizeof(given); at < bytes; at++) {
    if (TRY(get_user<u8>(args.as_address(0) + at)) != 0) {
      return Err(Errno::kE2BIG);
    }
  }
  if ((given.flags & (kExitSignalMask | kCloneDetached)) != 0 || given.exit_signal > kSignalMax ||
      given.set_tid_count != 0 || (given.stack == 0) != (given.stack_bytes == 0)) {
    return Err(Errno::kEINVAL);
  }
  if ((given.flags & (kCloneThread | kCloneParent)) != 0 && given.exit_signal != 0) {
    return Err(Errno::kEINVAL);
  }
  CloneRequest request{.flags = given.flags,
                       .exit_signal = static_cast<i32>(given.exit_signal),
                       .stack_pointer = VirtAddr(given.stack + given.stack_bytes),
                       .tls = VirtAddr(given.tls),
                       .parent_tid = VirtAddr(given.parent_tid),
                       .child_tid = VirtAddr(given.child_tid),
                       .pidfd = VirtAddr(given.pidfd)};
  return i64{TRY(clone_task(args.frame, request))};
}

SyscallResult sys_execve(const SyscallArgs& args) {
  const String name = TRY(user_path(args.as_address(0)));
  const Path path = TRY(resolve_at(kAtFdCwd, name, kResolveFollow));
  return exec_path(path, name, args.as_address(1), args.as_address(2));
}

SyscallResult sys_execveat(const SyscallArgs& args) {
  const u32 flags = args.as_uint(4);
  TRY(check_flags(flags, kAtEmptyPath | kAtSymlinkNoFollow));
  String name = TRY(user_path(args.as_address(1)));
  const Path path = TRY(resolve_user_path(args.as_int(0), args.as_address(1), flags));
  if (path.inode().is_symlink()) {
    return Err(Errno::kELOOP);
  }
  // What a program that was started through a descriptor is told of its name (execveat(2)).
  if (args.as_int(0) != kAtFdCwd && (name.empty() || name[0] != '/')) {
    String shown;
    if (name.empty()) {
      TRY(shown.append_format("/dev/fd/{}", args.as_int(0)));
    } else {
      TRY(shown.append_format("/dev/fd/{}/{}", args.as_int(0), name.view()));
    }
    name = std::move(shown);
  }
  return exec_path(path, name, args.as_address(2), args.as_address(3));
}

SyscallResult sys_exit(const SyscallArgs& args) { exit_task(wait_status_exited(args.as_int(0))); }
SyscallResult sys_exit_group(const SyscallArgs& args) { exit_process(wait_status_exited(args.as_int(0))); }

SyscallResult sys_wait4(const SyscallArgs& args) {
  const u32 options = args.as_uint(2);
  TRY(check_flags(options,
                  kWaitNoHang | kWaitStopped | kWaitContinued | kWaitNoThread | kWaitAll | kWaitClone));
  const i32 pid = args.as_int(0);
  if (pid == INT32_MIN) {
    return Err(Errno::kESRCH);
  }
  WaitRequest request{.who = WaitRequest::Who::kAny, .id = 0, .options = options | kWaitExited};
  if (pid > 0) {
    request.who = WaitRequest::Who::kPid;
    request.id = static_cast<u32>(pid);
  } else if (pid != -1) {
    request.who = WaitRequest::Who::kGroup;
    request.id = pid == 0 ? current_process().group : static_cast<u32>(-pid);
  }
  const WaitResult result = TRY(wait_for_child(request));
  if (result.pid != 0 && args[1] != 0) {
    TRY(put_user(args.as_address(1), result.status));
  }
  if (result.pid != 0 && args[3] != 0) {
    TRY(put_user(args.as_address(3), to_rusage(result.usage)));
  }
  return i64{result.pid};
}

SyscallResult sys_waitid(const SyscallArgs& args) {
  const u32 options = args.as_uint(3);
  constexpr u32 kEvents = kWaitExited | kWaitStopped | kWaitContinued;
  TRY(check_flags(options, kEvents | kWaitNoHang | kWaitNoWait | kWaitNoThread | kWaitAll | kWaitClone));
  if ((options & kEvents) == 0) {
    return Err(Errno::kEINVAL);
  }
  WaitRequest request{.who = WaitRequest::Who::kAny, .id = args.as_uint(1), .options = options};
  Errno busy{};
  switch (static_cast<IdType>(args.as_int(0))) {
    case IdType::kAll:
      break;
    case IdType::kPid:
      request.who = WaitRequest::Who::kPid;
      break;
    case IdType::kGroup:
      request.who = WaitRequest::Who::kGroup;
      request.id = request.id == 0 ? current_process().group : request.id;
      break;
    case IdType::kPidFd: {
      const auto file = TRY(file_of(args.as_int(1)));
      const auto process = process_of_file(*file);
      if (!process.ok()) {
        return Err(process.error() == Errno::kESRCH ? Errno::kECHILD : process.error());
      }
      request.who = WaitRequest::Who::kPid;
      request.id = process.value()->pid();
      // A descriptor that does not block makes the wait not block either; it says so in another way.
      if (file->nonblocking() && (options & kWaitNoHang) == 0) {
        request.options |= kWaitNoHang;
        busy = Errno::kEAGAIN;
      }
      break;
    }
    default:
      return Err(Errno::kEINVAL);
  }
  if (static_cast<IdType>(args.as_int(0)) == IdType::kPid && args.as_int(1) <= 0) {
    return Err(Errno::kEINVAL);
  }
  const WaitResult result = TRY(wait_for_child(request));
  if (result.pid == 0 && busy != Errno{}) {
    return Err(busy);
  }
  if (args[2] != 0) {
    SigInfo info{};
    if (result.pid != 0) {
      const i32 status = result.code == kCldExited      ? (result.status >> 8) & 0xff
                         : result.code == kCldStopped   ? (result.status >> 8) & 0xff
                         : result.code == kCldContinued ? i32{kSIGCONT}
                                                        : result.status & 0x7f;
      info.signo = kSIGCHLD;
      info.code = result.code;
      info.child = {.pid = static_cast<i32>(result.pid),
                    .uid = result.uid,
                    .status = status,
                    .pad = 0,
                    .user_ticks = 0,
                    .system_ticks = 0};
    }
    TRY(put_user(args.as_address(2), info));
  }
  if (args[4] != 0 && result.pid != 0) {
    TRY(put_user(args.as_address(4), to_rusage(result.usage)));
  }
  return 0;
}

SyscallResult sys_unshare(const SyscallArgs& args) {
  constexpr u64 kOwn = kCloneFs | kCloneFiles | kCloneSysVSem;
  constexpr u64 kNameSpaces = kCloneNewNs | kCloneNewCgroup | kCloneNewUts | kCloneNewIpc | kCloneNewUser |
                              kCloneNewPid | kCloneNewNet;
  if ((args[0] & kNameSpaces) != 0) {
    return Err(Errno::kEPERM);  // there is one of each
  }
  TRY(check_flags(args[0], kOwn));
  Task& task = current_task();
  if ((args[0] & kCloneFiles) != 0) {
    auto own = TRY(task.files().clone());
    process_table().set_files(task, std::move(own));
  }
  if ((args[0] & kCloneFs) != 0) {
    auto own = TRY(try_make_ref<SharedFsContext>());
    own->context = task.fs();
    process_table().set_fs(task, std::move(own));
  }
  return 0;
}

SyscallResult sys_getpid(const SyscallArgs&) { return i64{current_process().pid()}; }
SyscallResult sys_getppid(const SyscallArgs&) { return i64{current_process().parent_pid()}; }
SyscallResult sys_gettid(const SyscallArgs&) { return i64{current_task().tid()}; }

SyscallResult sys_set_tid_address(const SyscallArgs& args) {
  current_task().clear_child_tid = args.as_address(0);
  return i64{current_task().tid()};
}

SyscallResult sys_setpgid(const SyscallArgs& args) {
  if (args.as_int(1) < 0) {
    return Err(Errno::kEINVAL);
  }
  Process& self = current_process();
  Process* const process = process_by_number(args.as_int(0));
  if (process == nullptr || (process != &self && process->parent() != &self)) {
    return Err(Errno::kESRCH);
  }
  if (process != &self && process->executed) {
    return Err(Errno::kEACCES);
  }
  const u32 group = args.as_int(1) == 0 ? process->pid() : args.as_uint(1);
  // Session leaders stay in their group; a group lives in one session.
  if (process->session == process->pid() || process->session != self.session ||
      (group != process->pid() && !process_table().group_in_session(group, self.session))) {
    return Err(Errno::kEPERM);
  }
  process->group = group;
  return 0;
}

SyscallResult sys_getpgid(const SyscallArgs& args) {
  const Process* const process = process_by_number(args.as_int(0));
  return process == nullptr ? SyscallResult(Err(Errno::kESRCH)) : SyscallResult(i64{process->group});
}

SyscallResult sys_getsid(const SyscallArgs& args) {
  const Process* const process = process_by_number(args.as_int(0));
  return process == nullptr ? SyscallResult(Err(Errno::kESRCH)) : SyscallResult(i64{process->session});
}

SyscallResult sys_setsid(const SyscallArgs&) {
  Process& self = current_process();
  bool leads_group = false;
  process_table().for_each([&](const Process& other) { leads_group |= other.group == self.pid(); });
  if (leads_group) {
    return Err(Errno::kEPERM);
  }
  self.group = self.session = self.pid();
  self.terminal.reset();
  return i64{self.pid()};
}

}  // namespace kernel
