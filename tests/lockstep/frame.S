// Frame of a lockstep program: loads the registers, runs the stream, dumps at every trap, ends at the last ecall.
//
// Linked at 0x80000000 with the stream at 0x80001000 (see generate.py for the map). mscratch points to the
// next record while the stream runs; the stream never writes it.
  .section .text.start, "ax"
  .globl _start
_start:
  la t0, trap_handler
  csrw mtvec, t0
  li t0, 0x6000
  csrs mstatus, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  la t0, dumps
  csrw mscratch, t0
  li t0, 0x1800
  csrc mstatus, t0
  la t1, user_mode
  ld t1, 0(t1)
  bnez t1, 1f
  csrs mstatus, t0
1:
  la t0, stream
  csrw mepc, t0
  la x31, registers
  .altmacro
  .macro load_f n
  fld f\n, 256 + 8 * \n(x31)
  .endm
  .set i, 0
  .rept 32
  load_f %i
  .set i, i + 1
  .endr
  csrw fcsr, zero
  .macro load_x n
  ld x\n, 8 * \n(x31)
  .endm
  .set i, 1
  .rept 31
  load_x %i
  .set i, i + 1
  .endr
  mret

  .balign 4
trap_handler:
  csrrw x31, mscratch, x31
  .macro store_x n
  sd x\n, 8 * \n(x31)
  .endm
  .set i, 1
  .rept 30
  store_x %i
  .set i, i + 1
  .endr
  .macro store_f n
  fsd f\n, 256 + 8 * \n(x31)
  .endm
  .set i, 0
  .rept 32
  store_f %i
  .set i, i + 1
  .endr
  csrr t0, fcsr
  sd t0, 512(x31)
  csrr t0, mcause
  sd t0, 520(x31)
  csrr t1, mepc
  sd t1, 528(x31)
  csrr t2, mtval
  sd t2, 536(x31)
  csrr t3, mscratch
  sd t3, 248(x31)             # x31 as the stream has it
  la t4, stream_end
  beq t1, t4, finish
  li t4, 1
  beq t0, t4, finish          # a fetch from nowhere: there is no instruction to skip
  lhu t4, 0(t1)
  andi t4, t4, 3
  addi t1, t1, 2
  addi t4, t4, -3
  bnez t4, 1f
  addi t1, t1, 2
1:
  csrw mepc, t1
  la t4, dumps_end - 1152
  bgtu x31, t4, finish        # no room for another: the stream ends early
  addi x31, x31, 576
  csrw mscratch, x31
  sd t3, 248(x31)             # kept in the next record, then taken from there
  ld t0, 40 - 576(x31)
  ld t1, 48 - 576(x31)
  ld t2, 56 - 576(x31)
  ld t3, 224 - 576(x31)
  ld t4, 232 - 576(x31)
  ld x31, 248(x31)
  mret

finish:
  li t0, 1
  la t1, tohost
  sd t0, 0(t1)
1:
  j 1b

  .section .stream, "ax"
  .globl stream
stream:
  .incbin STREAM
  .set stream_end, . - 8      # the last ecall

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
user_mode:
  .dword USER_MODE
registers:
  .incbin REGISTERS

  .section .random_data, "aw", @progbits
  .globl begin_signature
begin_signature:
  .incbin RANDOM_DATA
  .section .dumps, "aw", @progbits
dumps:
  .space DUMP_RECORDS * 576
dumps_end:
  .globl end_signature
end_signature:
