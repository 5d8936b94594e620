// mulw
#include "bare.h"
  BEGIN
  ALL_RR mulw
  END
  FRAME
