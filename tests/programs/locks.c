// Locks: fcntl record locks of processes and of openings, flock; ranges, conflicts, waiting, deadlock, the end.
//
// > free: UNLCK
// > child sees: WRLCK 10+20 by parent 1
// > child: read EAGAIN, behind 0, before 0
// > split: WRLCK 10+5, then UNLCK, then WRLCK 20+10
// > merged: WRLCK 0+100
// > weakened: child reads 0, writes EAGAIN
// > not inherited: EAGAIN
// > same process again: 0
// > closing any descriptor: UNLCK
// > to the end: WRLCK 50+0
// > waited: 0
// > interrupted: EINTR
// > deadlock: EDEADLK
// > errors: EBADF EINVAL EINVAL EINVAL EOVERFLOW
// > opening: EAGAIN, pid -1, shared with child 0, gone with last close 0
// > opening, pid must be 0: EINVAL
// > opening and process: EAGAIN
// > flock: EWOULDBLOCK, shared 0, duplicate upgrades 0, other EWOULDBLOCK
// > flock waited: 0
// > flock and fcntl ignore each other: 0
// > flock errors: EINVAL EBADF
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd, other;
static char path[] = "/tmp/locks-XXXXXX";

static const char *name(void) {
  return errno == EWOULDBLOCK ? "EAGAIN" : strerrorname_np(errno);
}
static const char *result(int value) { return value == 0 ? "0" : name(); }
static int record(int file, int command, short type, off_t start, off_t length) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(file, command, &lock);
}
static struct flock query(int command, short type, off_t start, off_t length) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  fcntl(fd, command, &lock);
  return lock;
}
static const char *show(struct flock lock) {
  static char text[3][64];
  static int turn;
  char *to = text[turn++ % 3];
  if (lock.l_type == F_UNLCK) return "UNLCK";
  snprintf(to, 64, "%s %ld+%ld", lock.l_type == F_WRLCK ? "WRLCK" : "RDLCK", (long)lock.l_start, (long)lock.l_len);
  return to;
}
/// Runs `body` in a child and waits: what belongs to the parent is seen from outside.
#define IN_CHILD(...)      \
  do {                     \
    fflush(stdout);        \
    pid_t child_ = fork(); \
    if (child_ == 0) {     \
      __VA_ARGS__;         \
      fflush(stdout);      \
      _exit(0);            \
    }                      \
    waitpid(child_, 0, 0); \
  } while (0)

static void on_alarm(int signo) { (void)signo; }

static void processes(void) {
  printf("free: %s\n", show(query(F_GETLK, F_WRLCK, 0, 0)));
  record(fd, F_SETLK, F_WRLCK, 10, 20);
  pid_t me = getpid();
  IN_CHILD({
    struct flock found = query(F_GETLK, F_RDLCK, 0, 0);
    printf("child sees: %s by parent %d\n", show(found), found.l_pid == me);
    printf("child: read %s, ", result(record(fd, F_SETLK, F_RDLCK, 15, 1)));
    printf("behind %s, ", result(record(fd, F_SETLK, F_WRLCK, 30, 5)));
    printf("before %s\n", result(record(fd, F_SETLK, F_WRLCK, 0, 10)));
  });
  record(fd, F_SETLK, F_UNLCK, 15, 5);
  IN_CHILD({
    const char *a = show(query(F_GETLK, F_WRLCK, 0, 15)), *b = show(query(F_GETLK, F_WRLCK, 15, 5));
    printf("split: %s, then %s, then %s\n", a, b, show(query(F_GETLK, F_WRLCK, 18, 100)));
  });
  record(fd, F_SETLK, F_WRLCK, 0, 10);
  record(fd, F_SETLK, F_WRLCK, 15, 85);
  IN_CHILD(printf("merged: %s\n", show(query(F_GETLK, F_RDLCK, 50, 1))));
  record(fd, F_SETLK, F_RDLCK, 40, 10);
  IN_CHILD({
    printf("weakened: child reads %s, ", result(record(fd, F_SETLK, F_RDLCK, 42, 3)));
    printf("writes %s\n", result(record(fd, F_SETLK, F_WRLCK, 42, 3)));
  });
  IN_CHILD(printf("not inherited: %s\n", result(record(fd, F_SETLK, F_RDLCK, 0, 1))));
  printf("same process again: %s\n", result(record(other, F_SETLK, F_WRLCK, 0, 100)));
  close(open(path, O_RDWR));
  IN_CHILD(printf("closing any descriptor: %s\n", show(query(F_GETLK, F_WRLCK, 0, 0))));
  record(fd, F_SETLK, F_WRLCK, 50, 0);
  IN_CHILD(printf("to the end: %s\n", show(query(F_GETLK, F_RDLCK, 1L << 40, 1))));
  record(fd, F_SETLK, F_UNLCK, 0, 0);
}

static void waiting(void) {
  int ends[2];
  char byte;
  if (pipe(ends) != 0) return;
  pid_t child = fork();
  if (child == 0) {
    record(fd, F_SETLK, F_WRLCK, 0, 1);
    write(ends[1], "x", 1);
    usleep(20000);
    _exit(0);
  }
  read(ends[0], &byte, 1);
  printf("waited: %s\n", result(record(fd, F_SETLKW, F_WRLCK, 0, 1)));
  waitpid(child, NULL, 0);
  record(fd, F_SETLK, F_UNLCK, 0, 0);

  child = fork();
  if (child == 0) {
    record(fd, F_SETLK, F_WRLCK, 0, 1);
    write(ends[1], "x", 1);
    pause();
    _exit(0);
  }
  read(ends[0], &byte, 1);
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  ualarm(20000, 0);
  printf("interrupted: %s\n", result(record(fd, F_SETLKW, F_WRLCK, 0, 1)));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);

  record(fd, F_SETLK, F_WRLCK, 0, 1);
  child = fork();
  if (child == 0) {
    record(fd, F_SETLK, F_WRLCK, 1, 1);
    write(ends[1], "x", 1);
    record(fd, F_SETLKW, F_WRLCK, 0, 1);
    _exit(0);
  }
  read(ends[0], &byte, 1);
  usleep(50000);
  printf("deadlock: %s\n", result(record(fd, F_SETLKW, F_WRLCK, 1, 1)));
  record(fd, F_SETLK, F_UNLCK, 0, 0);
  waitpid(child, NULL, 0);
  close(ends[0]);
  close(ends[1]);

  int read_only = open(path, O_RDONLY);
  printf("errors: %s ", result(record(read_only, F_SETLK, F_WRLCK, 0, 1)));
  printf("%s ", result(record(fd, F_SETLK, 77, 0, 1)));
  printf("%s ", result(record(fd, F_SETLK, F_RDLCK, -5, 1)));
  printf("%s ", result(record(fd, F_SETLK, F_RDLCK, (off_t)1 << 63, -1)));
  printf("%s\n", result(record(fd, F_SETLK, F_RDLCK, 0x7fffffffffffffff, 2)));
  close(read_only);
}

static void openings(void) {
  record(fd, F_OFD_SETLK, F_WRLCK, 0, 10);
  printf("opening: %s, ", result(record(other, F_OFD_SETLK, F_RDLCK, 5, 1)));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  fcntl(other, F_OFD_GETLK, &lock);
  printf("pid %d, ", lock.l_pid);
  IN_CHILD(printf("shared with child %s, ", result(record(fd, F_OFD_SETLK, F_WRLCK, 3, 4))));
  int third = open(path, O_RDWR);
  record(fd, F_OFD_SETLK, F_UNLCK, 0, 0);
  record(third, F_OFD_SETLK, F_WRLCK, 0, 10);
  close(third);
  printf("gone with last close %s\n", result(record(fd, F_OFD_SETLK, F_WRLCK, 0, 10)));
  lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1, .l_pid = 1};
  printf("opening, pid must be 0: %s\n", result(fcntl(fd, F_OFD_SETLK, &lock)));
  printf("opening and process: %s\n", result(record(other, F_SETLK, F_RDLCK, 0, 1)));
  record(fd, F_OFD_SETLK, F_UNLCK, 0, 0);
}

static void whole_files(void) {
  flock(fd, LOCK_EX);
  printf("flock: %s, ", flock(other, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK ? "EWOULDBLOCK" : "-");
  flock(fd, LOCK_SH);
  printf("shared %s, ", result(flock(other, LOCK_SH | LOCK_NB)));
  flock(other, LOCK_UN);
  int copy = dup(fd);
  printf("duplicate upgrades %s, ", result(flock(copy, LOCK_EX | LOCK_NB)));
  printf("other %s\n", flock(other, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? "EWOULDBLOCK" : "-");
  close(copy);
  pid_t child = fork();
  if (child == 0) {
    usleep(20000);
    flock(fd, LOCK_UN);
    _exit(0);
  }
  printf("flock waited: %s\n", result(flock(other, LOCK_EX)));
  waitpid(child, NULL, 0);
  printf("flock and fcntl ignore each other: %s\n", result(record(fd, F_SETLK, F_WRLCK, 0, 0)));
  printf("flock errors: %s ", result(flock(fd, 77)));
  printf("%s\n", result(flock(99, LOCK_SH)));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  fd = mkstemp(path);
  other = open(path, O_RDWR);
  processes();
  waiting();
  openings();
  whole_files();
  unlink(path);
}
