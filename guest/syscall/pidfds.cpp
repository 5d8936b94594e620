// Calls on descriptors of processes: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).
#include "guest/proc/process_file.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"
#include "guest/syscall/arguments.h"

namespace kernel {

SyscallResult sys_pidfd_open(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(1), kOpenNonBlock));
  if (args.as_int(0) <= 0) {
    return Err(Errno::kEINVAL);
  }
  Process* const process = process_table().find(args.as_uint(0));
  if (process == nullptr) {
    // A thread has a number too, but no descriptor.
    return Err(process_table().find_task(args.as_uint(0)) != nullptr ? Errno::kEINVAL : Errno::kESRCH);
  }
  return install_file(TRY(make_process_file(*process, args.as_uint(1))), kOpenCloseOnExec);
}

SyscallResult sys_pidfd_send_signal(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(3), 0));
  const i32 signo = args.as_int(1);
  auto file = TRY(file_of(args.as_int(0)));
  Process* const process = TRY(process_of_file(*file));
  if (signo < 0 || signo > kSignalMax) {
    return Err(Errno::kEINVAL);
  }
  SigInfo info = signal_from_user(signo);
  if (args[2] != 0) {
    info = TRY(get_user<SigInfo>(args.as_address(2)));
    if (info.signo != signo) {
      return Err(Errno::kEINVAL);
    }
    // Nobody may pose as the kernel, or as kill(2), towards others.
    if (process != &current_process() && (info.code >= 0 || info.code == kSiTkill)) {
      return Err(Errno::kEPERM);
    }
  }
  TRY(check_may_signal(*process, signo));
  TRY(send_to_process(*process, info));
  return 0;
}

SyscallResult sys_pidfd_getfd(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(2), 0));
  auto file = TRY(file_of(args.as_int(0)));
  Process* const process = TRY(process_of_file(*file));
  const Identity& self = current_process().identity;
  if (process != &current_process() && !self.privileged() &&
      (!process->dumpable || process->identity.user.real != self.user.real)) {
    return Err(Errno::kEPERM);
  }
  Task* const task = process->leader();
  if (task == nullptr) {
    return Err(Errno::kESRCH);
  }
  auto wanted = TRY(task->files().get(args.as_int(1), FdTable::Want::kAnyFile));
  return install_file(std::move(wanted), kOpenCloseOnExec);
}

}  // namespace kernel
