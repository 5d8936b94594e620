// mremap: growing in place and by moving, shrinking, fixed targets, duplicating shared memory, DONTUNMAP; contents and
// page counts stay; its errors. brk beside it: the heap grows, shrinks and is fresh again; malloc uses brk below
// 128 KiB and mmap from there on.
//
// @no-qemu-user it crashes in mremap with old size 0
// @native
//
// > grows in place: same 1, zeros 1
// > grows by moving: moved 1, contents 1, zeros 1, old place ENOMEM
// > may not move: ENOMEM
// > shrinks: same 1, rest ENOMEM
// > to a fixed place: there 1, contents 1, replaced 1
// > half of a mapping: moved 1, other half stays 1
// > of a file: follows 1
// > shared, old size 0: second view 1
// > private, old size 0: EINVAL
// > don't unmap: contents 1, old place zeros 1
// > errors: EINVAL EINVAL EINVAL EFAULT EINVAL
// > heap grows 1, zeros 1, shrinks 1, fresh 1
// > below the threshold by brk 1, above by mmap 1
// > heap does not run into a mapping: ENOMEM 1
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static char *map(unsigned long pages) { return mmap(NULL, pages * PAGE, RW, ANON, -1, 0); }
/// A page range with free room behind it.
static char *roomy(unsigned long pages) {
  char *at = map(pages + 64);
  munmap(at + pages * PAGE, 64 * PAGE);
  return at;
}
static const char *failed(void *at) { return at == MAP_FAILED ? strerrorname_np(errno) : "0"; }
static int zeros(char *at, unsigned long pages) {
  for (unsigned long i = 0; i < pages * PAGE; ++i)
    if (at[i]) return 0;
  return 1;
}
static const char *there(char *at) {
  unsigned char vector[1];
  return mincore(at, PAGE, vector) == 0 ? "0" : strerrorname_np(errno);
}

static void moving(void) {
  char *at = roomy(4), *to = mremap(at, 4 * PAGE, 8 * PAGE, 0);
  printf("grows in place: same %d, zeros %d\n", to == at, zeros(at, 8));
  strcpy(at + 3 * PAGE, "content");
  mmap(at + 8 * PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
  to = mremap(at, 8 * PAGE, 32 * PAGE, MREMAP_MAYMOVE);
  printf("grows by moving: moved %d, contents %d, zeros %d, ", to != at, !strcmp(to + 3 * PAGE, "content"), zeros(to + 8 * PAGE, 24));
  printf("old place %s\n", there(at));
  char *tight = map(4);
  char *lower = mmap(tight, 2 * PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
  printf("may not move: %s\n", failed(mremap(lower, 2 * PAGE, 3 * PAGE, 0)));
  char *less = mremap(to, 32 * PAGE, 4 * PAGE, 0);
  printf("shrinks: same %d, rest %s\n", less == to, there(to + 4 * PAGE));
  char *target = map(8);
  target[0] = 't';
  char *fixed = mremap(to, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  printf("to a fixed place: there %d, contents %d, replaced %d\n", fixed == target, !strcmp(fixed + 3 * PAGE, "content"),
         fixed[0] == 0);
  char *whole = map(8);
  whole[0] = '0', whole[4 * PAGE] = '4';
  char *half = mremap(whole + 4 * PAGE, 4 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
  printf("half of a mapping: moved %d, other half stays %d\n", half[0] == '4', whole[0] == '0');

  int fd = memfd_create("move", 0);
  ftruncate(fd, 64 * PAGE);
  pwrite(fd, "late", 5, 40 * PAGE);
  char *file = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE);
  file = mremap(file, 4 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
  printf("of a file: follows %d\n", !strcmp(file + 38 * PAGE, "late"));
  char *second = mremap(file, 0, 40 * PAGE, MREMAP_MAYMOVE);
  strcpy(second, "twice");
  printf("shared, old size 0: second view %d\n", second != file && !strcmp(file, "twice"));
  printf("private, old size 0: %s\n", failed(mremap(whole, 0, PAGE, MREMAP_MAYMOVE)));
  char *keep = map(2);
  strcpy(keep, "kept");
  char *other = mremap(keep, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  printf("don't unmap: contents %d, old place zeros %d\n", !strcmp(other, "kept"), zeros(keep, 2));
  printf("errors: %s ", failed(mremap(whole + 1, PAGE, PAGE, 0)));
  printf("%s ", failed(mremap(whole, PAGE, 0, 0)));
  printf("%s ", failed(mremap(whole, PAGE, PAGE, MREMAP_FIXED, target)));
  munmap(whole + PAGE, PAGE);
  printf("%s ", failed(mremap(whole, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE)));
  printf("%s\n", failed(mremap(whole, PAGE, PAGE, 64)));
}

static void heap(void) {
  char *start = sbrk(0);
  sbrk(8 * PAGE);
  int grows = (char *)sbrk(0) == start + 8 * PAGE, zero = zeros(start, 8);
  memset(start, 'h', 8 * PAGE);
  sbrk(-8 * (long)PAGE);
  int shrinks = sbrk(0) == start;
  sbrk(8 * PAGE);
  printf("heap grows %d, zeros %d, shrinks %d, fresh %d\n", grows, zero, shrinks, zeros(start + PAGE, 7));
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  char *small = malloc(100 * 1024), *large = malloc(200 * 1024), *end = sbrk(0);
  printf("below the threshold by brk %d, above by mmap %d\n", small >= start - (1 << 20) && small < end,
         large < start - (1 << 20) || large > end);
  char *now = sbrk(0);
  char *page = (char *)(((uintptr_t)now + PAGE - 1) & ~(PAGE - 1));
  mmap(page + 4 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
  errno = 0;
  void *result = sbrk(64 * PAGE);
  printf("heap does not run into a mapping: %s %d\n", result == (void *)-1 ? strerrorname_np(errno) : "-", sbrk(0) == now);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  moving();
  heap();
}
