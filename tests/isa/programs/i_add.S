// add, sub
#include "bare.h"
  BEGIN
  ALL_RR add
  ALL_RR sub
  END
  FRAME
