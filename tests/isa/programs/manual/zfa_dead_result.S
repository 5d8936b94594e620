// froundnx and fcvtmod raise inexact, and every operation invalid, whether or not anything reads the result
// (Unprivileged ISA 20240411, 25.3, 25.4 and 21.2).
// QEMU 10 drops fround, froundnx and fcvtmod with their flags where the next instruction overwrites the result.
// expect: 1 1 10
#include "../bare.inc"
  BEGIN
  la s0, fractions
  fld fa0, 16(s0)             # 1.5
  li a1, 0x7ff0000000000001   # signaling
  fmv.d.x fa1, a1
  csrw fflags, zero
  j 1f
1:
  froundnx.d fa2, fa0
  fmv.d.x fa2, zero
  csrr a0, fflags
  SIG(a0)
  csrw fflags, zero
  j 1f
1:
  fcvtmod.w.d a2, fa0, rtz
  li a2, 0
  csrr a0, fflags
  SIG(a0)
  csrw fflags, zero
  j 1f
1:
  fround.d fa2, fa1
  fmv.d.x fa2, zero
  csrr a0, fflags
  SIG(a0)
  END
  FRAME
