// fcvt.s.h, fcvt.d.h, fcvt.h.s, fcvt.h.d in all rounding modes
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  ALL_F1 fcvt.s.h flh fmv.x.w halves 2
  ALL_F1 fcvt.d.h flh fmv.x.d halves 2
  FIVE ALL_F1 fcvt.h.s flw fmv.x.h floats 4
  FIVE ALL_F1 fcvt.h.s flw fmv.x.h singles 4
  FIVE ALL_F1 fcvt.h.d fld fmv.x.h doubles 8
  FIVE ALL_F1 fcvt.h.d fld fmv.x.h fractions 8
  END
  FRAME
