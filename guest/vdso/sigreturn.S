// Where a signal handler returns to. Unwinders know these two instructions by their bytes, and the frame
// by .cfi_signal_frame: registers lie in the SigFrame at sp (quire/arch/linux/signal.h).
#define REGS (128 + 176)  /* sizeof(SigInfo) + offsetof(UserContext, machine) */

  .text
  .globl __vdso_rt_sigreturn
  .type __vdso_rt_sigreturn, @function
  .cfi_startproc
  .cfi_signal_frame
  .cfi_def_cfa sp, 0
  .cfi_return_column 64
  .cfi_offset 64, REGS
  .cfi_offset 1, REGS + 8
  .cfi_offset 2, REGS + 16
  .cfi_offset 8, REGS + 64
  .cfi_offset 9, REGS + 72
  .cfi_offset 18, REGS + 144
  .cfi_offset 19, REGS + 152
  .cfi_offset 20, REGS + 160
  .cfi_offset 21, REGS + 168
  .cfi_offset 22, REGS + 176
  .cfi_offset 23, REGS + 184
  .cfi_offset 24, REGS + 192
  .cfi_offset 25, REGS + 200
  .cfi_offset 26, REGS + 208
  .cfi_offset 27, REGS + 216
  nop  /* an unwinder looks up return address - 1 */
__vdso_rt_sigreturn:
  .option push
  .option norvc
  li a7, 139
  ecall
  .option pop
  .cfi_endproc
  .size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn
