// Traps: the saved registers, and the hooks through which higher layers answer them.
//
// A trap from user mode saves its frame at the top of the thread's kernel stack; a trap from the
// kernel (faults of user copies and of vmalloc areas, and interrupts while idle) pushes one. Traps run with
// interrupts off.
#pragma once

#include "guest/hal/csr.h"
#include "guest/lib/span.h"
#include "quire/arch/cause.h"

namespace kernel {

/// Indices into TrapFrame::x by the psABI's names.
enum Reg : u8 {
  kRa = 1,
  kSp = 2,
  kGp = 3,
  kTp = 4,
  kT0 = 5,
  kS0 = 8,
  kA0 = 10,
  kA1,
  kA2,
  kA3,
  kA4,
  kA5,
  kA6,
  kA7
};

struct TrapFrame {
  u64 x[32];  ///< x[0] is not a register: it keeps a0 as the trap found it, for restarting a system call
  u64 sepc;   ///< after an ecall: already past the instruction when the syscall hook runs
  u64 sstatus;
  u64 scause;
  u64 stval;

  u64& reg(Reg r) { return x[r]; }
  bool from_user() const { return (sstatus & kSstatusSpp) == 0; }
};
static_assert(sizeof(TrapFrame) == 36 * 8 && sizeof(TrapFrame) % 16 == 0);

enum class FaultOrigin : u8 { kUser, kUserCopy };

/// Any hook may be null: then the trap is a panic, or nothing where the comment says so.
struct TrapHandlers {
  /// A page fault on a user address. From user mode the handler has dealt with it (signals included) and
  /// the result is ignored; from a user copy of the kernel, true retries the access and false makes it
  /// EFAULT.
  bool (*page_fault)(TrapFrame& frame, VirtAddr address, Access access, FaultOrigin origin) = nullptr;
  /// A page fault of the kernel on one of its own addresses; true retries the access.
  bool (*kernel_page_fault)(VirtAddr address) = nullptr;
  void (*syscall)(TrapFrame& frame) = nullptr;
  /// Any other exception of user mode: illegal instruction, breakpoint, misaligned or refused access.
  void (*user_exception)(TrapFrame& frame, Exception cause) = nullptr;
  void (*timer)() = nullptr;     ///< supervisor timer interrupt (sched)
  void (*external)() = nullptr;  ///< supervisor external interrupt (drivers)
  void (*preempt)() = nullptr;   ///< before each return to user mode: give way if due (sched); may be null
  void (*before_return_to_user)(TrapFrame& frame) = nullptr;  ///< then: signals (proc); may be null
};
/// Takes over the hooks that are not null and keeps the others.
void set_trap_handlers(const TrapHandlers& handlers);

/// Points stvec at the trap entry and enables the supervisor interrupts in sie (not SIE).
void init_traps();

/// Enters user mode with `frame`, which must be the frame at the top of the running thread's kernel stack.
/// The hooks before the return to user mode run first.
extern "C" [[noreturn]] void return_to_user(TrapFrame* frame);

/// An empty user frame: interrupts on, FP registers at their initial state.
TrapFrame make_user_frame(VirtAddr entry, VirtAddr stack_pointer);

}  // namespace kernel
