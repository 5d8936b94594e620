#include "guest/hal/trap.h"

#include "guest/hal/hart.h"
#include "guest/lib/panic.h"
#include "quire/arch/names.h"
#include "quire/arch/sv39.h"

namespace kernel {

namespace {

TrapHandlers g_handlers;

/// A range of kernel code that touches user memory, and where to go on when that fails (user_copy.S).
struct UserAccessRange {
  u64 begin;
  u64 end;
  u64 fixup;
};
extern "C" const UserAccessRange user_access_table_start[];
extern "C" const UserAccessRange user_access_table_end[];

const UserAccessRange* find_user_access(u64 pc) {
  for (const UserAccessRange* range = user_access_table_start; range != user_access_table_end; range++) {
    if (pc >= range->begin && pc < range->end) {
      return range;
    }
  }
  return nullptr;
}

bool is_page_fault(Exception cause) {
  return cause == Exception::kInsnPageFault || cause == Exception::kLoadPageFault ||
         cause == Exception::kStorePageFault;
}

Access access_of(Exception cause) {
  switch (cause) {
    case Exception::kInsnPageFault:
      return Access::kExecute;
    case Exception::kStorePageFault:
      return Access::kWrite;
    default:
      return Access::kRead;
  }
}

[[noreturn]] void die(const TrapFrame& frame) {
  const char* const name = (frame.scause & kInterruptFlag) != 0 ? "interrupt" : exception_name(frame.scause);
  panic("{} in the kernel at {:x}: stval {:x} ra {:x} sp {:x} a0 {:x}",
        StringView(name != nullptr ? name : "unknown exception"), frame.sepc, frame.stval, frame.x[kRa],
        frame.x[kSp], frame.x[kA0]);
}

/// Returns false for an interrupt nobody handles.
bool dispatch_interrupt(u64 scause) {
  void (*handler)() = nullptr;
  switch (static_cast<Interrupt>(scause & ~kInterruptFlag)) {
    case Interrupt::kSupervisorTimer:
      handler = g_handlers.timer;
      break;
    case Interrupt::kSupervisorExternal:
      handler = g_handlers.external;
      break;
    default:
      break;
  }
  if (handler == nullptr) {
    return false;
  }
  this_hart().in_interrupt = true;
  handler();
  this_hart().in_interrupt = false;
  return true;
}

void run_return_hooks(TrapFrame& frame) {
  if (this_hart().need_resched && g_handlers.preempt != nullptr) {
    g_handlers.preempt();
  }
  if (g_handlers.before_return_to_user != nullptr) {
    g_handlers.before_return_to_user(frame);
  }
}

}  // namespace

extern "C" {
void trap_entry();
[[noreturn]] void enter_user_frame(TrapFrame* frame);

void trap_from_user(TrapFrame* frame) {
  const u64 scause = frame->scause;
  const auto cause = static_cast<Exception>(scause);
  if ((scause & kInterruptFlag) != 0) {
    if (!dispatch_interrupt(scause)) {
      die(*frame);
    }
  } else if (cause == Exception::kEcallUser && g_handlers.syscall != nullptr) {
    frame->sepc += 4;
    g_handlers.syscall(*frame);
  } else if (is_page_fault(cause) && g_handlers.page_fault != nullptr) {
    g_handlers.page_fault(*frame, VirtAddr(frame->stval), access_of(cause), FaultOrigin::kUser);
  } else if (g_handlers.user_exception != nullptr) {
    g_handlers.user_exception(*frame, cause);
  } else {
    die(*frame);
  }
  run_return_hooks(*frame);
}

void trap_from_kernel(TrapFrame* frame) {
  if ((frame->scause & kInterruptFlag) != 0) {
    if (!dispatch_interrupt(frame->scause)) {
      die(*frame);
    }
    return;
  }
  const auto cause = static_cast<Exception>(frame->scause);
  // A user copy too may meet an address of the kernel: on its other side.
  if (frame->stval >= kSv39UserTop && is_page_fault(cause) && g_handlers.kernel_page_fault != nullptr &&
      g_handlers.kernel_page_fault(VirtAddr(frame->stval))) {
    return;
  }
  const UserAccessRange* const range = find_user_access(frame->sepc);
  if (range == nullptr || frame->stval >= kSv39UserTop) {
    die(*frame);
  }
  const bool repaired =
      is_page_fault(cause) && g_handlers.page_fault != nullptr &&
      g_handlers.page_fault(*frame, VirtAddr(frame->stval), access_of(cause), FaultOrigin::kUserCopy);
  if (!repaired) {
    frame->sepc = range->fixup;
  }
}

[[noreturn]] void kernel_stack_overflow(u64 pc, u64 sp) {
  panic("kernel stack overflow at {:x}: sp {:x}", pc, sp);
}

void return_to_user(TrapFrame* frame) {
  ASSERT(reinterpret_cast<u64>(frame) == this_hart().user_frame);
  run_return_hooks(*frame);
  enter_user_frame(frame);
}
}

void set_trap_handlers(const TrapHandlers& handlers) {
  const auto take = [](auto& slot, auto handler) {
    if (handler != nullptr) {
      slot = handler;
    }
  };
  take(g_handlers.page_fault, handlers.page_fault);
  take(g_handlers.kernel_page_fault, handlers.kernel_page_fault);
  take(g_handlers.syscall, handlers.syscall);
  take(g_handlers.user_exception, handlers.user_exception);
  take(g_handlers.timer, handlers.timer);
  take(g_handlers.external, handlers.external);
  take(g_handlers.preempt, handlers.preempt);
  take(g_handlers.before_return_to_user, handlers.before_return_to_user);
}

void init_traps() {
  write_csr<Csr::kStvec>(reinterpret_cast<u64>(&trap_entry));
  write_csr<Csr::kSscratch>(0);
  write_csr<Csr::kSie>((u64{1} << static_cast<u8>(Interrupt::kSupervisorTimer)) |
                       (u64{1} << static_cast<u8>(Interrupt::kSupervisorExternal)));
  write_csr<Csr::kScounteren>(7);  // cycle, time and instret for user programs
}

TrapFrame make_user_frame(VirtAddr entry, VirtAddr stack_pointer) {
  TrapFrame frame = {};
  frame.sepc = entry.value;
  frame.x[kSp] = stack_pointer.value;
  frame.sstatus = with_fs_state((read_csr<Csr::kSstatus>() & kSstatusUxl) | kSstatusSpie, FsState::kInitial);
  return frame;
}

}  // namespace kernel
