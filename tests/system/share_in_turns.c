// Writes a file of a share, and the share's disk with it, again and again; another process that opens the file and
// reads some pages of it must not have to wait until the writer has had enough. Prints "in turns".
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 500, PAGES = 16, STRIDE = 65536 };

int main(void) {
  volatile int *const rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  static char page[4096];
  const pid_t writer = fork();
  if (writer == 0) {
    const int fd = open("/mnt/file", O_RDWR);
    while (*rounds < ROUNDS) {
      if (pwrite(fd, page, sizeof page, 0) != sizeof page || fdatasync(fd) != 0) return 1;
      ++*rounds;
    }
    return 0;
  }
  while (*rounds < 3) usleep(1000);
  const int fd = open("/mnt/file", O_RDONLY);
  for (int i = 1; i < PAGES; i++) {
    if (pread(fd, page, sizeof page, (off_t)i * STRIDE) != sizeof page) return 2;
  }
  puts(*rounds < ROUNDS ? "in turns" : "the writer first");
  kill(writer, SIGKILL);
  waitpid(writer, NULL, 0);
  return 0;
}
