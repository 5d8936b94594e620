// Mapping a file and growing it with ftruncate: what lies behind the end comes into being, shrinking zeroes the tail;
// a mapping goes on after its descriptor is closed and the file's name is gone.
// @native
//
// > grown under the mapping: "one" then "two"
// > tail after growing: zeros 1
// > shrunk and grown again: kept 1, zeros 1
// > closed: still "ONE"
// > removed: still writable 1, link "(deleted)" 1
// > read-only descriptor: shared writable EACCES, private writable 0
// > write-only descriptor: EACCES
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static int zeros(const char *at, size_t n) {
  while (n-- > 0)
    if (*at++) return 0;
  return 1;
}
static const char *mapped(int prot, int flags, int fd) {
  return mmap(NULL, PAGE, prot, flags, fd, 0) == MAP_FAILED ? strerrorname_np(errno) : "0";
}

int main(void) {
  char path[] = "/tmp/grow-XXXXXX", line[4096];
  int fd = mkstemp(path);
  ftruncate(fd, 10);
  char *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  strcpy(at, "one");
  ftruncate(fd, 4 * PAGE);
  strcpy(at + 3 * PAGE, "two");
  char back[4] = "";
  pread(fd, back, 3, 3 * PAGE);
  printf("grown under the mapping: \"%s\" then \"%s\"\n", at, back);
  strcpy(at + 3 * PAGE + 100, "behind");
  ftruncate(fd, 3 * PAGE + 50);
  ftruncate(fd, 4 * PAGE);
  printf("tail after growing: zeros %d\n", zeros(at + 3 * PAGE + 50, PAGE - 50));
  at[2 * PAGE] = 'x';
  ftruncate(fd, PAGE);
  ftruncate(fd, 4 * PAGE);
  printf("shrunk and grown again: kept %d, zeros %d\n", !strcmp(at, "one"), zeros(at + PAGE, 3 * PAGE));
  close(fd);
  memcpy(at, "ONE", 3);
  printf("closed: still \"%s\"\n", at);
  int again = open(path, O_RDONLY);
  unlink(path);
  at[PAGE] = 'y';
  int deleted = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps)) deleted |= strstr(line, path) && strstr(line, "(deleted)");
  pread(again, back, 1, PAGE);
  printf("removed: still writable %d, link \"(deleted)\" %d\n", back[0] == 'y', deleted);
  printf("read-only descriptor: shared writable %s, private writable %s\n",
         mapped(PROT_READ | PROT_WRITE, MAP_SHARED, again), mapped(PROT_READ | PROT_WRITE, MAP_PRIVATE, again));
  int only = open("/tmp/grow-only", O_CREAT | O_WRONLY, 0600);
  printf("write-only descriptor: %s\n", mapped(PROT_WRITE, MAP_SHARED, only));
  unlink("/tmp/grow-only");
}
