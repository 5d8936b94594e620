// System V semaphores: sets by key, operations done whole or not at all, waiting in turn, undoing at exit, removal
// under who waits, limits and errors.
// @native
//
// > get: again same 1, exclusive EEXIST, too many EINVAL, none ENOENT, empty EINVAL, negative EINVAL
// > values: 0 5 7, all 1 2 3, pid mine 1
// > whole or not: EAGAIN, values 1 2 3; then 0 3 1
// > wait for zero: EAGAIN while 3, done 1 at 0
// > in turn: first 2, then 1; waiting 2 0
// > for zero: waiting 0 1, woken 1
// > undo: 4 while it lives, 10 after; set anew forgets: 7
// > undo of what became too small: 0
// > killed while waiting: waiting 0, value 0
// > timeout EAGAIN, signal EINTR with SA_RESTART, removed EIDRM, later EINVAL
// > errors: EFBIG EINVAL E2BIG EFAULT ERANGE ERANGE ERANGE EINVAL EINVAL EINVAL
// > not mine: read EACCES, alter EACCES, remove EPERM
// > threads share the set: 20000
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
};

static int set;
static volatile int *shared;  // between processes

static const char *outcome(long result) { return result >= 0 ? "0" : strerrorname_np(errno); }
static int operate(int number, int change, int flags) {
  struct sembuf op = {(unsigned short)number, (short)change, (short)flags};
  return semop(set, &op, 1);
}
static int value(int number) { return semctl(set, number, GETVAL); }
static void set_value(int number, int to) { semctl(set, number, SETVAL, (union semun){.val = to}); }
static void wait_until_waiting(int number, int command, int count) {
  while (semctl(set, number, command) != count) usleep(1000);
}
static int status_of(pid_t pid) {
  int status;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static void on_signal(int signo) { (void)signo; }

static void get(void) {
  const key_t key = 0x5153454d + getpid();
  set = semget(key, 3, IPC_CREAT | 0600);
  printf("get: again same %d, ", semget(key, 2, 0600) == set);
  printf("exclusive %s, ", outcome(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600)));
  printf("too many %s, ", outcome(semget(key, 4, 0600)));
  printf("none %s, ", outcome(semget(key + 1, 1, 0600)));
  printf("empty %s, ", outcome(semget(IPC_PRIVATE, 0, 0600)));
  printf("negative %s\n", outcome(semget(IPC_PRIVATE, -1, 0600)));
}

static void values(void) {
  unsigned short all[3] = {1, 2, 3}, read[3];
  set_value(1, 5);
  operate(2, 7, 0);
  printf("values: %d %d %d, ", value(0), value(1), value(2));
  semctl(set, 0, SETALL, (union semun){.array = all});
  semctl(set, 0, GETALL, (union semun){.array = read});
  printf("all %d %d %d, pid mine %d\n", read[0], read[1], read[2], semctl(set, 0, GETPID) == getpid());
}

static void whole_or_not(void) {
  struct sembuf ops[3] = {{0, -1, 0}, {1, 1, 0}, {2, -4, IPC_NOWAIT}};
  printf("whole or not: %s, values ", outcome(semop(set, ops, 3)));
  printf("%d %d %d; ", value(0), value(1), value(2));
  ops[2].sem_op = -2;
  semop(set, ops, 3);
  printf("then %d %d %d\n", value(0), value(1), value(2));
  printf("wait for zero: %s while %d, ", outcome(operate(1, 0, IPC_NOWAIT)), value(1));
  operate(1, -3, 0);
  printf("done %d at %d\n", operate(1, 0, IPC_NOWAIT) == 0, value(1));
}

/// The first waits for two, the second for one: what comes is the first one's, although one would do for the second.
static void in_turn(void) {
  set_value(0, 0);
  pid_t waiters[2];
  for (int i = 0; i < 2; i++) {
    if ((waiters[i] = fork()) == 0) {
      operate(0, i == 0 ? -2 : -1, 0);
      shared[i] = ++shared[2];
      _exit(0);
    }
    wait_until_waiting(0, GETNCNT, i + 1);
  }
  operate(0, 2, 0);
  status_of(waiters[0]);
  const int first = shared[0] == 1 && value(0) == 0 ? 2 : 0;
  const int waiting = semctl(set, 0, GETNCNT);
  operate(0, 1, 0);
  status_of(waiters[1]);
  printf("in turn: first %d, then %d; waiting %d %d\n", first, shared[1] == 2 ? 1 : 0, waiting + 1, semctl(set, 0, GETNCNT));
  set_value(0, 1);
  if ((waiters[0] = fork()) == 0) _exit(operate(0, 0, 0) == 0);
  wait_until_waiting(0, GETZCNT, 1);
  printf("for zero: waiting %d %d, ", semctl(set, 0, GETNCNT), semctl(set, 0, GETZCNT));
  operate(0, -1, 0);
  printf("woken %d\n", status_of(waiters[0]));
}

static void undo(void) {
  set_value(0, 10);
  pid_t child = fork();
  if (child == 0) {
    operate(0, -4, SEM_UNDO);
    operate(0, -2, SEM_UNDO);
    shared[3] = value(0);
    _exit(0);
  }
  status_of(child);
  printf("undo: %d while it lives, %d after; ", shared[3], value(0));
  if ((child = fork()) == 0) {
    operate(0, -4, SEM_UNDO);
    set_value(0, 7);
    _exit(0);
  }
  status_of(child);
  printf("set anew forgets: %d\n", value(0));
  if ((child = fork()) == 0) {
    operate(0, 5, SEM_UNDO);
    operate(0, -11, 0);
    _exit(0);
  }
  status_of(child);
  printf("undo of what became too small: %d\n", value(0));
  set_value(0, 0);
  if ((child = fork()) == 0) _exit(operate(0, -1, SEM_UNDO));
  wait_until_waiting(0, GETNCNT, 1);
  kill(child, SIGKILL);
  status_of(child);
  printf("killed while waiting: waiting %d, value %d\n", semctl(set, 0, GETNCNT), value(0));
}

static void ends_of_waiting(void) {
  struct sembuf op = {0, -1, 0};
  const struct timespec soon = {0, 20000000};
  printf("timeout %s, ", outcome(semtimedop(set, &op, 1, &soon)));
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  const struct timespec long_time = {100, 0};
  alarm(1);
  printf("signal %s with SA_RESTART, ", outcome(semtimedop(set, &op, 1, &long_time)));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(operate(0, -1, 0) == -1 && errno == EIDRM);
  wait_until_waiting(0, GETNCNT, 1);
  semctl(set, 0, IPC_RMID);
  printf("removed %s, ", status_of(child) ? "EIDRM" : "?");
  const char *const later = outcome(value(0));
  printf("later %s\n", strcmp(later, "EIDRM") == 0 ? "EINVAL" : later);  // both say so
}

static void errors(void) {
  static struct sembuf many[501];
  set = semget(IPC_PRIVATE, 2, 0600);
  printf("errors: %s ", outcome(operate(2, 1, 0)));
  printf("%s ", outcome(semop(set, many, 0)));
  printf("%s ", outcome(semop(set, many, 501)));
  printf("%s ", outcome(semop(set, (struct sembuf *)8, 1)));
  printf("%s ", outcome(semctl(set, 0, SETVAL, (union semun){.val = 32768})));
  printf("%s ", outcome(semctl(set, 0, SETVAL, (union semun){.val = -1})));
  set_value(0, 32767);
  printf("%s ", outcome(operate(0, 1, 0)));
  printf("%s ", outcome(semctl(set, 2, GETVAL)));
  printf("%s ", outcome(semctl(set, 0, 77)));
  const struct timespec bad = {0, 1000000000};
  struct sembuf op = {0, -1, 0};
  printf("%s\n", outcome(semtimedop(set, &op, 1, &bad)));
}

static void permissions(void) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(12345) != 0 || setuid(12345) != 0) _exit(1);
    printf("not mine: read %s, ", outcome(value(0)));
    printf("alter %s, ", outcome(operate(0, 1, 0)));
    printf("remove %s\n", outcome(semctl(set, 0, IPC_RMID)));
    fflush(stdout);
    _exit(0);
  }
  status_of(child);
}

static volatile int count;
static void *add(void *unused) {
  for (int i = 0; i < 5000; i++) {
    operate(1, -1, SEM_UNDO);
    count++;
    operate(1, 1, SEM_UNDO);
  }
  return unused;
}
static void threads(void) {
  pthread_t all[4];
  set_value(1, 1);
  for (int i = 0; i < 4; i++) pthread_create(&all[i], NULL, add, NULL);
  for (int i = 0; i < 4; i++) pthread_join(all[i], NULL);
  printf("threads share the set: %d\n", count);
  semctl(set, 0, IPC_RMID);
}

int main(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  get();
  values();
  whole_or_not();
  in_turn();
  undo();
  ends_of_waiting();
  errors();
  permissions();
  threads();
  return 0;
}
