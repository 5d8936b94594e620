// What operations of a kernel cost, in instructions: the same static program on the supervisor and on Linux.
//
// The board's clock is derived from retired instructions (1 count = 1 ns), so `rdtime` counts them wherever it may
// be read, which is in user mode on both kernels, while `rdinstret` is not on Linux. A tick is kTick instructions;
// every operation is repeated often enough that it does not matter. Nothing here lets the hart idle, which
// would let time pass without instructions.
//
//   paths EXEC_CHAIN SCRATCH_FILE     prints `NAME<tab>INSTRUCTIONS` a line
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPage = 4096, kPages = 256, kTick = 100, kBatches = 5, kAround = 16 };

static uint64_t now(void) {
  uint64_t ticks;
  asm volatile("rdtime %0" : "=r"(ticks)::"memory");
  return ticks * kTick;
}

static void die(const char* what) {
  perror(what);
  exit(1);
}

static const char* exec_chain;
static int scratch;

/// A batch runs its operation `rounds` times and returns the instructions they took.
struct operation {
  const char* name;
  uint64_t (*batch)(unsigned rounds);
  unsigned rounds;
};

static uint64_t null_call(unsigned rounds) {
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    register long number asm("a7") = SYS_getppid;
    register long result asm("a0");
    asm volatile("ecall" : "=r"(result) : "r"(number) : "memory");
  }
  return now() - start;
}

static volatile char* map(size_t pages, int flags, int fd) {
  char* const at = mmap(NULL, pages * kPage, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (at == MAP_FAILED) die("mmap");
  madvise(at, pages * kPage, MADV_NOHUGEPAGE);
  return at;
}

static void unmap(volatile char* at, size_t pages) { munmap((void*)at, pages * kPage); }

static uint64_t touch(volatile char* at, unsigned rounds, unsigned step_pages, int write) {
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    volatile char* const byte = at + (size_t)i * step_pages * kPage;
    if (write) {
      *byte = 1;
    } else {
      (void)*byte;
    }
  }
  return now() - start;
}

static uint64_t anonymous_write(unsigned rounds) {
  volatile char* const at = map(rounds, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  const uint64_t took = touch(at, rounds, 1, 1);
  unmap(at, rounds);
  return took;
}

static uint64_t anonymous_read(unsigned rounds) {
  volatile char* const at = map(rounds, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  const uint64_t took = touch(at, rounds, 1, 0);
  unmap(at, rounds);
  return took;
}

/// Linux maps the neighbours of a page that are in the cache with it: one page of so many, and each page.
static uint64_t file_read_apart(unsigned rounds) {
  volatile char* const at = map(rounds * kAround, MAP_PRIVATE, scratch);
  const uint64_t took = touch(at, rounds, kAround, 0);
  unmap(at, rounds * kAround);
  return took;
}

static uint64_t file_read_in_order(unsigned rounds) {
  volatile char* const at = map(rounds, MAP_PRIVATE, scratch);
  const uint64_t took = touch(at, rounds, 1, 0);
  unmap(at, rounds);
  return took;
}

static uint64_t file_write_shared(unsigned rounds) {
  volatile char* const at = map(rounds, MAP_SHARED, scratch);
  const uint64_t took = touch(at, rounds, 1, 1);
  unmap(at, rounds);
  return took;
}

static uint64_t file_write_private(unsigned rounds) {
  volatile char* const at = map(rounds, MAP_PRIVATE, scratch);
  const uint64_t took = touch(at, rounds, 1, 1);
  unmap(at, rounds);
  return took;
}

/// A child holds the pages until the parent has copied them all.
static uint64_t copy_on_write(unsigned rounds) {
  volatile char* const at = map(rounds, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  (void)touch(at, rounds, 1, 1);
  int gate[2];
  if (pipe(gate) != 0) die("pipe");
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    close(gate[1]);
    _exit(read(gate[0], &byte, 1) != 0);
  }
  close(gate[0]);
  const uint64_t took = touch(at, rounds, 1, 1);
  close(gate[1]);
  waitpid(child, NULL, 0);
  unmap(at, rounds);
  return took;
}

static uint64_t fork_exit_wait(unsigned rounds) {
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    if (waitpid(child, NULL, 0) != child) die("waitpid");
  }
  return now() - start;
}

/// A process whose image is replaced `links` times before it ends.
static uint64_t run_chain(unsigned links) {
  char count[16];
  snprintf(count, sizeof count, "%u", links);
  const uint64_t start = now();
  const pid_t child = fork();
  if (child == 0) {
    execl(exec_chain, exec_chain, count, (char*)NULL);
    _exit(127);
  }
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) die(exec_chain);
  return now() - start;
}

static uint64_t execve_static(unsigned rounds) { return run_chain(rounds) - run_chain(0); }

static uint64_t fork_exec_exit_wait(unsigned rounds) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < rounds; i++) sum += run_chain(0);
  return sum;
}

static uint64_t map_unmap(unsigned rounds) {
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    char* const at = mmap(NULL, 16 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at, 16 * kPage);
  }
  return now() - start;
}

static uint64_t map_touch_unmap(unsigned rounds) {
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    char* const at = mmap(NULL, 16 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char*)at = 1;
    munmap(at, 16 * kPage);
  }
  return now() - start;
}

static uint64_t map_unmap_file(unsigned rounds) {
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    char* const at = mmap(NULL, 16 * kPage, PROT_READ, MAP_SHARED, scratch, 0);
    munmap(at, 16 * kPage);
  }
  return now() - start;
}

static uint64_t protect(unsigned rounds) {
  volatile char* const at = map(16, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  (void)touch(at, 16, 1, 1);
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    mprotect((char*)at + 4 * kPage, 4 * kPage, i % 2 == 0 ? PROT_READ : PROT_READ | PROT_WRITE);
  }
  const uint64_t took = now() - start;
  unmap(at, 16);
  return took;
}

static uint64_t pipe_round_trip(unsigned rounds) {
  int there[2], back[2];
  char byte = 0;
  if (pipe(there) != 0 || pipe(back) != 0) die("pipe");
  const pid_t child = fork();
  if (child == 0) {
    close(there[1]);
    while (read(there[0], &byte, 1) == 1) (void)!write(back[1], &byte, 1);
    _exit(0);
  }
  close(there[0]);
  (void)!write(there[1], &byte, 1);
  (void)!read(back[0], &byte, 1);
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) die("round trip");
  }
  const uint64_t took = now() - start;
  close(there[1]);
  close(back[0]);
  close(back[1]);
  waitpid(child, NULL, 0);
  return took;
}

/// Two processes that only give way to each other; an operation is one yield, so one switch.
static uint64_t context_switch(unsigned rounds) {
  int gate[2];
  char byte;
  if (pipe(gate) != 0) die("pipe");
  const pid_t child = fork();
  if (child == 0) {
    close(gate[0]);
    (void)!write(gate[1], "", 1);
    for (unsigned i = 0; i < rounds; i++) sched_yield();
    _exit(0);
  }
  (void)!read(gate[0], &byte, 1);
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds / 2; i++) sched_yield();
  const uint64_t took = now() - start;
  close(gate[0]);
  close(gate[1]);
  waitpid(child, NULL, 0);
  return took;
}

static uint64_t read_page(unsigned rounds) {
  static char page[kPage];
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) {
    if (pread(scratch, page, kPage, (off_t)(i % kPages) * kPage) != kPage) die("pread");
  }
  return now() - start;
}

static uint64_t open_close(unsigned rounds) {
  const uint64_t start = now();
  for (unsigned i = 0; i < rounds; i++) close(open(exec_chain, O_RDONLY));
  return now() - start;
}

static const struct operation kOperations[] = {
    {"null system call", null_call, 1000},
    {"anonymous fault, write", anonymous_write, kPages},
    {"anonymous fault, read", anonymous_read, kPages},
    {"file fault, one page in 16", file_read_apart, kPages / 4},
    {"file mapping read through, a page", file_read_in_order, 4 * kPages},
    {"file fault, shared write", file_write_shared, kPages},
    {"file fault, private write", file_write_private, kPages},
    {"copy-on-write fault", copy_on_write, kPages},
    {"fork + exit + wait", fork_exit_wait, 50},
    {"execve (static)", execve_static, 50},
    {"fork + execve + exit + wait", fork_exec_exit_wait, 30},
    {"mmap + munmap", map_unmap, 500},
    {"mmap + touch + munmap", map_touch_unmap, 500},
    {"mmap + munmap of a file", map_unmap_file, 500},
    {"mprotect, splits and merges", protect, 500},
    {"pipe round trip", pipe_round_trip, 500},
    {"context switch (sched_yield)", context_switch, 1000},
    {"pread of 4 KiB", read_page, 500},
    {"open + close", open_close, 500},
};

static void make_scratch(const char* path) {
  static char page[kPage];
  scratch = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (scratch < 0) die(path);
  memset(page, 's', sizeof page);
  for (int i = 0; i < kPages * 4; i++) {
    if (write(scratch, page, kPage) != kPage) die(path);
  }
}

static int by_size(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*)a, y = *(const uint64_t*)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: paths EXEC_CHAIN SCRATCH_FILE\n");
    return 2;
  }
  exec_chain = argv[1];
  make_scratch(argv[2]);
  for (size_t i = 0; i < sizeof kOperations / sizeof *kOperations; i++) {
    const struct operation* const operation = &kOperations[i];
    uint64_t took[kBatches];
    (void)operation->batch(operation->rounds);
    for (int batch = 0; batch < kBatches; batch++) took[batch] = operation->batch(operation->rounds);
    qsort(took, kBatches, sizeof *took, by_size);
    printf("%s\t%.0f\n", operation->name, (double)took[kBatches / 2] / operation->rounds);
  }
  return 0;
}
