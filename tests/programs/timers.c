// Clocks and timers: order, resolution, intervals, overruns, CPU time, interrupted sleeps.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count, value;
static void tick(int signo, siginfo_t* info, void* context) {
  (void)signo, (void)context;
  ++count;
  value = info->si_value.sival_int;
}
static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static void spin(double seconds) {
  double end = now(CLOCK_PROCESS_CPUTIME_ID) + seconds;
  // Nearly all of it in user mode: reading the clock is a system call.
  do {
    for (volatile int i = 0; i < 20000; ++i) {
    }
  } while (now(CLOCK_PROCESS_CPUTIME_ID) < end);
}

int main(void) {
  double start = now(CLOCK_MONOTONIC);
  struct timespec nap = {0, 30000000}, left;
  nanosleep(&nap, NULL);
  double slept = now(CLOCK_MONOTONIC) - start;
  printf("slept enough %d, not too long %d\n", slept >= 0.03, slept < 1);
  printf("date is sane %d, gettimeofday agrees %d\n", now(CLOCK_REALTIME) > 1.5e9, ({
           struct timeval tv;
           gettimeofday(&tv, NULL);
           double d = now(CLOCK_REALTIME) - ((double)tv.tv_sec + (double)tv.tv_usec * 1e-6);
           d >= 0 && d < 1;
         }));
  struct timespec resolution;
  printf("resolution %d, bad clock %s\n", clock_getres(CLOCK_MONOTONIC, &resolution),
         clock_gettime(77, &resolution) < 0 ? strerrorname_np(errno) : "?");
  nap.tv_nsec = 1000000000;
  printf("bad nap %s\n", nanosleep(&nap, NULL) < 0 ? strerrorname_np(errno) : "?");

  struct sigaction action = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGVTALRM, &action, NULL);
  sigaction(SIGPROF, &action, NULL);
  struct itimerval timer = {.it_value = {0, 10000}, .it_interval = {0, 10000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  while (count < 5) pause();
  struct itimerval off = {0}, before;
  setitimer(ITIMER_REAL, &off, &before);
  printf("interval %ld, rest %d\n", (long)before.it_interval.tv_usec, before.it_value.tv_usec > 0);

  count = 0;
  timer = (struct itimerval){.it_value = {0, 20000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  nap = (struct timespec){1, 0};
  int r = nanosleep(&nap, &left);
  printf("interrupted %d %s, left %d\n", r, strerrorname_np(errno), left.tv_sec == 0 && left.tv_nsec > 500000000);
  alarm(100);
  printf("alarm left %u\n", alarm(0));

  count = 0;
  timer = (struct itimerval){.it_value = {0, 20000}};
  setitimer(ITIMER_VIRTUAL, &timer, NULL);
  usleep(50000);
  printf("virtual while asleep %d", (int)count);
  spin(0.05);
  printf(", after work %d\n", (int)count);
  count = 0;
  setitimer(ITIMER_PROF, &timer, NULL);
  spin(0.05);
  printf("profiling %d\n", (int)count);

  timer_t id;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
  count = 0;
  timer_create(CLOCK_MONOTONIC, &event, &id);
  struct itimerspec spec = {.it_value = {0, 5000000}, .it_interval = {0, 5000000}};
  timer_settime(id, 0, &spec, NULL);
  while (count < 3) pause();
  printf("timer value %d\n", (int)value);
  sigset_t block, old;
  sigemptyset(&block), sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, &old);
  usleep(60000);
  sigprocmask(SIG_SETMASK, &old, NULL);
  printf("overrun %d\n", timer_getoverrun(id) >= 5);
  timer_gettime(id, &spec);
  printf("interval %ld, delete %d, again %s\n", spec.it_interval.tv_nsec, timer_delete(id),
         timer_delete(id) < 0 ? strerrorname_np(errno) : "?");

  spin(0.03);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6 + (double)usage.ru_stime.tv_sec +
               (double)usage.ru_stime.tv_usec * 1e-6;
  printf("cpu time %d, faults %d, rss %d, times %d\n", cpu > 0.1, usage.ru_minflt > 0, usage.ru_maxrss > 0, ({
           struct tms t;
           times(&t) > 0;
         }));
  struct timespec target;
  clock_gettime(CLOCK_REALTIME, &target);
  target.tv_nsec += 20000000;
  if (target.tv_nsec >= 1000000000) target.tv_nsec -= 1000000000, ++target.tv_sec;
  r = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &target, NULL);
  printf("absolute %d, reached %d\n", r, now(CLOCK_REALTIME) >= (double)target.tv_sec + (double)target.tv_nsec * 1e-9 - 1e-6);
  return 0;
}
