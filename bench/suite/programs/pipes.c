// Two processes that send a word to and fro through two pipes: two switches of address space a round trip.
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { kPerRound = 100 };

static void exchange(int in, int out, u64 count, u64* sum) {
  for (u64 i = 0; i < count; i++) {
    u64 word = *sum + i;
    if (write(out, &word, sizeof(word)) != sizeof(word)) die("write");
    if (read(in, &word, sizeof(word)) != sizeof(word)) die("read");
    *sum = mix(*sum, word);
  }
}

static void answer(int in, int out) {
  u64 word;
  while (read(in, &word, sizeof(word)) == sizeof(word)) {
    word = word * 3 + 1;
    if (write(out, &word, sizeof(word)) != sizeof(word)) break;
  }
  _exit(0);
}

BENCH(pipes) {
  int there[2], back[2], status;
  u64 sum = 0;
  if (pipe(there) != 0 || pipe(back) != 0) die("pipe");
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    close(there[1]);
    close(back[0]);
    answer(there[0], back[1]);
  }
  close(there[0]);
  close(back[1]);
  exchange(back[0], there[1], 10, &sum);
  begin();
  exchange(back[0], there[1], rounds * kPerRound, &sum);
  close(there[1]);
  if (waitpid(child, &status, 0) != child) die("waitpid");
  return sum;
}
