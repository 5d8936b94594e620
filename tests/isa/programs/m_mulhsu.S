// mulhsu over every pair of operands
#include "bare.h"
  BEGIN
  ALL_RR mulhsu
  END
  FRAME
