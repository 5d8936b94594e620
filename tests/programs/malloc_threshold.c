// brk against mmap, as malloc uses them: from 128 KiB on a piece is a mapping of its own, below it lies in the heap; what
// was such a mapping and is freed moves the threshold up; the heap grows and is given back by brk.
// @no-qemu-user its heap is the host's business
// @native
// @links static
//
// > 100000 bytes: in the heap; 140000: a mapping of its own
// > a mapping's piece, freed: unmapped 1
// > 140000 again: in the heap
// > 1000000: a mapping of its own
// > 600 pieces of 2000: in the heap 1, heap grows by 600 kB or more 1
// > all freed and trimmed: heap shrinks by 500 kB or more 1
// > brk up and down by 3 pages: 0 0, new page zero 1, gone SIGSEGV 1
// > brk below its start: refused 1
#define _GNU_SOURCE
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

/// The bounds of the heap by the maps.
static void heap(uintptr_t *start, uintptr_t *end) {
  char line[256];
  *start = *end = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  char buffer[512];
  setvbuf(maps, buffer, _IOFBF, sizeof buffer);
  while (fgets(line, sizeof line, maps)) {
    if (strstr(line, "[heap]")) sscanf(line, "%lx-%lx", start, end);
  }
  fclose(maps);
}
static uintptr_t heap_kb(void) {
  uintptr_t start, end;
  heap(&start, &end);
  return (end - start) / 1024;
}
static const char *where(const void *piece) {
  uintptr_t start, end, at = (uintptr_t)piece;
  heap(&start, &end);
  return at >= start && at < end ? "in the heap" : "a mapping of its own";
}
static int is_mapped(uintptr_t at) {
  uintptr_t start, end;
  char line[256];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps)) found |= sscanf(line, "%lx-%lx", &start, &end) == 2 && at >= start && at < end;
  fclose(maps);
  return found;
}
static long raw_brk(uintptr_t at) { return syscall(SYS_brk, at); }

int main(void) {
  static char out[4096];
  setvbuf(stdout, out, _IOFBF, sizeof out);
  free(malloc(1));
  void *const small = malloc(100000), *large = malloc(140000);
  printf("100000 bytes: %s; 140000: %s\n", where(small), where(large));
  const uintptr_t was = (uintptr_t)large;
  free(large);
  printf("a mapping's piece, freed: unmapped %d\n", !is_mapped(was));
  large = malloc(140000);
  printf("140000 again: %s\n", where(large));
  void *const huge = malloc(1000000);
  printf("1000000: %s\n", where(huge));
  static void *pieces[600];
  const uintptr_t before = heap_kb();
  int inside = 1;
  free(large), free(small);
  for (int i = 0; i < 600; i++) pieces[i] = malloc(2000), memset(pieces[i], 1, 2000);
  for (int i = 0; i < 600; i += 100) inside &= strcmp(where(pieces[i]), "in the heap") == 0;
  const uintptr_t full = heap_kb();
  printf("600 pieces of 2000: in the heap %d, heap grows by 600 kB or more %d\n", inside, full >= before + 600);
  for (int i = 0; i < 600; i++) free(pieces[i]);
  malloc_trim(0);
  printf("all freed and trimmed: heap shrinks by 500 kB or more %d\n", heap_kb() + 500 <= full);

  const uintptr_t now = (uintptr_t)raw_brk(0);
  const int up = raw_brk(now + 3 * PAGE) != (long)(now + 3 * PAGE);
  volatile char *const page = (volatile char *)((now + 2 * PAGE) & ~(uintptr_t)(PAGE - 1));
  const int zero = *page == 0;
  *page = 1;
  const int down = raw_brk(now) != (long)now;
  fflush(stdout);
  const pid_t toucher = fork();
  if (toucher == 0) {
    *page = 1;
    _exit(0);
  }
  int status = 0;
  waitpid(toucher, &status, 0);
  printf("brk up and down by 3 pages: %d %d, new page zero %d, gone SIGSEGV %d\n", up, down, zero,
         WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  uintptr_t start, end;
  heap(&start, &end);
  printf("brk below its start: refused %d\n", raw_brk(start - PAGE) == (long)now);
  return 0;
}
