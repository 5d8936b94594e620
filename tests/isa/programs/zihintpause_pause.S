// pause does nothing
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  li a0, 5
  pause
  SIG(a0)
  END
  FRAME
