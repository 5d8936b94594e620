// Frame of a privileged lockstep program: sets the hart up, runs the stream, records every trap, ends at its last
// ecall.
//
// The map is in priv_generate.py. The stream exists twice, for M and S and, a MiB higher, for U, so that every
// mode runs it at the address it has in memory, with and without translation. What the handlers need is
// mapped one to one in every address space and allowed by PMP entry 0. Registers that the stream leaves alone:
//   x5   address of `landing`
//   x27  where a call into a test page comes back to
//   x28  mode wanted by the next ecall, plus 1 (0: only a record)
//   x29  scratch of the handlers
//   x30  the bit of MPRV
//   x31  swapped with mscratch, the next record
// A record: mcause mepc mtval mstatus scause sepc stval satp x10..x15 x8 x9.
#define RECORD_BYTES 128
#define COPY_DISTANCE 0x100000
  .section .text.start, "ax"
  .option norvc
  .globl _start
_start:
  la t0, m_handler
  csrw mtvec, t0
  la t0, s_vector
  csrw stvec, t0
  la t0, dumps
  csrw mscratch, t0
  li t0, (0x80000000 >> 2) | ((0x200000 >> 3) - 1)
  csrw pmpaddr0, t0
  li t0, -1
  csrw pmpaddr15, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  slli t0, t0, 56
  csrw pmpcfg2, t0
  li t0, 0x6000
  csrs mstatus, t0
  li t0, 1 << 61                 // of the reset values of menvcfg, ADUE
  csrw menvcfg, t0
  li t0, -1                      // no machine timer interrupt is ever pending
  li t1, 0x2004000
  sd t0, 0(t1)
  csrw 0x14d, t0                 // stimecmp
  li x1, 0
  li x2, 0x7000000000
  li x3, 0
  li x4, 0
  la x5, landing
  li x6, 0
  li x7, 0
  la x27, stream_s
  li x28, 0
  li x30, 0x20000
  li x16, 0
  li x17, 0x8d828d828d828d82
  .altmacro
  .macro clear n
  li x\n, 0
  .endm
  .set i, 8
  .rept 8
  clear %i
  .set i, i + 1
  .endr
  j stream_s

landing:
  jr x27

  .balign 4
m_handler:
  csrrw x31, mscratch, x31
  csrrc x29, mstatus, x30        // the handler's own accesses are M-mode's
  sd x29, 24(x31)
  sd x8, 112(x31)
  sd x9, 120(x31)
  .macro keep n, at
  sd x\n, \at(x31)
  .endm
  keep 10, 64
  keep 11, 72
  keep 12, 80
  keep 13, 88
  keep 14, 96
  keep 15, 104
  csrr x8, mcause
  sd x8, 0(x31)
  csrr x9, mepc
  sd x9, 8(x31)
  csrr x29, mtval
  sd x29, 16(x31)
  csrr x29, scause
  sd x29, 32(x31)
  csrr x29, sepc
  sd x29, 40(x31)
  csrr x29, stval
  sd x29, 48(x31)
  csrr x29, satp
  sd x29, 56(x31)

  la x29, s_ecall
  bne x9, x29, classify
  // The trap went to S, whose handler came here: go back as sret would.
  csrr x8, scause
  csrr x9, sepc
  csrr x29, mstatus
  andi x29, x29, 0x100           // SPP
  bnez x29, 1f
  li x29, 0x800
  csrc mstatus, x29              // MPP was S
1:
  li x29, 0x100
  csrc mstatus, x29
  csrr x29, mstatus
  andi x29, x29, 0x20            // SPIE
  srli x29, x29, 4
  csrci mstatus, 2
  csrs mstatus, x29
  li x29, 0x20
  csrs mstatus, x29

classify:
  bltz x8, interrupt
  li x29, 1
  beq x8, x29, call_failed
  li x29, 12
  beq x8, x29, call_failed
  la x29, stream_s
  bltu x9, x29, call_failed
  la x29, stream_u_end
  bgeu x9, x29, call_failed
  la x29, stream_s_end
  beq x9, x29, finish
  la x29, stream_u_end - 4
  beq x9, x29, finish
  addi x8, x8, -8
  li x29, 4
  bltu x8, x29, service
  addi x8, x8, 6
  bnez x8, 1f
  sfence.vma                     // the illegal instruction may have been the stream's own fence
1:
  lhu x8, 0(x9)
  andi x8, x8, 3
  addi x9, x9, 2
  addi x8, x8, -3
  bnez x8, resume
  addi x9, x9, 2
  j resume

call_failed:
  mv x9, x27
  j resume

interrupt:
  li x29, 0x222
  csrc mip, x29
  li x29, -1
  csrw 0x14d, x29
  j resume

// An ecall of the stream: the mode asked for, at the stream's copy for it.
service:
  addi x9, x9, 4
  beqz x28, resume
  li x29, 0x1800
  csrc mstatus, x29
  li x29, COPY_DISTANCE
  la x8, stream_u
  bltu x9, x8, 1f
  sub x9, x9, x29
1:
  addi x28, x28, -1
  bnez x28, 1f
  add x9, x9, x29
1:
  slli x28, x28, 11
  csrs mstatus, x28
  li x28, 0

resume:
  csrw mepc, x9
  la x29, dumps_end - 2 * RECORD_BYTES
  bgtu x31, x29, finish
  ld x8, 112(x31)
  ld x9, 120(x31)
  ld x29, 24(x31)
  addi x31, x31, RECORD_BYTES
  and x29, x29, x30
  csrs mstatus, x29
  csrrw x31, mscratch, x31
  mret

finish:
  li x8, 0x5555
  li x9, 0x100000
  sw x8, 0(x9)
1:
  j 1b

  .balign 64
s_vector:
  .rept 16
  j s_ecall
  .endr
s_ecall:
  ecall

  .section .stream_s, "ax"
stream_s:
  .incbin STREAM
  .set stream_s_end, . - 4
  .section .stream_u, "ax"
stream_u:
  .incbin STREAM
stream_u_end:

  .section .tables, "aw", @progbits
  .globl begin_signature
begin_signature:
  .incbin TABLES
  .section .dumps, "aw", @progbits
dumps:
  .space DUMP_RECORDS * RECORD_BYTES
dumps_end:
  .globl end_signature
end_signature:
