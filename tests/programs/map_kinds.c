// The kinds of memory: private and shared, of files, anonymous and of /dev/zero, across fork.
// @native
//
// > private anonymous: zeros 1, parent keeps 'p'
// > shared anonymous: parent sees 'c'
// > private file: parent keeps 'f', file keeps 'f'
// > shared file: parent sees 'c', file has 'c'
// > private /dev/zero: parent keeps 'p'
// > shared /dev/zero: parent sees 'c', named "/dev/zero (deleted)" 1
// > not shared between mappings of /dev/zero: 1
// > /dev/full, a pipe, a directory: ENODEV ENODEV ENODEV
// > private write behind a later change: sees 'B', own page keeps 'w'
// > no flags, both flags: EINVAL 0
// > offset: EINVAL odd, "third" at 8192
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static char path[] = "/tmp/kinds-XXXXXX";

static char *map(int flags, int fd, off_t offset) {
  return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, offset);
}
static const char *failed(void *at) { return at == MAP_FAILED ? strerrorname_np(errno) : "0"; }
/// The child writes 'c'; what the parent sees then.
static char after_child(char *at) {
  if (fork() == 0) {
    at[0] = 'c';
    _exit(0);
  }
  wait(NULL);
  return at[0];
}

int main(void) {
  char byte, line[4096];
  int fd = mkstemp(path), zero = open("/dev/zero", O_RDWR), ends[2];
  ftruncate(fd, 3 * PAGE);

  char *own = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int zeros = own[0] == 0 && own[PAGE - 1] == 0;
  own[0] = 'p';
  printf("private anonymous: zeros %d, parent keeps '%c'\n", zeros, after_child(own));
  printf("shared anonymous: parent sees '%c'\n", after_child(map(MAP_SHARED | MAP_ANONYMOUS, -1, 0)));

  pwrite(fd, "f", 1, 0);
  char seen = after_child(map(MAP_PRIVATE, fd, 0));
  pread(fd, &byte, 1, 0);
  printf("private file: parent keeps '%c', file keeps '%c'\n", seen, byte);
  seen = after_child(map(MAP_SHARED, fd, 0));
  pread(fd, &byte, 1, 0);
  printf("shared file: parent sees '%c', file has '%c'\n", seen, byte);

  char *private_zero = map(MAP_PRIVATE, zero, 0), *shared_zero = map(MAP_SHARED, zero, 0), *other = map(MAP_SHARED, zero, 0);
  private_zero[0] = 'p';
  printf("private /dev/zero: parent keeps '%c'\n", after_child(private_zero));
  seen = after_child(shared_zero);
  int named = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps)) {
    unsigned long start = strtoul(line, NULL, 16);
    named |= start <= (unsigned long)shared_zero && strstr(line, "/dev/zero (deleted)") != NULL;
  }
  printf("shared /dev/zero: parent sees '%c', named \"/dev/zero (deleted)\" %d\n", seen, named);
  printf("not shared between mappings of /dev/zero: %d\n", other[0] == 0);

  if (pipe(ends) != 0) return 1;
  int full = open("/dev/full", O_RDWR), directory = open("/tmp", O_RDONLY | O_DIRECTORY);
  printf("/dev/full, a pipe, a directory: %s ", failed(map(MAP_SHARED, full, 0)));
  printf("%s ", failed(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0)));
  printf("%s\n", failed(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0)));

  pwrite(fd, "A", 1, PAGE);
  char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  two[0] = 'w';
  pwrite(fd, "B", 1, PAGE);
  pwrite(fd, "C", 1, 0);
  printf("private write behind a later change: sees '%c', own page keeps '%c'\n", two[PAGE], two[0]);
  printf("no flags, both flags: %s ", failed(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0)));
  printf("%s\n", failed(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE, fd, 0)));
  pwrite(fd, "third", 5, 2 * PAGE);
  printf("offset: %s odd, ", failed(map(MAP_SHARED, fd, 100)));
  printf("\"%s\" at 8192\n", map(MAP_SHARED, fd, 2 * PAGE));
  unlink(path);
}
