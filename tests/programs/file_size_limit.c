// RLIMIT_FSIZE: a write up to it is cut, one behind it is SIGXFSZ and EFBIG, whichever call makes the file grow.
// > write of 8192: 5000
// > write of 1: -1 EFBIG, signals 1
// > ftruncate to 5001: -1 EFBIG, signals 2
// > ftruncate to 5000: 0
// > truncate to 6000: -1 EFBIG, signals 3
// > fallocate of 6000: -1 EFBIG, signals 4
// > pwrite of 8192 at 4999: 1
// > write of 10 at 0: 10
// > write of 4096 to a pipe: 4096
// > without a handler: killed by SIGXFSZ
// @no-qemu-user the host's kernel may be one that does not send the signal
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t signals;
static void count(int number) {
  (void)number;
  signals++;
}

static void show(const char* what, long result) {
  if (result < 0) {
    printf("%s: %ld %s, signals %d\n", what, result, strerrorname_np(errno), (int)signals);
  } else {
    printf("%s: %ld\n", what, result);
  }
}

int main(void) {
  static char bytes[8192];
  const char* const name = "/tmp/limited";
  const int file = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
  signal(SIGXFSZ, count);
  const struct rlimit limit = {5000, 5000};
  setrlimit(RLIMIT_FSIZE, &limit);
  show("write of 8192", write(file, bytes, 8192));
  show("write of 1", write(file, bytes, 1));
  show("ftruncate to 5001", ftruncate(file, 5001));
  show("ftruncate to 5000", ftruncate(file, 5000));
  show("truncate to 6000", truncate(name, 6000));
  show("fallocate of 6000", fallocate(file, 0, 0, 6000));
  show("pwrite of 8192 at 4999", pwrite(file, bytes, 8192, 4999));
  lseek(file, 0, SEEK_SET);
  show("write of 10 at 0", write(file, bytes, 10));
  int ends[2];
  if (pipe(ends) != 0) return 1;
  show("write of 4096 to a pipe", write(ends[1], bytes, 4096));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_DFL);
    (void)!pwrite(file, bytes, 1, 5000);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("without a handler: %s\n",
         WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ ? "killed by SIGXFSZ" : "lives");
  return 0;
}
