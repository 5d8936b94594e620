// Copy on write counted page by page through chains of forks, and reuse when the last sharer writes: minor faults of
// each process, and frames as pagemap (root's) tells them.
// @no-qemu-user its own faults and mappings show
// @native
// @links static
//
// > child: 16 writes 16 faults, reads 0, frames changed 16
// > grandchild: 8 writes 8 faults, shares the other 8
// > parent after they ended: 16 writes 16 faults, frames kept 16
// > again: 0 faults
// > four generations: each copies 4 of 16, sums 64 1
// > shared memory: 0 copies, written by the child 16
// > zero page: 16 reads 16 faults, all the same frame, 16 writes 16 faults
// > vfork: child's write is the parent's 1, faults of a copy 0
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define PAGES 16

static int pagemap;
static char *at;

static long faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}
static uint64_t frame(char *page) {
  uint64_t entry = 0;
  pread(pagemap, &entry, 8, (off_t)((uintptr_t)page / PAGE * 8));
  return entry & ((1ULL << 55) - 1);
}
static long write_pages(char *from, int first, int count) {
  long before = faults();
  for (int i = first; i < first + count; ++i) from[(unsigned long)i * PAGE]++;
  return faults() - before;
}
static void open_pagemap(void) {
  close(pagemap);
  pagemap = open("/proc/self/pagemap", O_RDONLY);
}
/// Linux keeps a reference to pages that were given lately, one list a processor, and copies a page that has one: a
/// program that moves to another processor between a touch and a write would see copies nobody needs.
static void stay_on_one_processor(void) {
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(sched_getcpu(), &here);
  sched_setaffinity(0, sizeof here, &here);
}
static char *map(int flags) {
  char *made = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  madvise(made, PAGES * PAGE, MADV_NOHUGEPAGE);
  return made;
}

static int generation(int depth) {
  write_pages(at, depth * 4, 4);
  if (depth < 3) {
    if (fork() == 0) _exit(generation(depth + 1));
    int status;
    wait(&status);
    int sum = WEXITSTATUS(status);
    for (int i = 0; i < PAGES; ++i) sum += at[(unsigned long)i * PAGE] == (i < (depth + 1) * 4 ? 2 : 1);
    return sum;
  }
  int sum = 0;
  for (int i = 0; i < PAGES; ++i) sum += at[(unsigned long)i * PAGE] == 2;
  return sum;
}

int main(void) {
  uint64_t frames[PAGES];
  setvbuf(stdout, NULL, _IONBF, 0);
  stay_on_one_processor();
  open_pagemap();
  at = map(MAP_PRIVATE);
  write_pages(at, 0, PAGES);
  for (int i = 0; i < PAGES; ++i) frames[i] = frame(at + (unsigned long)i * PAGE);
  if (fork() == 0) {
    open_pagemap();
    faults(), write_pages(at, 0, 0);
    long before = faults(), sum = 0;
    for (int i = 0; i < PAGES; ++i) sum += ((volatile char *)at)[(unsigned long)i * PAGE];
    long reads = faults() - before, writes = write_pages(at, 0, PAGES);
    int changed = 0;
    for (int i = 0; i < PAGES; ++i) changed += frame(at + (unsigned long)i * PAGE) != frames[i];
    printf("child: 16 writes %ld faults, reads %ld, frames changed %d\n", writes, reads, changed);
    for (int i = 0; i < PAGES; ++i) frames[i] = frame(at + (unsigned long)i * PAGE);
    if (fork() == 0) {
      open_pagemap();
      faults();
      writes = write_pages(at, 0, 8);
      int shared = 0;
      for (int i = 8; i < PAGES; ++i) shared += frame(at + (unsigned long)i * PAGE) == frames[i];
      printf("grandchild: 8 writes %ld faults, shares the other %d\n", writes, shared);
      _exit(0);
    }
    wait(NULL);
    _exit(0);
  }
  wait(NULL);
  faults();
  long writes = write_pages(at, 0, PAGES);
  int kept = 0;
  for (int i = 0; i < PAGES; ++i) kept += frame(at + (unsigned long)i * PAGE) == frames[i];
  printf("parent after they ended: 16 writes %ld faults, frames kept %d\n", writes, kept);
  printf("again: %ld faults\n", write_pages(at, 0, PAGES));

  memset(at, 0, PAGES * PAGE);
  for (int i = 0; i < PAGES; ++i) at[(unsigned long)i * PAGE] = 1;
  int status;
  if (fork() == 0) _exit(generation(0));
  wait(&status);
  printf("four generations: each copies 4 of 16, sums 64 %d\n", WEXITSTATUS(status) == 64);

  char *shared = map(MAP_SHARED);
  write_pages(shared, 0, PAGES);
  for (int i = 0; i < PAGES; ++i) frames[i] = frame(shared + (unsigned long)i * PAGE);
  if (fork() == 0) {
    write_pages(shared, 0, PAGES);
    _exit(0);
  }
  wait(NULL);
  int copies = 0, written = 0;
  for (int i = 0; i < PAGES; ++i) {
    copies += frame(shared + (unsigned long)i * PAGE) != frames[i];
    written += shared[(unsigned long)i * PAGE] == 2;
  }
  printf("shared memory: %d copies, written by the child %d\n", copies, written);

  char *zero = map(MAP_PRIVATE);
  long before = faults(), sum = 0;
  for (int i = 0; i < PAGES; ++i) sum += ((volatile char *)zero)[(unsigned long)i * PAGE];
  long reads = faults() - before;
  int same = sum == 0;
  for (int i = 1; i < PAGES; ++i) same &= frame(zero + (unsigned long)i * PAGE) == frame(zero);
  printf("zero page: 16 reads %ld faults, %s, 16 writes %ld faults\n", reads, same ? "all the same frame" : "?",
         write_pages(zero, 0, PAGES));
  uint64_t old = frame(zero);
  volatile char *seen = zero;
  pid_t child = vfork();
  if (child == 0) {
    seen[0] = 9;
    _exit(0);
  }
  waitpid(child, NULL, 0);
  printf("vfork: child's write is the parent's %d, faults of a copy %d\n", seen[0] == 9, frame(zero) != old);
}
