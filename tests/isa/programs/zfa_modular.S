// fcvtmod.w.d: modulo 2^32, with flags
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp table, doubles, fractions
  la s2, \table
  la s3, \table\()_end
1:
  fld fa0, 0(s2)
  csrw fflags, zero
  fcvtmod.w.d a2, fa0, rtz
  SIG(a2)
  SIG_FFLAGS
  addi s2, s2, 8
  bltu s2, s3, 1b
  .endr
  END
  FRAME
