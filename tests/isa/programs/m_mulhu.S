// mulhu over every pair of operands
#include "bare.h"
  BEGIN
  ALL_RR mulhu
  END
  FRAME
