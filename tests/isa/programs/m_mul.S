// mul over every pair of operands
#include "bare.h"
  BEGIN
  ALL_RR mul
  END
  FRAME
