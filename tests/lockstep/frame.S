// Frame of a lockstep program: runs the stream once a pass, each with registers of its own, and takes down what
// it finds at every trap; ends after the last pass.
//
// Linked once, at the addresses of generate.py; image.py puts a program's stream, registers, data and the
// parameters below into it. The state of every trap is stored as a record. In the pass that `dump_pass` names
// records are kept one behind the other; in the others a chained hash of each is. mscratch points to the
// record's place while the stream runs; the stream never writes it.
#define RECORD 576
#define REGISTERS 512
// Places of the parameters, from `pass` on.
#define HASH 8
#define NEXT_HASH 16
#define PASSES 24
#define DUMP_PASS 32
#define STREAM_END 48

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
  li t0, 0xf0                 # cache-block operations in every mode
  csrw menvcfg, t0
  csrw senvcfg, t0
  la t0, dumps
  csrw mscratch, t0
  li t0, 0x1800
  csrc mstatus, t0
  la t1, user_mode
  ld t1, 0(t1)
  bnez t1, start_pass
  csrs mstatus, t0

start_pass:
  la t0, stream
  csrw mepc, t0
  la t0, pass
  ld t0, 0(t0)
  slli t0, t0, 9
  la x31, registers
  add x31, x31, t0
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
  li t0, 0x6000               # FS may be off
  csrs mstatus, t0
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
  la t5, pass                 # x31, that is t6, is the record; t0 the cause; t1 the pc
  ld t4, 0(t5)
  ld t3, DUMP_PASS(t5)
  beq t3, t4, keep_record

  // The hash goes on from the last one.
  ld t2, HASH(t5)
  li t3, 0x9e3779b97f4a7c15
  addi t4, t6, 8
  addi s0, t6, 544
1:
  ld s1, 0(t4)
  xor t2, t2, s1
  mul t2, t2, t3
  srli s1, t2, 29
  xor t2, t2, s1
  addi t4, t4, 8
  bltu t4, s0, 1b
  sd t2, HASH(t5)
  ld t4, NEXT_HASH(t5)
  sd t2, 0(t4)
  addi t4, t4, 8
  sd t4, NEXT_HASH(t5)
  la s0, hashes_end
  bgeu t4, s0, finish         # no room for another
  mv t4, t6
  j recorded
keep_record:
  addi t4, t6, RECORD
  la s0, dumps_end - RECORD
  bgtu t4, s0, finish
recorded:
  csrw mscratch, t4

  ld s0, STREAM_END(t5)
  beq t1, s0, end_pass
  li s0, 1
  beq t0, s0, end_pass        # a fetch from nowhere: there is no instruction to skip
  lhu s0, 0(t1)
  andi s0, s0, 3
  addi t1, t1, 2
  addi s0, s0, -3
  bnez s0, 1f
  addi t1, t1, 2
1:
  csrw mepc, t1
  .irp n, 5, 6, 7, 8, 9, 28, 29, 30
  ld x\n, 8 * \n(x31)
  .endr
  ld x31, 248(x31)
  mret

end_pass:
  ld t0, 0(t5)
  addi t0, t0, 1
  sd t0, 0(t5)
  ld t1, PASSES(t5)
  bltu t0, t1, start_pass
finish:
  li t0, 1
  la t1, tohost
  sd t0, 0(t1)
1:
  j 1b

  .section .stream, "ax"
  .globl stream
stream:
  .space STREAM_BYTES

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

  .section .parameters, "aw", @progbits
pass:
  .dword 0
hash:
  .dword 0
next_hash:
  .dword hashes
// In the order of image.py:
  .globl passes
passes:
  .dword 1
dump_pass:
  .dword 0
user_mode:
  .dword 0
stream_end:
  .dword 0
registers:
  .space MAX_PASSES * REGISTERS

  .section .random_data, "aw", @progbits
  .globl begin_signature
begin_signature:
  .space DATA_BYTES
  .section .dumps, "aw", @progbits
hashes:
  .space HASHES * 8
hashes_end:
dumps:
  .space DUMP_RECORDS * RECORD
dumps_end:
  .globl end_signature
end_signature:
