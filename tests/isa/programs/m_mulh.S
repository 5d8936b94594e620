// mulh over every pair of operands
#include "bare.h"
  BEGIN
  ALL_RR mulh
  END
  FRAME
