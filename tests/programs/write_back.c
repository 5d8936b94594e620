// A shared mapping of a file and what others see of it: through read at once, after msync, after fsync, after the
// mapping and the program that wrote it are gone; msync's errors.
// @native
//
// > read sees the store: "mapped"
// > store sees the write: "written"
// > msync: sync 0 async 0 invalidate 0
// > errors: EINVAL EINVAL ENOMEM EINVAL
// > fsync after stores: 0, fdatasync 0, pipe EINVAL
// > after exit of the writer: "child" at page 5
// > after munmap: "still"
// > truncated away and back: zeros 1
// > modified: mtime advances 1
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
static const char *result(int value) { return value == 0 ? "0" : strerrorname_np(errno); }

int main(void) {
  char path[] = "/tmp/write-back-XXXXXX", text[16] = "";
  int fd = mkstemp(path), ends[2];
  ftruncate(fd, 8 * PAGE);
  char *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  strcpy(at + 10, "mapped");
  pread(fd, text, 6, 10);
  printf("read sees the store: \"%s\"\n", text);
  pwrite(fd, "written", 8, PAGE + 20);
  printf("store sees the write: \"%s\"\n", at + PAGE + 20);
  printf("msync: sync %s ", result(msync(at, 8 * PAGE, MS_SYNC)));
  printf("async %s ", result(msync(at, 8 * PAGE, MS_ASYNC)));
  printf("invalidate %s\n", result(msync(at, PAGE, MS_SYNC | MS_INVALIDATE)));
  printf("errors: %s ", result(msync(at + 1, PAGE, MS_SYNC)));
  printf("%s ", result(msync(at, PAGE, MS_SYNC | MS_ASYNC)));
  munmap(at + 7 * PAGE, PAGE);
  printf("%s ", result(msync(at, 8 * PAGE, MS_SYNC)));
  printf("%s\n", result(msync(at, PAGE, 64)));
  at[2 * PAGE] = 'd';
  pipe(ends);
  printf("fsync after stores: %s, ", result(fsync(fd)));
  printf("fdatasync %s, ", result(fdatasync(fd)));
  printf("pipe %s\n", result(fsync(ends[0])));
  if (fork() == 0) {
    strcpy(at + 5 * PAGE, "child");
    _exit(0);
  }
  wait(NULL);
  pread(fd, text, 6, 5 * PAGE);
  printf("after exit of the writer: \"%s\" at page 5\n", text);
  strcpy(at + 6 * PAGE, "still");
  munmap(at, 7 * PAGE);
  pread(fd, text, 6, 6 * PAGE);
  printf("after munmap: \"%s\"\n", text);
  ftruncate(fd, 0);
  ftruncate(fd, 8 * PAGE);
  at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  int zeros = 1;
  for (int i = 0; i < 8 * PAGE; ++i) zeros &= at[i] == 0;
  printf("truncated away and back: zeros %d\n", zeros);
  // A fresh mapping: Linux' tmpfs hears of a page's first fault alone, and that must be the store.
  munmap(at, 8 * PAGE);
  at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  struct stat before, after;
  fstat(fd, &before);
  usleep(20000);
  at[0] = 'm';
  msync(at, PAGE, MS_SYNC);
  fstat(fd, &after);
  printf("modified: mtime advances %d\n", after.st_mtim.tv_sec > before.st_mtim.tv_sec ||
                                              after.st_mtim.tv_nsec > before.st_mtim.tv_nsec);
  unlink(path);
}
