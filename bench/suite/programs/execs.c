// Programs executed anew: fork(), execve() of this statically linked one, its start, its end, waitpid().
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static u64 one(void) {
  const pid_t child = fork();
  int status;
  if (child < 0) die("fork");
  if (child == 0) {
    execl("/proc/self/exe", "bench", (char*)NULL);
    _exit(99);
  }
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) die("waitpid");
  expect(WEXITSTATUS(status) != 99, "execve");
  return (u64)WEXITSTATUS(status);
}

BENCH(execs) {
  u64 sum = 0;
  close(STDERR_FILENO);  // which the executed program tells how it is used
  one();
  begin();
  for (u64 round = 0; round < rounds; round++) sum = mix(sum, one());
  return sum;
}
