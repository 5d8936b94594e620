// Not measured: writes to so many percent of the free memory, so that the host has given it before anything
// is timed.
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "bench.h"

BENCH(warm) {
  struct sysinfo facts;
  begin();
  if (sysinfo(&facts) != 0) die("sysinfo");
  free(grab(facts.freeram * facts.mem_unit / 100 * rounds));
  return 0;
}
