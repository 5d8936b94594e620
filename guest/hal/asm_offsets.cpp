// The numbers that assembly needs, taken from the C++ definitions. Compiled to text only; see CMakeLists.txt.
#include "guest/hal/context.h"
#include "guest/hal/fp.h"
#include "guest/hal/hart.h"
#include "guest/hal/layout.h"

#define OFFSET(name, value) asm volatile("\n# @offset " #name " %0" : : "i"(static_cast<long>(value)))

namespace kernel {

void offsets() {
  OFFSET(HART_USER_FRAME, offsetof(HartLocal, user_frame));
  OFFSET(HART_SCRATCH, offsetof(HartLocal, scratch));
  OFFSET(HART_SCRATCH2, offsetof(HartLocal, scratch2));
  OFFSET(HART_EMERGENCY_STACK, offsetof(HartLocal, emergency_stack));

  OFFSET(FRAME_X, offsetof(TrapFrame, x));
  OFFSET(FRAME_SEPC, offsetof(TrapFrame, sepc));
  OFFSET(FRAME_SSTATUS, offsetof(TrapFrame, sstatus));
  OFFSET(FRAME_SCAUSE, offsetof(TrapFrame, scause));
  OFFSET(FRAME_STVAL, offsetof(TrapFrame, stval));
  OFFSET(FRAME_BYTES, sizeof(TrapFrame));

  OFFSET(CONTEXT_RA, offsetof(KernelContext, ra));
  OFFSET(CONTEXT_SP, offsetof(KernelContext, sp));
  OFFSET(CONTEXT_S, offsetof(KernelContext, s));

  OFFSET(FP_F, offsetof(FpState, f));
  OFFSET(FP_FCSR, offsetof(FpState, fcsr));

  OFFSET(STACK_BYTES, kStackBytes);
  OFFSET(STACK_SHIFT, __builtin_ctzll(kStackBytes));
  OFFSET(SSTATUS_SUM, kSstatusSum);
  OFFSET(SSTATUS_FS, kSstatusFs);
  OFFSET(LINEAR_MAP_GIB, kLinearMapBytes >> 30);
  OFFSET(KERNEL_ROOT_FIRST, kKernelRootFirst);
}

}  // namespace kernel
