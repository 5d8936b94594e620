// epoll: level and edge triggering, one shot, changes, nesting, errors, a mask while waiting, closed descriptors.
//
// > level: 1 1 0
// > edge: 1 0, more data 1, drained and refilled 1
// > edge, both ways: out 1, then 0, room again 1
// > one shot: 1 0, armed again 1
// > changed: 0, then 1 with data 9
// > removed: 0
// > errors: EEXIST ENOENT EPERM EINVAL EBADF EINVAL
// > nested: inner 1, outer 1, loop ELOOP
// > chain: growing at the top 5, at the bottom 5, sees 1
// > nested edge: 1 0 1 0, drained 0, refilled 1, another file 1
// > nothing asked for: 0, then HUP
// > hang-up: IN|HUP
// > closed: 0, duplicate keeps it: 1
// > timeout: 0, at least 20 ms 1
// > woken by another thread: 1
// > interrupted: EINTR, handler ran 1
// > one of two threads: 1
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static int set;
static struct epoll_event events[8];
static char bytes[1 << 17];

static const char *name(void) { return strerrorname_np(errno); }
static int control(int op, int fd, uint32_t interest, uint64_t data) {
  struct epoll_event event = {.events = interest, .data.u64 = data};
  return epoll_ctl(set, op, fd, &event);
}
static int look(void) { return epoll_wait(set, events, 8, 0); }
static void drain(int fd) {
  while (read(fd, bytes, sizeof bytes) > 0) {
  }
}

static void triggering(void) {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK) != 0) return;
  control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 1);
  write(ends[1], "a", 1);
  int first = look(), second = look();
  drain(ends[0]);
  printf("level: %d %d %d\n", first, second, look());

  control(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 1);
  write(ends[1], "a", 1);
  first = look();
  second = look();
  printf("edge: %d %d, ", first, second);
  write(ends[1], "b", 1);
  printf("more data %d, ", look());
  drain(ends[0]);
  write(ends[1], "c", 1);
  printf("drained and refilled %d\n", look());
  drain(ends[0]);

  control(EPOLL_CTL_ADD, ends[1], EPOLLOUT | EPOLLET, 2);
  printf("edge, both ways: out %d, ", look());
  while (write(ends[1], bytes, 4096) > 0) {
  }
  control(EPOLL_CTL_DEL, ends[0], 0, 0);
  printf("then %d, ", look());
  drain(ends[0]);
  printf("room again %d\n", look());
  control(EPOLL_CTL_DEL, ends[1], 0, 0);

  control(EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLONESHOT, 3);
  write(ends[1], "d", 1);
  first = look();
  second = look();
  control(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 3);
  printf("one shot: %d %d, armed again %d\n", first, second, look());
  control(EPOLL_CTL_MOD, ends[0], 0, 9);
  printf("changed: %d, ", look());
  control(EPOLL_CTL_MOD, ends[0], EPOLLIN, 9);
  first = look();
  printf("then %d with data %llu\n", first, (unsigned long long)events[0].data.u64);
  control(EPOLL_CTL_DEL, ends[0], 0, 0);
  printf("removed: %d\n", look());
  close(ends[0]);
  close(ends[1]);
}

enum Growth { kAtTop, kAtBottom };
/// Puts sets one into the other until that is refused; their number, the outermost first in `sets`.
static int chain(int sets[], enum Growth growth) {
  struct epoll_event event = {.events = EPOLLIN};
  int count = 1;
  sets[0] = epoll_create1(0);
  for (;; count++) {
    int more = epoll_create1(0), last = sets[count - 1];
    int refused = growth == kAtTop ? epoll_ctl(more, EPOLL_CTL_ADD, last, &event)
                                   : epoll_ctl(last, EPOLL_CTL_ADD, more, &event);
    if (refused || count == 1000) {
      close(more);
      return refused && errno == ELOOP ? count : -count;
    }
    sets[count] = more;
  }
}
static void chains(void) {
  static int sets[1001];
  int ends[2];
  if (pipe(ends) != 0) return;
  int count = chain(sets, kAtTop);
  printf("chain: growing at the top %d, ", count);
  for (int i = 0; i < abs(count); i++) close(sets[i]);
  count = chain(sets, kAtBottom);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(sets[abs(count) - 1], EPOLL_CTL_ADD, ends[0], &event);
  write(ends[1], "x", 1);
  printf("at the bottom %d, sees %d\n", count, epoll_wait(sets[0], &event, 1, 0));
  for (int i = 0; i < abs(count); i++) close(sets[i]);
  close(ends[0]);
  close(ends[1]);
}

static void nested_edge(void) {
  int ends[2], more[2], inner = epoll_create1(0), outer = epoll_create1(0);
  if (pipe2(ends, O_NONBLOCK) != 0 || pipe2(more, O_NONBLOCK) != 0) return;
  struct epoll_event in = {.events = EPOLLIN}, edge = {.events = EPOLLIN | EPOLLET}, found;
  epoll_ctl(inner, EPOLL_CTL_ADD, ends[0], &in);
  epoll_ctl(outer, EPOLL_CTL_ADD, inner, &edge);
  printf("nested edge:");
  for (int i = 0; i < 2; i++) {
    write(ends[1], "x", 1);
    printf(" %d", epoll_wait(outer, &found, 1, 0));
    printf(" %d", epoll_wait(outer, &found, 1, 0));
  }
  drain(ends[0]);
  printf(", drained %d", epoll_wait(outer, &found, 1, 0));
  write(ends[1], "x", 1);
  printf(", refilled %d", epoll_wait(outer, &found, 1, 0));
  write(more[1], "x", 1);
  epoll_ctl(inner, EPOLL_CTL_ADD, more[0], &in);
  printf(", another file %d\n", epoll_wait(outer, &found, 1, 0));

  in.events = 0;
  epoll_ctl(inner, EPOLL_CTL_DEL, more[0], NULL);
  epoll_ctl(inner, EPOLL_CTL_MOD, ends[0], &in);
  printf("nothing asked for: %d, ", epoll_wait(inner, &found, 1, 0));
  close(ends[1]);
  found.events = 0;
  epoll_wait(inner, &found, 1, 0);
  printf("then %s\n", found.events == EPOLLHUP ? "HUP" : "-");
  close(inner);
  close(outer);
  close(ends[0]);
  close(more[0]);
  close(more[1]);
}

static void errors(void) {
  int ends[2], file = open("/proc/self/exe", O_RDONLY);
  if (pipe(ends) != 0) return;
  control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 0);
  printf("errors: %s ", control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 0) < 0 ? name() : "-");
  printf("%s ", control(EPOLL_CTL_DEL, ends[1], 0, 0) < 0 ? name() : "-");
  printf("%s ", control(EPOLL_CTL_ADD, file, EPOLLIN, 0) < 0 ? name() : "-");
  printf("%s ", control(EPOLL_CTL_ADD, set, EPOLLIN, 0) < 0 ? name() : "-");
  printf("%s ", control(EPOLL_CTL_ADD, 99, EPOLLIN, 0) < 0 ? name() : "-");
  printf("%s\n", epoll_wait(set, events, 0, 0) < 0 ? name() : "-");
  control(EPOLL_CTL_DEL, ends[0], 0, 0);

  int outer = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 0);
  epoll_ctl(outer, EPOLL_CTL_ADD, set, &event);
  write(ends[1], "x", 1);
  int inner_found = look(), outer_found = epoll_wait(outer, events, 8, 0);
  printf("nested: inner %d, outer %d, loop ", inner_found, outer_found);
  printf("%s\n", control(EPOLL_CTL_ADD, outer, EPOLLIN, 0) < 0 ? name() : "-");
  close(outer);
  chains();
  nested_edge();
  close(ends[1]);
  look();
  printf("hang-up: %s%s\n", events[0].events & EPOLLIN ? "IN" : "", events[0].events & EPOLLHUP ? "|HUP" : "");
  close(ends[0]);

  if (pipe(ends) != 0) return;
  write(ends[1], "x", 1);
  control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 0);
  int copy = dup(ends[0]);
  close(ends[0]);
  int kept = look();
  close(copy);
  printf("closed: %d, duplicate keeps it: %d\n", look(), kept);
  close(ends[1]);
}

static atomic_int handled;
static void on_signal(int signo) { handled += signo == SIGUSR1; }
static void *write_later(void *fd) {
  usleep(20000);
  write(*(int *)fd, &(uint64_t){1}, 8);
  return NULL;
}
static pthread_t waiter;
static void *signal_later(void *unused) {
  usleep(20000);
  pthread_kill(waiter, SIGUSR1);
  return unused;
}
static atomic_int reported;
static void *wait_once(void *unused) {
  struct epoll_event event;
  if (epoll_wait(set, &event, 1, 200) == 1) reported++;
  return unused;
}

static void waiting(void) {
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  int found = epoll_wait(set, events, 8, 20);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
  printf("timeout: %d, at least 20 ms %d\n", found, ms >= 20);

  pthread_t thread, second;
  int counter = eventfd(0, EFD_NONBLOCK);
  control(EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLET, 0);
  pthread_create(&thread, NULL, write_later, &counter);
  printf("woken by another thread: %d\n", epoll_wait(set, events, 8, -1));
  pthread_join(thread, NULL);

  sigset_t all_but, block;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &block, &all_but);
  signal(SIGUSR1, on_signal);
  waiter = pthread_self();
  pthread_create(&thread, NULL, signal_later, NULL);
  found = epoll_pwait(set, events, 8, -1, &all_but);
  printf("interrupted: %s, handler ran %d\n", found < 0 ? name() : "-", handled);
  pthread_join(thread, NULL);

  pthread_create(&thread, NULL, wait_once, NULL);
  pthread_create(&second, NULL, wait_once, NULL);
  usleep(20000);
  write(counter, &(uint64_t){1}, 8);
  pthread_join(thread, NULL);
  pthread_join(second, NULL);
  printf("one of two threads: %d\n", reported);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  set = epoll_create1(0);
  triggering();
  errors();
  waiting();
}
