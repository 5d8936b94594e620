// addw, subw: results are sign-extended
#include "bare.h"
  BEGIN
  ALL_RR addw
  ALL_RR subw
  END
  FRAME
