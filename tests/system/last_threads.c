// The two threads of a process end while each closes files of its own, which takes time because the share is busy: what
// the process asked for with SEM_UNDO is undone all the same. Prints the semaphore's value.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char page[4096];
static pthread_barrier_t both;

static void *end_with_own_files(void *name) {
  if (unshare(CLONE_FILES) != 0) _exit(1);
  const int fd = open(name, O_RDWR | O_CREAT, 0600);
  if (pwrite(fd, page, sizeof page, 0) != sizeof page) _exit(2);
  pthread_barrier_wait(&both);
  syscall(SYS_exit, 0);
  return NULL;
}

static void keep_busy(void) {
  const int fd = open("/mnt/busy", O_RDWR | O_CREAT, 0600);
  while (pwrite(fd, page, sizeof page, 0) == sizeof page && fdatasync(fd) == 0) {
  }
  _exit(3);
}

int main(void) {
  const int set = semget(IPC_PRIVATE, 1, 0600);
  semctl(set, 0, SETVAL, 10);
  const pid_t writer = fork();
  if (writer == 0) keep_busy();
  const pid_t child = fork();
  if (child == 0) {
    struct sembuf take = {0, -3, SEM_UNDO};
    semop(set, &take, 1);
    pthread_barrier_init(&both, NULL, 2);
    pthread_t other;
    pthread_create(&other, NULL, end_with_own_files, "/mnt/a");
    end_with_own_files("/mnt/b");
  }
  int status;
  waitpid(child, &status, 0);
  kill(writer, SIGKILL);
  waitpid(writer, NULL, 0);
  printf("status %d, value %d\n", status, semctl(set, 0, GETVAL));
  semctl(set, 0, IPC_RMID);
  return 0;
}
