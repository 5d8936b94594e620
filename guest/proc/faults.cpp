#include "guest/proc/faults.h"

#include "guest/lib/log.h"
#include "guest/proc/process.h"
#include "guest/proc/signal.h"
#include "guest/proc/signal_delivery.h"

namespace kernel {

namespace {

bool handle_page_fault(TrapFrame&, VirtAddr address, Access access, FaultOrigin origin) {
  Task* const task = current_task_or_null();
  if (task == nullptr || !task->process().space) {
    return false;
  }
  if (origin == FaultOrigin::kUser) {
    task->enter_kernel();
  }
  // Keeps the memory while the fault sleeps, whatever another task does to the process.
  const RefPtr<AddressSpace> space = task->process().space;
  const FaultAnswer answer = space->handle_fault(address, access, origin);
  if (answer.ok()) {
    return true;
  }
  if (origin == FaultOrigin::kUser) {
    const FaultSignal signal = answer.signal();
    if (signal.number == kSIGKILL) {
      log_error("out of memory: process {} ({}) is killed", task->process().pid(), task->name());
    }
    if (signal.number != 0) {
      force_on_task(*task, fault_signal(signal.number, signal.code, address));
    }
  }
  return false;
}

SigInfo signal_of(const TrapFrame& frame, Exception cause) {
  switch (cause) {
    case Exception::kInsnMisaligned:
    case Exception::kLoadMisaligned:
    case Exception::kStoreMisaligned:
      return fault_signal(kSIGBUS, kBusAdrAln, VirtAddr(frame.stval));
    case Exception::kInsnAccessFault:
    case Exception::kLoadAccessFault:
    case Exception::kStoreAccessFault:
      return fault_signal(kSIGSEGV, kSegvAccErr, VirtAddr(frame.stval));
    case Exception::kBreakpoint:
      return fault_signal(kSIGTRAP, kTrapBrkpt, VirtAddr(frame.sepc));
    default:
      return fault_signal(kSIGILL, kIllIllOpc, VirtAddr(frame.sepc));
  }
}

void handle_user_exception(TrapFrame& frame, Exception cause) {
  Task& task = current_task();
  task.enter_kernel();
  force_on_task(task, signal_of(frame, cause));
}

}  // namespace

void init_process_traps() {
  TrapHandlers handlers;
  handlers.page_fault = &handle_page_fault;
  handlers.user_exception = &handle_user_exception;
  handlers.before_return_to_user = &before_return_to_user;
  set_trap_handlers(handlers);
  set_current_pid([]() -> u32 {
    const Task* const task = current_task_or_null();
    return task == nullptr ? 0 : task->process().pid();
  });
  set_file_size_limit({.bytes =
                           [] {
                             const Task* const task = current_task_or_null();
                             return task == nullptr ? kUnlimited
                                                    : task->process().limits[Resource::kFileSize].soft;
                           },
                       .exceeded = [] { (void)send_to_task(current_task(), signal_from_user(kSIGXFSZ)); }});
}

}  // namespace kernel
