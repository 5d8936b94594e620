// Ranges of 200 GiB that are empty, or would take all memory: quick where there is nothing, and never in the way of
// others or of the end. Static: a position-independent program lies in the midst of the 256 GiB there are.
// > mincore: 0, pages there 2
// > others ran meanwhile
// > killed while populating
// @links static
// @no-qemu-user its address space is the host's, where 200 GiB may be too much
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const size_t kBytes = (size_t)200 << 30;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(void) {
  char* const range = mmap(0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return 1;
  range[0] = 1;
  range[(size_t)150 << 30] = 1;
  static unsigned char there[((size_t)200 << 30) / 4096];
  const double start = now();
  const int result = mincore(range, kBytes, there);
  long count = 0;
  for (size_t page = 0; page < sizeof there; page++) count += there[page] & 1;
  printf("mincore: %d, pages there %ld\n", result, count);
  if (now() - start > 5) printf("it took %.1f s\n", now() - start);
  fflush(stdout);

  const pid_t child = fork();
  if (child == 0) {
    madvise(range, kBytes, MADV_POPULATE_READ);
    _exit(0);
  }
  const double before = now();
  const struct timespec nap = {0, 20000000};
  nanosleep(&nap, 0);
  printf(now() - before < 0.2 ? "others ran meanwhile\n" : "the nap took %.1f s\n", now() - before);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && now() - before < 0.5) {
    puts("killed while populating");
  } else {
    printf("status %#x after %.1f s\n", status, now() - before);
  }
  return 0;
}
