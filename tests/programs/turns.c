// Gigabytes of pages are unmapped, protected, copied by fork, given up by exit and exec, half a million questions asked
// at once: another process has the hart in between, and never waits for much longer than a slice.
// @no-qemu-user its clock is the host's, and so are its pages
// @no-virt its clock is the host's
// @links static
//
// > munmap: in turns
// > madvise: in turns
// > mprotect: in turns
// > fork: in turns
// > exit: in turns
// > exec: in turns
// > smaps: in turns
// > hwprobe: in turns
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BYTES_SHIFT = 31, LONGEST_MS = 25 };

static struct {
  volatile uint64_t longest_ns;  // between two looks at the clock of a process that only looks
  volatile uint64_t looks;
} *watch;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void look_for_ever(void) {
  for (uint64_t last = now();; watch->looks++) {
    const uint64_t next = now();
    if (next - last > watch->longest_ns) watch->longest_ns = next - last;
    last = next;
  }
}

static void begin(void) {
  const uint64_t looks = watch->looks;
  while (watch->looks == looks) sched_yield();
  watch->longest_ns = 0;
}
static void end(const char *what) {
  const uint64_t looks = watch->looks;
  while (watch->looks == looks) sched_yield();
  const uint64_t ms = watch->longest_ns / 1000000;
  printf("%s: ", what);
  puts(ms <= LONGEST_MS ? "in turns" : "too long");
  if (ms > LONGEST_MS) fprintf(stderr, "%s took %lu ms in one piece\n", what, ms);
}

/// Every page is there, and is the page of zeroes, but for a few of its own that make fork copy the rest.
static char *pages(void) {
  char *const at = mmap(NULL, 1ul << BYTES_SHIFT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) exit(9);
  madvise(at, 1ul << BYTES_SHIFT, MADV_NOHUGEPAGE);
  if (madvise(at, 1ul << BYTES_SHIFT, MADV_POPULATE_READ) != 0) exit(8);
  *at = 1;
  return at;
}
static pid_t child(void (*body)(char *), char *argument) {
  const pid_t pid = fork();
  if (pid == 0) {
    body(argument);
    _exit(0);
  }
  return pid;
}
static void nothing(char *unused) { (void)unused; }
static void with_pages(char *program) {
  pages();
  begin();
  if (program != NULL) execl(program, program, "run", NULL);
}
static void read_smaps(char *unused) {
  (void)unused;
  static char buffer[4096];
  const int fd = open("/proc/self/smaps", O_RDONLY);
  while (read(fd, buffer, sizeof buffer) > 0) {
  }
  close(fd);
}

static void ask(char *unused) {
  (void)unused;
  enum { RISCV_HWPROBE = 258, BYTES = 8 << 20, PAIR_BYTES = 16 };
  void *const pairs = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (syscall(RISCV_HWPROBE, pairs, BYTES / PAIR_BYTES, 0, NULL, 0) != 0) _exit(1);
}

int main(int argc, char **argv) {
  if (argc > 1) return 0;
  watch = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  setvbuf(stdout, NULL, _IONBF, 0);
  const pid_t watcher = fork();
  if (watcher == 0) look_for_ever();
  char *at = pages();
  begin();
  munmap(at, 1ul << BYTES_SHIFT);
  end("munmap");
  at = pages();
  begin();
  madvise(at, 1ul << BYTES_SHIFT, MADV_DONTNEED);
  end("madvise");
  munmap(at, 1ul << BYTES_SHIFT);
  at = pages();
  begin();
  mprotect(at, 1ul << BYTES_SHIFT, PROT_READ);
  end("mprotect");
  begin();
  waitpid(child(nothing, NULL), NULL, 0);
  end("fork");
  begin();
  read_smaps(NULL);
  const uint64_t smaps_ns = watch->longest_ns;
  munmap(at, 1ul << BYTES_SHIFT);
  waitpid(child(with_pages, NULL), NULL, 0);
  end("exit");
  waitpid(child(with_pages, argv[0]), NULL, 0);
  end("exec");
  watch->longest_ns = smaps_ns;
  end("smaps");
  begin();
  waitpid(child(ask, NULL), NULL, 0);
  end("hwprobe");
  kill(watcher, SIGKILL);
  return 0;
}
