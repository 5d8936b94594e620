#include "guest/proc/signal_frame.h"

#include <cstring>

#include "guest/hal/user_access.h"
#include "guest/proc/vdso_image.h"

namespace kernel {

namespace {

constexpr u64 kStackAlignment = 16;

void save_state(Task& task, TrapFrame& frame, UserContext& context) {
  context.machine.regs.pc = frame.sepc;
  memcpy(context.machine.regs.x, &frame.x[1], sizeof(context.machine.regs.x));
  save_user_fp(frame, task.fp);
  memcpy(context.machine.fp.f, task.fp.f, sizeof(task.fp.f));
  context.machine.fp.fcsr = task.fp.fcsr;
}

void restore_state(Task& task, TrapFrame& frame, const UserContext& context) {
  frame.sepc = context.machine.regs.pc & ~u64{1};
  memcpy(&frame.x[1], context.machine.regs.x, sizeof(context.machine.regs.x));
  memcpy(task.fp.f, context.machine.fp.f, sizeof(task.fp.f));
  task.fp.fcsr = context.machine.fp.fcsr & 0xff;
  load_user_fp(frame, task.fp);
}

}  // namespace

bool on_alternate_stack(const Task& task, u64 sp) {
  const SigStack& stack = task.alternate_stack;
  return (stack.flags & kSsDisable) == 0 && sp > stack.sp && sp - stack.sp <= stack.size_bytes;
}

KResult<void> push_signal_frame(Task& task, TrapFrame& frame, const SigAction& action, const SigInfo& info,
                                SigSet mask) {
  SigStack& alternate = task.alternate_stack;
  u64 sp = frame.reg(kSp);
  const bool nested = on_alternate_stack(task, sp);
  if ((action.flags & kSaOnStack) != 0 && !nested && (alternate.flags & kSsDisable) == 0) {
    sp = alternate.sp + alternate.size_bytes;
  }
  sp = align_down(sp - sizeof(SigFrame), kStackAlignment);
  if (nested && !on_alternate_stack(task, sp)) {
    return Err(Errno::kEFAULT);  // it would run out of the bottom
  }

  SigFrame saved;
  memset(&saved, 0, sizeof(saved));
  saved.info = info;
  saved.context.stack = alternate;
  if (nested) {
    saved.context.stack.flags |= kSsOnStack;
  }
  saved.context.mask = mask;
  save_state(task, frame, saved.context);
  TRY(put_user(VirtAddr(sp), saved));
  if ((alternate.flags & kSsAutoDisarm) != 0) {
    alternate = {.sp = 0, .flags = kSsDisable, .pad = 0, .size_bytes = 0};
  }

  frame.sepc = action.handler & ~u64{1};
  frame.reg(kRa) = task.process().vdso_base.value + vdso_sigreturn_offset();
  frame.reg(kSp) = sp;
  frame.reg(kA0) = static_cast<u64>(info.signo);
  frame.reg(kA1) = sp + offsetof(SigFrame, info);
  frame.reg(kA2) = sp + offsetof(SigFrame, context);
  return {};
}

KResult<void> pop_signal_frame(Task& task, TrapFrame& frame) {
  const u64 sp = frame.reg(kSp);
  if (sp % alignof(u64) != 0) {
    return Err(Errno::kEFAULT);
  }
  const SigFrame saved = TRY(get_user<SigFrame>(VirtAddr(sp)));
  restore_state(task, frame, saved.context);
  SigStack stack = saved.context.stack;
  stack.flags &= ~kSsOnStack;
  if (stack.flags == 0 || stack.flags == kSsDisable || stack.flags == kSsAutoDisarm) {
    task.alternate_stack = stack;
  }
  task.set_blocked(saved.context.mask);
  return {};
}

}  // namespace kernel
