// rem, remu: by zero the dividend, on overflow 0
#include "bare.h"
  BEGIN
  ALL_RR rem
  ALL_RR remu
  END
  FRAME
