#include "guest/syscall/dispatch.h"

#include "guest/drivers/trace.h"
#include "guest/proc/process.h"
#include "guest/syscall/handlers.h"
#include "guest/syscall/messages.h"

namespace kernel {

namespace {

using Handler = SyscallResult (*)(const SyscallArgs& args);

struct HandlerTable {
  Handler handlers[kSyscallEnd] = {};
};

constexpr HandlerTable make_table() {
  HandlerTable table;
#define QUIRE_SYSCALL(number, name, ...) table.handlers[number] = &sys_##name;
#define QUIRE_SYSCALL_KNOWN(number, name, ...)
#include "quire/arch/linux/syscalls.inc"
#undef QUIRE_SYSCALL
#undef QUIRE_SYSCALL_KNOWN
  return table;
}

constexpr HandlerTable kTable = make_table();

SyscallResult call(u64 number, const SyscallArgs& args) {
  const Handler handler = number < kSyscallEnd ? kTable.handlers[number] : nullptr;
  if (handler == nullptr) {
    return Err(Errno::kENOSYS);
  }
  return handler(args);
}

void handle_syscall(TrapFrame& frame) {
  Task& task = current_task();
  task.enter_kernel();
  const SyscallArgs args{
      frame,
      {frame.reg(kA0), frame.reg(kA1), frame.reg(kA2), frame.reg(kA3), frame.reg(kA4), frame.reg(kA5)}};
  const u64 number = frame.reg(kA7);
  if (!task.repeating) {
    task.resume_deadline_ns = 0;
  }
  task.repeating = false;
  task.restart = Restart::kAlways;
  trace(TraceEventId::k_syscall_enter, task.tid(), number, args[0], args[1], args[2], args[3], args[4],
        args[5]);
  const SyscallResult result = call(number, args);
  // The one place where an errno becomes a negative number.
  const i64 value = result.ok() ? result.value() : -static_cast<i64>(result.error());
  task.in_syscall_restart = !result.ok() && result.error() == Errno::kEINTR;
  frame.reg(kA0) = static_cast<u64>(value);
  trace(TraceEventId::k_syscall_exit, task.tid(), number, value);
}

}  // namespace

void init_syscalls() {
  TrapHandlers handlers;
  handlers.syscall = &handle_syscall;
  set_trap_handlers(handlers);
  set_socket_caller(&socket_caller);
}

}  // namespace kernel
