// Pipes: order, blocking, atomic small writes, end of file, poll and select, dup, non-blocking.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[200000];

int main(void) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return 1;
  printf("cloexec %d\n", fcntl(ends[0], F_GETFD));
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    for (unsigned i = 0; i < sizeof buffer; ++i) buffer[i] = (char)(i * 7);
    size_t done = 0;
    while (done < sizeof buffer) {
      ssize_t n = write(ends[1], buffer + done, sizeof buffer - done);
      if (n <= 0) _exit(1);
      done += (size_t)n;
    }
    _exit(0);
  }
  close(ends[1]);
  size_t total = 0, bad = 0;
  char part[3000];
  ssize_t n;
  while ((n = read(ends[0], part, sizeof part)) > 0)
    for (ssize_t i = 0; i < n; ++i, ++total) bad += part[i] != (char)(total * 7);
  printf("read %zu, bad %zu, end %zd\n", total, bad, n);
  waitpid(child, NULL, 0);
  close(ends[0]);

  if (pipe2(ends, O_NONBLOCK) != 0) return 1;
  n = read(ends[0], part, 1);
  printf("empty: %zd %s\n", n, strerrorname_np(errno));
  total = 0;
  while ((n = write(ends[1], buffer, 4096)) > 0) total += (size_t)n;
  printf("full at %zu: %s\n", total, strerrorname_np(errno));
  struct pollfd fds[3] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}, {-1, POLLIN, 0}};
  printf("poll %d: %d %d %d\n", poll(fds, 3, 0), fds[0].revents, fds[1].revents, fds[2].revents);
  while (read(ends[0], part, sizeof part) > 0) {
  }
  printf("poll %d: %d %d\n", poll(fds, 2, 0), fds[0].revents, fds[1].revents);
  fds[0].events = POLLIN;
  printf("timeout: %d\n", poll(fds, 1, 20));
  close(ends[1]);
  printf("hang-up: %d %d\n", poll(fds, 1, -1), fds[0].revents);
  fds[1].fd = 77;
  printf("bad descriptor: %d %d\n", poll(fds + 1, 1, -1), fds[1].revents);
  close(ends[0]);

  if (pipe(ends) != 0) return 1;
  child = fork();
  if (child == 0) {
    usleep(30000);
    _exit(write(ends[1], "late", 4) == 4 ? 0 : 1);
  }
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  struct timeval wait_for = {5, 0};
  printf("select %d %d\n", select(ends[0] + 1, &set, NULL, NULL, &wait_for), FD_ISSET(ends[0], &set));
  waitpid(child, NULL, 0);
  n = read(ends[0], part, sizeof part);
  printf("%.*s\n", (int)n, part);

  struct iovec out[3] = {{"one", 3}, {"", 0}, {"two", 3}}, in[2] = {{part, 4}, {part + 10, 10}};
  printf("writev %zd", writev(ends[1], out, 3));
  n = readv(ends[0], in, 2);
  printf(" readv %zd %.4s %.2s\n", n, part, part + 10);

  int copy = fcntl(ends[1], F_DUPFD, 50);
  printf("dupfd %d, dup2 same %d, dup3 same %s\n", copy, dup2(copy, copy), dup3(copy, copy, 0) < 0 ? strerrorname_np(errno) : "?");
  printf("lseek %s\n", lseek(copy, 0, SEEK_CUR) < 0 ? strerrorname_np(errno) : "?");
  printf("wrong end: %s\n", read(ends[1], part, 1) < 0 ? strerrorname_np(errno) : "?");
  printf("pipe size %d\n", fcntl(copy, F_GETPIPE_SZ));

  // Unlike a FIFO with a name, it is opened again without waiting for the other side.
  char name[32];
  if (pipe(ends) != 0 || write(ends[1], "left", 4) != 4) return 1;
  close(ends[1]);
  snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
  int again = open(name, O_RDONLY);
  n = read(again, part, sizeof part);
  printf("opened again: %.*s, then %zd\n", (int)n, part, read(again, part, sizeof part));
  close(ends[0]);
  close(again);
  if (pipe(ends) != 0) return 1;
  close(ends[0]);
  snprintf(name, sizeof name, "/proc/self/fd/%d", ends[1]);
  again = open(name, O_WRONLY | O_NONBLOCK);
  signal(SIGPIPE, SIG_IGN);
  printf("nobody reads: %d %s\n", again >= 0, write(again, "x", 1) < 0 ? strerrorname_np(errno) : "?");
  return 0;
}
