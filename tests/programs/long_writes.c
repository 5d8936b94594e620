// A write without end to a terminal that nobody reads: others run meanwhile, and it can be killed.
// > killed by 9
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  const size_t bytes = 1ul << 30;
  char* const zeroes = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (zeroes == MAP_FAILED || master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return 1;
  const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  if (slave < 0) return 2;
  const pid_t child = fork();
  if (child == 0) {
    for (;;) {
      if (write(master, zeroes, bytes) < 0) _exit(3);
    }
  }
  const struct timespec pause = {.tv_nsec = 20000000};
  nanosleep(&pause, NULL);
  kill(child, SIGKILL);
  int status;
  if (waitpid(child, &status, 0) != child) return 4;
  printf("killed by %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return 0;
}
