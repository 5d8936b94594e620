// halves are boxed by loads and moves, unboxed ones read as NaN, stores and moves take the low bits
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s0, halves
  flh fa0, 6(s0)
  fmv.x.d a0, fa0
  SIG(a0)
  li a1, 0x123456789abc3c00
  fmv.h.x fa1, a1
  fmv.x.d a0, fa1
  SIG(a0)
  fmv.d.x fa2, a1
  fadd.h fa3, fa2, fa1
  fmv.x.d a0, fa3
  SIG(a0)
  fmv.x.h a0, fa2
  SIG(a0)
  la s1, scratch
  sd zero, 0(s1)
  fsh fa2, 2(s1)
  ld a0, 0(s1)
  SIG(a0)
  fsgnj.h fa3, fa2, fa2
  fmv.x.d a0, fa3
  SIG(a0)
  fcvt.d.h fa3, fa2
  fmv.x.d a0, fa3
  SIG(a0)
  fclass.h a0, fa2
  SIG(a0)
  li t0, 0x6000
  csrc mstatus, t0
  flh fa0, 0(s0)
  fsh fa0, 0(s1)
  fmv.x.h a0, fa0
  fadd.h fa0, fa0, fa0
  fli.h fa0, 1.0
  END
  FRAME
