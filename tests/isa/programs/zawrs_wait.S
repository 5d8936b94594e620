// wrs.nto and wrs.sto end by themselves, with a reservation and without
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s0, scratch
  li a0, 7
  wrs.nto
  wrs.sto
  lr.d a1, (s0)
  wrs.sto
  SIG(a1)
  lr.w a1, (s0)
  wrs.nto
  SIG(a0)
  END
  FRAME
