#include "guest/hal/context.h"

#include "guest/hal/fp.h"

extern "C" {
void context_start();
void fp_registers_save(kernel::FpState* state);
void fp_registers_load(const kernel::FpState* state);
}

namespace kernel {

KernelContext make_context(void (*entry)(void*), void* argument, u64 stack_top) {
  KernelContext context;
  context.ra = reinterpret_cast<u64>(&context_start);
  context.sp = stack_top;
  context.s[0] = reinterpret_cast<u64>(entry);
  context.s[1] = reinterpret_cast<u64>(argument);
  return context;
}

void save_user_fp(TrapFrame& frame, FpState& state) {
  if (fs_state(frame.sstatus) == FsState::kDirty) {
    fp_registers_save(&state);
    frame.sstatus = with_fs_state(frame.sstatus, FsState::kClean);
  }
}

void load_user_fp(TrapFrame& frame, const FpState& state) {
  fp_registers_load(&state);
  frame.sstatus = with_fs_state(frame.sstatus, FsState::kClean);
}

}  // namespace kernel
