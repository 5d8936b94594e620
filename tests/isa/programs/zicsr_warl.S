// WARL fields: tvec mode and alignment, epc low bit, satp mode, medeleg, mstatus MPP
#include "bare.inc"
  BEGIN
  la a0, 1f
  csrr s6, mtvec
  andi a1, a0, -4
  ori a1, a1, 1
  csrw stvec, a1
  csrr a2, stvec
  sub a2, a2, a1
  SIG(a2)
  .balign 4
1:
  li a0, 0x8000000e
  csrw mepc, a0
  csrr a1, mepc
  SIG(a1)
  csrw sepc, a0
  csrr a1, sepc
  SIG(a1)
  csrw satp, zero
  li a0, 7 << 60
  csrw satp, a0
  csrr a1, satp
  SIG(a1)
  li a0, (8 << 60) | 0x80123
  csrw satp, a0
  csrr a1, satp
  SIG(a1)
  csrw satp, zero
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x0800
  csrs mstatus, t0
  csrr a0, mstatus
  and a0, a0, t0
  SIG(a0)
  li t0, 0x122
  csrs mstatus, t0
  csrr a0, sstatus
  and a0, a0, t0
  SIG(a0)
  csrc sstatus, t0
  csrr a0, mstatus
  and a0, a0, t0
  SIG(a0)
  csrr a0, misa
  li t0, 0x112d
  and a0, a0, t0
  SIG(a0)
  csrr a0, mstatus
  srli a0, a0, 32
  andi a0, a0, 15
  SIG(a0)
  csrw sie, zero
  li t0, 0x222
  csrw mideleg, t0
  csrw mie, t0
  csrr a0, sie
  SIG(a0)
  csrw mideleg, zero
  csrr a0, sie
  SIG(a0)
  csrw mie, zero
  END
  FRAME
