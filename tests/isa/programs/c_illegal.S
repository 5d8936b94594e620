// Reserved compressed encodings trap, c.ebreak breaks
#include "bare.inc"
  BEGIN
  .hword 0x0000
  .hword 0x6101
  .hword 0x6081
  .hword 0x4002
  .hword 0x6002
  .hword 0x8002
  .hword 0x8000
  .hword 0x9c41
  .hword 0x9c61
  .hword 0x2001
  .hword 0x9002
  c.nop
  END
  FRAME
