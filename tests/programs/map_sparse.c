// A sparse file of many gigabytes mapped at 1 GiB and beyond 4 GiB: only what is touched takes room; SEEK_DATA and
// SEEK_HOLE, punching holes, fallocate.
//
// > size 8589934592, blocks small 1
// > at 1 GiB: "one", at 5 GiB: "five", between: 0
// > touched pages: data at 1073741824, hole at 1073745824 or later page 1
// > data at 5 GiB: 5368709120, then ENXIO
// > punched: zeros 1, size kept 1, blocks fewer 1
// > allocated: size grows 1, not with KEEP_SIZE 1
// > errors: EINVAL EBADF ESPIPE EFBIG
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096L
#define GIB (1L << 30)
static const char *result(int value) { return value == 0 ? "0" : strerrorname_np(errno); }
static struct stat facts(int fd) {
  struct stat stat;
  fstat(fd, &stat);
  return stat;
}

int main(void) {
  int fd = memfd_create("sparse", 0), ends[2];
  ftruncate(fd, 8 * GIB);
  printf("size %ld, blocks small %d\n", (long)facts(fd).st_size, facts(fd).st_blocks < 100);
  char *one = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, GIB);
  char *five = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 5 * GIB);
  strcpy(one, "one");
  strcpy(five, "five");
  char a[8] = "", b[8] = "", c = 'x';
  pread(fd, a, 4, GIB);
  pread(fd, b, 5, 5 * GIB);
  pread(fd, &c, 1, 3 * GIB);
  printf("at 1 GiB: \"%s\", at 5 GiB: \"%s\", between: %d\n", a, b, c);
  printf("touched pages: data at %ld, hole at 1073745824 or later page %d\n", (long)lseek(fd, 0, SEEK_DATA),
         lseek(fd, GIB, SEEK_HOLE) == GIB + PAGE);
  printf("data at 5 GiB: %ld, then ", (long)lseek(fd, GIB + PAGE, SEEK_DATA));
  printf("%s\n", lseek(fd, 5 * GIB + PAGE, SEEK_DATA) < 0 ? strerrorname_np(errno) : "-");
  long blocks = facts(fd).st_blocks;
  fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, GIB, PAGE);
  printf("punched: zeros %d, size kept %d, blocks fewer %d\n", one[0] == 0, facts(fd).st_size == 8 * GIB,
         facts(fd).st_blocks <= blocks);
  fallocate(fd, 0, 8 * GIB, 2 * PAGE);
  int grows = facts(fd).st_size == 8 * GIB + 2 * PAGE;
  fallocate(fd, FALLOC_FL_KEEP_SIZE, 8 * GIB, 9 * PAGE);
  printf("allocated: size grows %d, not with KEEP_SIZE %d\n", grows, facts(fd).st_size == 8 * GIB + 2 * PAGE);
  pipe(ends);
  int only = open("/proc/self/exe", O_RDONLY);
  printf("errors: %s ", result(fallocate(fd, 0, -1, 5)));
  printf("%s ", result(fallocate(only, 0, 0, 5)));
  printf("%s ", result(fallocate(ends[1], 0, 0, 5)));
  printf("%s\n", result(fallocate(fd, 0, 0x7fffffffffffffff, 0x7fffffffffffffff)));
}
