// Sstc: stimecmp needs menvcfg.STCE and mcounteren.TM below M; it drives STIP, which is read-only meanwhile
// cpu: sstc=on
// machine: virt
#include "bare.inc"
#define stimecmp 0x14d
  BEGIN
  li s0, 1 << 63
  li a0, -1
  csrw stimecmp, a0
  csrr a1, stimecmp
  SIG(a1)
  csrc menvcfg, s0
  csrw mcounteren, zero
  ENTER 1, 1f
1:
  csrr a0, stimecmp
  csrw stimecmp, zero
  RETURN_TO_M
  csrwi mcounteren, 2
  ENTER 1, 1f
1:
  csrr a0, stimecmp
  RETURN_TO_M
  csrs menvcfg, s0
  csrw mcounteren, zero
  ENTER 1, 1f
1:
  csrr a0, stimecmp
  RETURN_TO_M
  csrwi mcounteren, 2
  ENTER 1, 1f
1:
  csrr a0, stimecmp
  SIG(a0)
  RETURN_TO_M
  ENTER 0, 1f
1:
  csrr a0, stimecmp
  RETURN_TO_M
  li t1, 0x20
  csrw mideleg, t1
  csrr a0, mip
  and a0, a0, t1
  SIG(a0)
  csrw stimecmp, zero
  csrr a0, mip
  and a0, a0, t1
  SIG(a0)
  csrc mip, t1
  csrr a0, mip
  and a0, a0, t1
  SIG(a0)
  li a0, -1
  csrw stimecmp, a0
  csrs mip, t1
  csrr a0, mip
  and a0, a0, t1
  SIG(a0)
  // The interrupt itself, taken in S
  la t0, catch
  csrw stvec, t0
  csrw mie, t1
  ENTER 1, 1f
1:
  csrsi sstatus, 2
  csrw stimecmp, zero
  nop
  nop
  csrr a0, sip
  SIG(a0)
  // Held back until wfi is over: a slow machine would take it before, and wait for ever.
  csrci sstatus, 2
  csrr a0, time
  addi a0, a0, 100
  csrw stimecmp, a0
  wfi
  csrsi sstatus, 2
2:
  csrr a0, sip
  andi a0, a0, 0x20
  beqz a0, 3f
  j 2b
3:
  RETURN_TO_M
  csrw mideleg, zero
  csrw mie, zero
  j done
  .balign 4
catch:
  csrr t3, scause
  SIG(t3)
  li t3, -1
  csrw stimecmp, t3
  sret
done:
  END
  FRAME
