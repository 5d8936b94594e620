// A loop of busybox's shell, which nothing is executed for: parsing, expansion and a hash of variables.
//
// BENCH_SHELL names busybox where it is not /bin/busybox. The shell's CPU time is that of a child that was
// waited for.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static const char kScript[] =
    "i=0 sum=0 words='one two three four five'\n"
    "step() { case $1 in o*|f*) sum=$(((sum * 31 + ${#1} + $2) % 1000003)) ;; *) sum=$((sum ^ $2)) ;; esac; "
    "}\n"
    "while [ $i -lt $1 ]; do\n"
    "  for word in $words; do step \"$word\" $i; done\n"
    "  name=${word%ve}$i; [ \"${name#fi}\" = $i ] && i=$((i + 1))\n"
    "done\n"
    "echo $sum\n";

BENCH(shell) {
  const char* const busybox = getenv("BENCH_SHELL") != NULL ? getenv("BENCH_SHELL") : "/bin/busybox";
  char count[24], answer[24] = "";
  int ends[2], status;
  snprintf(count, sizeof(count), "%llu", (unsigned long long)rounds);
  if (pipe(ends) != 0) die("pipe");
  begin();
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execl(busybox, "sh", "-c", kScript, "sh", count, (char*)NULL);
    die(busybox);
  }
  close(ends[1]);
  if (read(ends[0], answer, sizeof(answer) - 1) <= 0) die("the shell's answer");
  if (waitpid(child, &status, 0) != child || status != 0) die("the shell");
  return strtoull(answer, NULL, 10);
}
