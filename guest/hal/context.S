// Kernel context switch, and the FP registers of user threads.
#include "asm_offsets.h"

  .text
  .globl switch_context
switch_context:
  sd ra, CONTEXT_RA(a0)
  sd sp, CONTEXT_SP(a0)
  ld ra, CONTEXT_RA(a1)
  ld sp, CONTEXT_SP(a1)
  .set at, CONTEXT_S
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
  sd s\n, at(a0)
  ld s\n, at(a1)
  .set at, at + 8
  .endr
  ret

  // Where make_context lets a thread begin: s0 the function, s1 its argument.
  .globl context_start
context_start:
  mv a0, s1
  jalr s0
  unimp

  .option push
  .option arch, +d
  .globl fp_registers_save
fp_registers_save:
  li t0, SSTATUS_FS
  csrs sstatus, t0
  .set at, FP_F
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  fsd f\n, at(a0)
  .set at, at + 8
  .endr
  csrr t0, fcsr
  sw t0, FP_FCSR(a0)
  ret

  .globl fp_registers_load
fp_registers_load:
  li t0, SSTATUS_FS
  csrs sstatus, t0
  .set at, FP_F
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  fld f\n, at(a0)
  .set at, at + 8
  .endr
  lw t0, FP_FCSR(a0)
  csrw fcsr, t0
  ret
  .option pop
