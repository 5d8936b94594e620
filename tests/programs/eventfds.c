// Event counters, timers and signals as descriptors: eventfd, timerfd, signalfd; blocking, limits, errors, poll.
//
// > eventfd: read 5, then EAGAIN
// > semaphore: 1 1, then EAGAIN
// > limits: EINVAL EINVAL EAGAIN, poll 1
// > woken with 7
// > eventfd flags: EINVAL
// > timer: armed 1, remaining below 20 ms 1
// > expired 1, poll 1, read 1
// > periodic: at least 3 1
// > not expired: EAGAIN
// > disarmed: 0 0
// > absolute in the past: 1
// > timer errors: EINVAL EINVAL EINVAL
// > signal: poll 0
// > signal: poll 1, USR1 code SI_USER from me 1
// > queued: RTMIN value 42 code SI_QUEUE, then EAGAIN
// > child: CHLD code CLD_EXITED status 3
// > other set: USR2
// > short buffer: EINVAL, wrong file: EINVAL
// > links: anon_inode:[eventfd] anon_inode:[timerfd] anon_inode:[signalfd]
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *name(void) { return strerrorname_np(errno); }
static int ready(int fd, short events) {
  struct pollfd p = {fd, events, 0};
  return poll(&p, 1, 0);
}
static const char *link_of(int fd, char *to, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(path, to, size - 1);
  to[n < 0 ? 0 : n] = 0;
  return to;
}

static int counters(void) {
  uint64_t value = 0;
  int fd = eventfd(2, EFD_NONBLOCK | EFD_CLOEXEC);
  write(fd, &(uint64_t){3}, 8);
  read(fd, &value, 8);
  read(fd, &(uint64_t){0}, 8);
  printf("eventfd: read %llu, then %s\n", (unsigned long long)value, name());

  int semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  uint64_t first = 0, second = 0;
  read(semaphore, &first, 8);
  read(semaphore, &second, 8);
  read(semaphore, &value, 8);
  printf("semaphore: %llu %llu, then %s\n", (unsigned long long)first, (unsigned long long)second, name());
  close(semaphore);

  printf("limits: ");
  printf("%s ", read(fd, &value, 4) < 0 ? name() : "-");
  printf("%s ", write(fd, &(uint64_t){UINT64_MAX}, 8) < 0 ? name() : "-");
  write(fd, &(uint64_t){UINT64_MAX - 1}, 8);
  printf("%s, poll %d\n", write(fd, &(uint64_t){1}, 8) < 0 ? name() : "-", ready(fd, POLLIN | POLLOUT));
  read(fd, &value, 8);

  int blocking = eventfd(0, 0);
  if (fork() == 0) {
    usleep(20000);
    write(blocking, &(uint64_t){7}, 8);
    _exit(0);
  }
  read(blocking, &value, 8);
  printf("woken with %llu\n", (unsigned long long)value);
  wait(NULL);
  close(blocking);
  printf("eventfd flags: %s\n", eventfd(0, 0x40) < 0 ? name() : "-");
  return fd;
}

static int timers(void) {
  struct itimerspec now, zero = {0};
  uint64_t value = 0;
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct itimerspec once = {{0, 0}, {0, 20000000}};
  timerfd_settime(fd, 0, &once, NULL);
  timerfd_gettime(fd, &now);
  printf("timer: armed %d, remaining below 20 ms %d\n", now.it_value.tv_nsec != 0, now.it_value.tv_nsec <= 20000000);
  struct pollfd p = {fd, POLLIN, 0};
  int count = poll(&p, 1, 5000);
  read(fd, &value, 8);
  printf("expired %d, poll %d, read %llu\n", count, p.revents, (unsigned long long)value);

  struct itimerspec often = {{0, 5000000}, {0, 5000000}};
  timerfd_settime(fd, 0, &often, NULL);
  usleep(40000);
  read(fd, &value, 8);
  printf("periodic: at least 3 %d\n", value >= 3);
  timerfd_settime(fd, 0, &(struct itimerspec){{0, 0}, {100, 0}}, NULL);
  printf("not expired: %s\n", read(fd, &value, 8) < 0 ? name() : "-");
  timerfd_settime(fd, 0, &zero, NULL);
  timerfd_gettime(fd, &now);
  printf("disarmed: %ld %ld\n", (long)now.it_value.tv_sec, now.it_value.tv_nsec);
  timerfd_settime(fd, TFD_TIMER_ABSTIME, &(struct itimerspec){{0, 0}, {0, 1}}, NULL);
  usleep(2000);
  read(fd, &value, 8);
  printf("absolute in the past: %llu\n", (unsigned long long)value);
  printf("timer errors: %s ", timerfd_create(77, 0) < 0 ? name() : "-");
  printf("%s ", timerfd_settime(fd, 0, &(struct itimerspec){{0, 0}, {0, 1000000000}}, NULL) < 0 ? name() : "-");
  printf("%s\n", timerfd_gettime(1, &now) < 0 ? name() : "-");
  return fd;
}

static int signals(void) {
  sigset_t set;
  struct signalfd_siginfo info;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
  sigdelset(&set, SIGUSR2);
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  printf("signal: poll %d\n", ready(fd, POLLIN));
  kill(getpid(), SIGUSR1);
  int polled = ready(fd, POLLIN);
  read(fd, &info, sizeof info);
  printf("signal: poll %d, %s code %s from me %d\n", polled, info.ssi_signo == SIGUSR1 ? "USR1" : "?",
         info.ssi_code == SI_USER ? "SI_USER" : "?", info.ssi_pid == (uint32_t)getpid());
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 42});
  read(fd, &info, sizeof info);
  printf("queued: %s value %d code %s, then ", info.ssi_signo == (uint32_t)SIGRTMIN ? "RTMIN" : "?", info.ssi_int,
         info.ssi_code == SI_QUEUE ? "SI_QUEUE" : "?");
  printf("%s\n", read(fd, &info, sizeof info) < 0 ? name() : "-");
  pid_t child = fork();
  if (child == 0) _exit(3);
  struct pollfd p = {fd, POLLIN, 0};
  poll(&p, 1, -1);
  read(fd, &info, sizeof info);
  printf("child: %s code %s status %d\n", info.ssi_signo == SIGCHLD ? "CHLD" : "?",
         info.ssi_code == CLD_EXITED ? "CLD_EXITED" : "?", info.ssi_status);
  waitpid(child, NULL, 0);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  kill(getpid(), SIGUSR2);
  signalfd(fd, &set, 0);
  read(fd, &info, sizeof info);
  printf("other set: %s\n", info.ssi_signo == SIGUSR2 ? "USR2" : "?");
  printf("short buffer: %s, ", read(fd, &info, 8) < 0 ? name() : "-");
  printf("wrong file: %s\n", signalfd(1, &set, 0) < 0 ? name() : "-");
  return fd;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  char a[64], b[64], c[64];
  int counter = counters(), timer = timers(), signal_fd = signals();
  printf("links: %s %s %s\n", link_of(counter, a, sizeof a), link_of(timer, b, sizeof b),
         link_of(signal_fd, c, sizeof c));
}
