// Frame of a bare-metal test: M-mode, traps recorded, results in the signature, end through `tohost`.
//
// A program writes BEGIN, its instructions with SIG for what is to be compared, then END. Another
// emulator that runs the same binary must leave the same signature and the same exit status.
//   gp  next free word of the signature
//   s11 offset for the trap handler: 0 = record the trap and skip the instruction
#pragma once

// Room for results, in 64-bit words.
#ifndef SIGNATURE_WORDS
#define SIGNATURE_WORDS 2048
#endif

#define SIG(reg) \
  sd reg, 0(gp); \
  addi gp, gp, 8

#define SIG_FFLAGS \
  csrrw t6, fflags, zero; \
  SIG(t6)

.macro BEGIN
  .section .text.start, "ax"
  .globl _start
_start:
  la sp, stack_top
  la gp, begin_signature
  la t0, trap_handler
  csrw mtvec, t0
  li t0, 0x6000
  csrs mstatus, t0
  csrw fcsr, zero
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  j test_body

  // Records cause, pc relative to _start and tval, then goes on behind the instruction.
  // An ecall from U or S with a7 = 1 comes back to M-mode at the address in a6.
  .balign 4
trap_handler:
  csrw mscratch, t6
  csrr t6, mcause
  bltz t6, interrupt
  SIG(t6)
  csrr t6, mepc
  la t5, _start
  sub t6, t6, t5
  SIG(t6)
  csrr t6, mtval
  SIG(t6)
  csrr t6, mcause
  addi t6, t6, -8
  li t5, 4
  bgeu t6, t5, skip_instruction
  li t5, 1
  bne a7, t5, skip_instruction
  li t6, 0x1800
  csrs mstatus, t6
  csrw mepc, a6
  li a7, 0
  mret
skip_instruction:
  csrr t5, mepc
  lhu t6, 0(t5)
  andi t6, t6, 3
  addi t5, t5, 2
  addi t6, t6, -3
  bnez t6, 1f
  addi t5, t5, 2
1:
  csrw mepc, t5
  csrr t6, mscratch
  mret

  // Records the cause, turns the interrupt's enable off and goes on.
interrupt:
  SIG(t6)
  li t5, 1
  sll t5, t5, t6
  csrc mie, t5
  mret

  .globl test_body
test_body:
.endm

.macro END
  li a0, 0
  j finish
.endm

// Ends with a status of its own when a0 is not 0.
.macro FRAME
  .globl finish
finish:
  slli a0, a0, 1
  ori a0, a0, 1
  la t0, tohost
  sd a0, 0(t0)
1:
  j 1b

  .section .tohost, "aw", @progbits
  .balign 64
  .globl tohost, fromhost
tohost:
  .dword 0
  .size tohost, 8
  .balign 64
fromhost:
  .dword 0
  .size fromhost, 8

  .data
  .balign 8
operands:
  .dword 0, 1, 2, -1, -2, 0x7fffffff, 0x80000000, 0xffffffff
  .dword 0x7fffffffffffffff, 0x8000000000000000, 0x5555555555555555, 0x123456789abcdef0, 63
operands_end:
  .balign 8
doubles:
  .dword 0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff8000000000000
  .dword 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001
  .dword 0x0000000000000001, 0x800fffffffffffff, 0x7fefffffffffffff, 0x3fd5555555555555
  .dword 0x41dfffffffc00000, 0xc3e0000000000000, 0x43f0000000000000, 0x3810000000000000
doubles_end:
  .balign 8
floats:
  .word 0x00000000, 0x80000000, 0x3f800000, 0xbfc00000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001
  .word 0x00000001, 0x807fffff, 0x7f7fffff, 0x3eaaaaab, 0x4effffff, 0xdf000000, 0x5f800000, 0x00800000
floats_end:

  .bss
  .balign 16
  .space 4096
stack_top:
  .balign 4096
  .globl scratch
scratch:
  .space 8192

  .section .signature, "aw", @progbits
  .balign 64
  .globl begin_signature, end_signature
begin_signature:
  .fill SIGNATURE_WORDS * 2, 4, 0xdeadbeef
end_signature:
.endm

// Every pair of integer operands through a register-register instruction.
.macro ALL_RR op
  la s2, operands
  la s3, operands_end
1:
  la s4, operands
2:
  ld a0, 0(s2)
  ld a1, 0(s4)
  \op a2, a0, a1
  SIG(a2)
  addi s4, s4, 8
  bltu s4, s3, 2b
  addi s2, s2, 8
  bltu s2, s3, 1b
.endm

// Every integer operand through a register-immediate instruction, with one immediate.
.macro ALL_RI op imm
  la s2, operands
  la s3, operands_end
1:
  ld a0, 0(s2)
  \op a2, a0, \imm
  SIG(a2)
  addi s2, s2, 8
  bltu s2, s3, 1b
.endm

// An instruction with a rounding mode where one is given.
.macro ROUNDED rounding insn:vararg
  .ifb \rounding
  \insn
  .else
  \insn, \rounding
  .endif
.endm

// Every pair of floating-point operands through `op fd, fs1, fs2 [, rounding]`, results and flags.
.macro ALL_FF op load move table size rounding
  la s2, \table
  la s3, \table\()_end
1:
  la s4, \table
2:
  \load fa0, 0(s2)
  \load fa1, 0(s4)
  csrw fflags, zero
  ROUNDED "\rounding" \op fa2, fa0, fa1
  \move a2, fa2
  SIG(a2)
  SIG_FFLAGS
  addi s4, s4, \size
  bltu s4, s3, 2b
  addi s2, s2, \size
  bltu s2, s3, 1b
.endm

// Every pair through a comparison: the result is an integer.
.macro ALL_FCMP op load table size
  la s2, \table
  la s3, \table\()_end
1:
  la s4, \table
2:
  \load fa0, 0(s2)
  \load fa1, 0(s4)
  csrw fflags, zero
  \op a2, fa0, fa1
  SIG(a2)
  SIG_FFLAGS
  addi s4, s4, \size
  bltu s4, s3, 2b
  addi s2, s2, \size
  bltu s2, s3, 1b
.endm

// Every triple (a, b, b + 1) through a fused multiply-add.
.macro ALL_FMA op load move table size rounding
  la s2, \table
  la s3, \table\()_end
1:
  la s4, \table
2:
  \load fa0, 0(s2)
  \load fa1, 0(s4)
  addi s5, s4, \size
  bltu s5, s3, 3f
  la s5, \table
3:
  \load fa3, 0(s5)
  csrw fflags, zero
  ROUNDED "\rounding" \op fa2, fa0, fa1, fa3
  \move a2, fa2
  SIG(a2)
  SIG_FFLAGS
  addi s4, s4, \size
  bltu s4, s3, 2b
  addi s2, s2, \size
  bltu s2, s3, 1b
.endm

// Every floating-point operand through `op fd, fs [, rounding]`.
.macro ALL_F1 op load move table size rounding
  la s2, \table
  la s3, \table\()_end
1:
  \load fa0, 0(s2)
  csrw fflags, zero
  ROUNDED "\rounding" \op fa2, fa0
  \move a2, fa2
  SIG(a2)
  SIG_FFLAGS
  addi s2, s2, \size
  bltu s2, s3, 1b
.endm

// Every floating-point operand through `op rd, fs [, rounding]`.
.macro ALL_FX op load table size rounding
  la s2, \table
  la s3, \table\()_end
1:
  \load fa0, 0(s2)
  csrw fflags, zero
  ROUNDED "\rounding" \op a2, fa0
  SIG(a2)
  SIG_FFLAGS
  addi s2, s2, \size
  bltu s2, s3, 1b
.endm

// Every integer operand through `op fd, rs [, rounding]`.
.macro ALL_XF op move rounding
  la s2, operands
  la s3, operands_end
1:
  ld a0, 0(s2)
  csrw fflags, zero
  ROUNDED "\rounding" \op fa2, a0
  \move a2, fa2
  SIG(a2)
  SIG_FFLAGS
  addi s2, s2, 8
  bltu s2, s3, 1b
.endm

// The same in all five rounding modes.
.macro FIVE macro op a b c d
  \macro \op \a \b \c \d rne
  \macro \op \a \b \c \d rtz
  \macro \op \a \b \c \d rdn
  \macro \op \a \b \c \d rup
  \macro \op \a \b \c \d rmm
.endm

// Leaves M-mode for `mode` (0 user, 1 supervisor) at `label`; come back with RETURN_TO_M.
.macro ENTER mode label
  li t0, 0x1800
  csrc mstatus, t0
  li t0, \mode << 11
  csrs mstatus, t0
  la t0, \label
  csrw mepc, t0
  mret
.endm

.macro RETURN_TO_M
  la a6, 88f
  li a7, 1
  ecall
88:
.endm
