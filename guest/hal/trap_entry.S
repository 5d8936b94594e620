// Trap entry and exit. See hart.h for what tp and sscratch hold.
#include "asm_offsets.h"

#define X(n) (FRAME_X + 8 * (n))

// All but sp and tp, which the two entries find in different places.
.macro save_registers
  sd x1, X(1)(sp)
  sd x3, X(3)(sp)
  .irp n, 5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  sd x\n, X(\n)(sp)
  .endr
.endm

.macro save_csrs
  csrr t0, sepc
  csrr t1, sstatus
  csrr t2, scause
  csrr t3, stval
  sd t0, FRAME_SEPC(sp)
  sd t1, FRAME_SSTATUS(sp)
  sd t2, FRAME_SCAUSE(sp)
  sd t3, FRAME_STVAL(sp)
.endm

.macro restore_csrs
  ld t0, FRAME_SEPC(sp)
  ld t1, FRAME_SSTATUS(sp)
  csrw sepc, t0
  csrw sstatus, t1
.endm

.macro restore_registers
  ld x1, X(1)(sp)
  ld x3, X(3)(sp)
  .irp n, 5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  ld x\n, X(\n)(sp)
  .endr
.endm

  .text
  .balign 4
  .globl trap_entry
trap_entry:
  csrrw tp, sscratch, tp
  beqz tp, from_kernel

  sd sp, HART_SCRATCH(tp)
  ld sp, HART_USER_FRAME(tp)
  save_registers
  ld t0, HART_SCRATCH(tp)
  csrrw t1, sscratch, zero
  sd t0, X(2)(sp)
  sd t1, X(4)(sp)
  sd a0, X(0)(sp)
  save_csrs
  mv a0, sp
  call trap_from_user

  .globl restore_user
  // sp: the frame at the top of the thread's kernel stack.
restore_user:
  restore_csrs
  // A reservation must not outlive the switch to another thread; the store, if it happens, changes nothing.
  addi t2, sp, FRAME_SEPC
  sc.d zero, t0, (t2)
  csrw sscratch, tp
  restore_registers
  ld x4, X(4)(sp)
  ld x2, X(2)(sp)
  sret

from_kernel:
  csrrw tp, sscratch, zero
  sd sp, HART_SCRATCH(tp)
  sd t0, HART_SCRATCH2(tp)
  addi sp, sp, -FRAME_BYTES
  // A stack is the upper half of its slot: one bit tells an overflow before the guard page does.
  srli t0, sp, STACK_SHIFT
  andi t0, t0, 1
  beqz t0, stack_overflow
  ld t0, HART_SCRATCH2(tp)
  save_registers
  ld t0, HART_SCRATCH(tp)
  sd t0, X(2)(sp)
  sd tp, X(4)(sp)
  save_csrs
  // The interrupted code may be a user copy; the handler is not.
  li t0, SSTATUS_SUM
  csrc sstatus, t0
  mv a0, sp
  call trap_from_kernel
  restore_csrs
  restore_registers
  ld x2, X(2)(sp)
  sret

stack_overflow:
  ld sp, HART_EMERGENCY_STACK(tp)
  csrr a0, sepc
  ld a1, HART_SCRATCH(tp)
  call kernel_stack_overflow
  unimp

  .globl enter_user_frame
enter_user_frame:
  mv sp, a0
  j restore_user
