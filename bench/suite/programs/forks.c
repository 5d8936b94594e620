// Processes that end at once: fork(), _exit(), waitpid().
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static u64 one(u64 round) {
  const pid_t child = fork();
  int status;
  if (child < 0) die("fork");
  if (child == 0) _exit((int)(round % 100));
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) die("waitpid");
  return (u64)WEXITSTATUS(status);
}

BENCH(forks) {
  u64 sum = 0;
  for (u64 round = 0; round < 10; round++) one(round);
  begin();
  for (u64 round = 0; round < rounds; round++) sum = mix(sum, one(round));
  return sum;
}
