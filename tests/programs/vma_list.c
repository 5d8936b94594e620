// Splits and merges of mappings: after each call the lines of /proc/self/maps within one region, addresses counted in
// pages from its start, line by line as Linux shows them; MAP_FIXED over part of a mapping among them.
// @no-qemu-user its own mappings show in the maps
// @native
// @links static
//
// > three neighbours are one: 0-12 rw-p
// > protect the middle: 0-4 rw-p | 4-8 r--p | 8-12 rw-p
// > and back: 0-12 rw-p
// > unmap the middle: 0-4 rw-p | 8-12 rw-p
// > fill the hole: 0-12 rw-p
// > fixed over part: 0-3 rw-p | 3-6 rwxp | 6-12 rw-p
// > fixed no replace over part: EEXIST, beside 0
// > file over part, in order: 0-2 rw-p | 2-6 rw-p file+0 | 6-12 rw-p
// > out of order: 0-2 rw-p | 2-4 rw-p file+0 | 4-6 rw-p file+5 | 6-12 rw-p
// > neighbouring pages of the file: 0-2 rw-p | 2-6 rw-p file+0 | 6-12 rw-p
// > shared is not private: 0-2 rw-p | 2-4 rw-s file+0 | 4-6 rw-p file+2 | 6-12 rw-p
// > anonymous again: 0-12 rw-p
// > locked differs: 0-4 rw-p | 4-8 rw-p | 8-12 rw-p
// > unlocked: 0-12 rw-p
// > advice differs: 0-4 rw-p | 4-8 rw-p | 8-12 rw-p
// > advice undone: 0-12 rw-p
// > first pages: 0-1 r--p | 1-12 rw-p
// > last pages: 0-1 r--p | 1-11 rw-p | 11-12 r--p
// > overlapping change: 0-6 r--p | 6-11 rw-p | 11-12 r--p
// > all: 0-12 r--p
// > none: 0-12 ---p
// > many: 100 changes, 201 lines; undone 1
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
static char *base;
static int fd;

static int lines(const char *what, unsigned long pages, int print) {
  char line[512];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  if (print) printf("%s:", what);
  while (fgets(line, sizeof line, maps)) {
    unsigned long start, end, offset, inode;
    char mode[8];
    if (sscanf(line, "%lx-%lx %7s %lx %*s %lu", &start, &end, mode, &offset, &inode) != 5) continue;
    if (end <= (unsigned long)base || start >= (unsigned long)base + pages * PAGE) continue;
    if (print) {
      printf("%s %lu-%lu %s", count ? " |" : "", (start - (unsigned long)base) / PAGE,
             (end - (unsigned long)base) / PAGE, mode);
      if (inode) printf(" file+%lu", offset / PAGE);
    }
    ++count;
  }
  if (print) printf("\n");
  fclose(maps);
  return count;
}
static void show(const char *what) { lines(what, 12, 1); }
static char *at(unsigned long page) { return base + page * PAGE; }
static char *map(unsigned long page, unsigned long pages, int prot, int flags, int file, unsigned long offset) {
  return mmap(at(page), pages * PAGE, prot, flags | MAP_FIXED, file, (off_t)(offset * PAGE));
}

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

int main(void) {
  char path[] = "/tmp/vma-XXXXXX";
  fd = mkstemp(path);
  ftruncate(fd, 8 * PAGE);
  base = mmap(NULL, 400 * PAGE, PROT_NONE, ANON, -1, 0);
  munmap(base, 400 * PAGE);
  base += 100 * PAGE;
  map(0, 4, RW, ANON, -1, 0);
  map(8, 4, RW, ANON, -1, 0);
  map(4, 4, RW, ANON, -1, 0);
  show("three neighbours are one");
  mprotect(at(4), 4 * PAGE, PROT_READ);
  show("protect the middle");
  mprotect(at(4), 4 * PAGE, RW);
  show("and back");
  munmap(at(4), 4 * PAGE);
  show("unmap the middle");
  map(4, 4, RW, ANON, -1, 0);
  show("fill the hole");
  map(3, 3, RW | PROT_EXEC, ANON, -1, 0);
  show("fixed over part");
  void *no = mmap(at(5), 4 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
  printf("fixed no replace over part: %s, ", no == MAP_FAILED ? strerrorname_np(errno) : "0");
  no = mmap(at(20), 4 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
  printf("beside %s\n", no == at(20) ? "0" : "-");
  map(3, 3, RW, ANON, -1, 0);
  map(2, 2, RW, MAP_PRIVATE, fd, 0);
  map(4, 2, RW, MAP_PRIVATE, fd, 2);
  show("file over part, in order");
  map(4, 2, RW, MAP_PRIVATE, fd, 5);
  show("out of order");
  map(4, 2, RW, MAP_PRIVATE, fd, 2);
  show("neighbouring pages of the file");
  map(2, 2, RW, MAP_SHARED, fd, 0);
  show("shared is not private");
  map(2, 4, RW, ANON, -1, 0);
  show("anonymous again");
  // Written once, as one: before Linux 6.16 what was never written joins nothing that was (vma_join.c).
  for (unsigned long page = 0; page < 12; ++page) *at(page) = 1;
  mlock(at(4), 4 * PAGE);
  show("locked differs");
  munlock(at(4), 4 * PAGE);
  show("unlocked");
  madvise(at(4), 4 * PAGE, MADV_DONTFORK);
  show("advice differs");
  madvise(at(4), 4 * PAGE, MADV_DOFORK);
  show("advice undone");
  mprotect(at(0), PAGE, PROT_READ);
  show("first pages");
  mprotect(at(11), PAGE, PROT_READ);
  show("last pages");
  mprotect(at(0), 6 * PAGE, PROT_READ);
  show("overlapping change");
  mprotect(at(0), 12 * PAGE, PROT_READ);
  show("all");
  mprotect(at(0), 12 * PAGE, PROT_NONE);
  show("none");
  map(0, 201, RW, ANON, -1, 0);
  for (unsigned long page = 1; page < 201; page += 2) mprotect(at(page), PAGE, PROT_READ);
  int many = lines("", 201, 0);
  for (unsigned long page = 1; page < 201; page += 2) mprotect(at(page), PAGE, RW);
  printf("many: 100 changes, %d lines; undone %d\n", many, lines("", 201, 0));
  unlink(path);
}
