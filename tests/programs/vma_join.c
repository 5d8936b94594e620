// Anonymous neighbours that were written apart stay apart, as Linux has it from 6.16 on: pages of two origins cannot
// be one mapping, and what came by fork takes in nothing new.
// @no-qemu-user its own mappings show in the maps
// @no-linux Debian 13's Linux 6.12 does not join what was never written to what was, a bug mended in 6.16
// @native
// @links static
//
// > both unwritten: 0-8
// > left written, right new: 0-8
// > right written, left new: 0-8
// > written apart, then joined by the middle: 0-4 4-8 8-12 -> 0-8 8-12
// > written apart, permissions made equal: 0-4 4-8
// > written as one, cut and made equal again: 0-8
// > neighbour of another protection lends its identity: 0-8
// > an unwritten middle given back its protection: 0-8 8-12
// > moved to beside: unwritten 0-8, written 0-4 4-8
// > in a child: new beside inherited 0-4 4-8; cut and made equal 0-4
// > in the parent: new beside what the child has too 0-8
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static char *base;

static char *at(unsigned long page) { return base + page * PAGE; }
static void map(unsigned long page, unsigned long pages) {
  mmap(at(page), pages * PAGE, RW, ANON | MAP_FIXED, -1, 0);
}
static void write_to(unsigned long page) { *(volatile char *)at(page) = 1; }

static void show(void) {
  char line[512];
  unsigned long start, end;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%lx-%lx", &start, &end) != 2 || start < (unsigned long)base || end > (unsigned long)at(100)) continue;
    printf(" %lu-%lu", (start - (unsigned long)base) / PAGE, (end - (unsigned long)base) / PAGE);
  }
  fclose(maps);
}
static void fresh(const char *what) {
  munmap(base, 100 * PAGE);
  printf("%s", what);
}
static void child_and_parent(void) {
  map(0, 4), write_to(0);
  fflush(stdout);
  if (fork() == 0) {
    map(4, 4), show();
    munmap(at(4), 4 * PAGE);
    mprotect(at(0), 2 * PAGE, PROT_READ), mprotect(at(0), 2 * PAGE, RW);
    printf("; cut and made equal"), show(), printf("\n");
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  printf("in the parent: new beside what the child has too");
  map(4, 4), show(), printf("\n");
}

int main(void) {
  base = mmap(NULL, 300 * PAGE, PROT_NONE, ANON, -1, 0);
  munmap(base, 300 * PAGE);
  base += 100 * PAGE;

  fresh("both unwritten:"), map(0, 4), map(4, 4), show();
  fresh("\nleft written, right new:"), map(0, 4), write_to(0), map(4, 4), show();
  fresh("\nright written, left new:"), map(4, 4), write_to(4), map(0, 4), show();
  fresh("\nwritten apart, then joined by the middle:"), map(0, 4), map(8, 4), write_to(0), write_to(8), map(4, 2), map(6, 2);
  mmap(at(4), 4 * PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0), show(), printf(" ->"), map(4, 4), show();
  fresh("\nwritten apart, permissions made equal:"), map(0, 4), map(8, 4), write_to(0), write_to(8);
  mremap(at(8), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(4)), show();
  fresh("\nwritten as one, cut and made equal again:"), map(0, 8), write_to(0), write_to(7);
  mprotect(at(4), 4 * PAGE, PROT_READ), mprotect(at(4), 4 * PAGE, RW), show();
  fresh("\nneighbour of another protection lends its identity:"), map(0, 8);
  mprotect(at(4), 4 * PAGE, RW | PROT_EXEC), write_to(0), write_to(4), mprotect(at(4), 4 * PAGE, RW), show();
  fresh("\nan unwritten middle given back its protection:"), map(0, 12), mprotect(at(4), 4 * PAGE, PROT_READ);
  write_to(0), write_to(8), mprotect(at(4), 4 * PAGE, RW), show();
  fresh("\nmoved to beside: unwritten"), map(0, 4), map(20, 4);
  mremap(at(20), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(4)), show();
  fresh(", written"), map(0, 4), map(20, 4), write_to(20);
  mremap(at(20), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(4)), show();
  fresh("\nin a child: new beside inherited"), child_and_parent();
  return 0;
}
