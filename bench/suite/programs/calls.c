// System calls that do next to nothing: getppid(), and an lseek() that fails.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

enum { kPerRound = 1000 };

BENCH(calls) {
  const long parent = syscall(SYS_getppid);
  u64 sum = 0;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < kPerRound; i++) sum += (u64)(syscall(SYS_getppid) == parent);
    for (int i = 0; i < kPerRound / 10; i++) sum += (u64)(lseek(-1, 0, SEEK_CUR) == -1 && errno == EBADF);
  }
  return sum;
}
