// fli in three formats: all constants
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp value, -1.0, min, 0x1p-16, 0x1p-15, 0x1p-8, 0x1p-7, 0.0625, 0.125, 0.25, 0.3125, 0.375, 0.4375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 8.0, 16.0, 128.0, 256.0, 0x1p15, 0x1p16, inf, nan
  .irp format, s, d, h
  fli.\format fa0, \value
  fmv.x.d a0, fa0
  SIG(a0)
  .endr
  .endr
  END
  FRAME
