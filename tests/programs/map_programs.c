// Programs started apart (by exec) share: a file mapping, and POSIX shared memory with a process-shared mutex and
// condition variable between an endless receiver and a sender; a robust mutex whose owner dies.
// @no-qemu-user it runs no program by itself
// @native
//
// > file: first wrote "from the first", second answered "from the second"
// > receiver got 1000 messages, sum 500500
// > receiver ended by SIGTERM
// > robust: EOWNERDEAD, then usable 1, value kept 7
// > not made consistent: ENOTRECOVERABLE
// > shared object: mode 600, gone after unlink ENOENT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OBJECT "/quire-mailbox"
#define FILE_NAME "/tmp/shared-by-programs"

struct mailbox {
  pthread_mutex_t mutex, robust;
  pthread_cond_t full, empty, done;
  int has, message, value;
  long count, sum;
};

static struct mailbox *open_mailbox(void) {
  int fd = shm_open(OBJECT, O_RDWR, 0);
  struct mailbox *box = mmap(NULL, sizeof *box, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return box;
}

static void make_mailbox(void) {
  pthread_mutexattr_t mutex;
  pthread_condattr_t cond;
  int fd = shm_open(OBJECT, O_CREAT | O_RDWR | O_TRUNC, 0600);
  ftruncate(fd, sizeof(struct mailbox));
  close(fd);
  struct mailbox *box = open_mailbox();
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&box->mutex, &mutex);
  pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&box->robust, &mutex);
  pthread_condattr_init(&cond);
  pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&box->full, &cond);
  pthread_cond_init(&box->empty, &cond);
  pthread_cond_init(&box->done, &cond);
}

static void receive(void) {
  struct mailbox *box = open_mailbox();
  for (;;) {
    pthread_mutex_lock(&box->mutex);
    while (!box->has) pthread_cond_wait(&box->full, &box->mutex);
    box->has = 0;
    box->count++;
    box->sum += box->message;
    pthread_cond_signal(&box->empty);
    if (box->count == 1000) pthread_cond_signal(&box->done);
    pthread_mutex_unlock(&box->mutex);
  }
}

static void send_all(void) {
  struct mailbox *box = open_mailbox();
  for (int i = 1; i <= 1000; ++i) {
    pthread_mutex_lock(&box->mutex);
    while (box->has) pthread_cond_wait(&box->empty, &box->mutex);
    box->has = 1;
    box->message = i;
    pthread_cond_signal(&box->full);
    pthread_mutex_unlock(&box->mutex);
  }
}

static void answer(void) {
  int fd = open(FILE_NAME, O_RDWR);
  char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (!strcmp(at, "from the first")) strcpy(at + 100, "from the second");
}

static void die_with_lock(void) {
  struct mailbox *box = open_mailbox();
  pthread_mutex_lock(&box->robust);
  box->value = 7;
  raise(SIGKILL);
}

static pid_t start(const char *role) {
  pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "map_programs", role, NULL);
    _exit(127);
  }
  return child;
}

int main(int argc, char **argv) {
  int status;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1) {
    void (*roles[])(void) = {receive, send_all, answer, die_with_lock};
    roles[argv[1][0] - '0']();
    return 0;
  }
  int fd = open(FILE_NAME, O_CREAT | O_RDWR | O_TRUNC, 0600);
  ftruncate(fd, 4096);
  char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  strcpy(at, "from the first");
  waitpid(start("2"), NULL, 0);
  printf("file: first wrote \"%s\", second answered \"%s\"\n", at, at + 100);
  unlink(FILE_NAME);

  make_mailbox();
  struct mailbox *box = open_mailbox();
  pid_t receiver = start("0"), sender = start("1");
  pthread_mutex_lock(&box->mutex);
  while (box->count < 1000) pthread_cond_wait(&box->done, &box->mutex);
  pthread_mutex_unlock(&box->mutex);
  waitpid(sender, NULL, 0);
  printf("receiver got %ld messages, sum %ld\n", box->count, box->sum);
  kill(receiver, SIGTERM);
  waitpid(receiver, &status, 0);
  printf("receiver ended by %s\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? "SIGTERM" : "?");

  waitpid(start("3"), NULL, 0);
  int first = pthread_mutex_lock(&box->robust);
  pthread_mutex_consistent(&box->robust);
  pthread_mutex_unlock(&box->robust);
  int usable = pthread_mutex_lock(&box->robust) == 0;
  pthread_mutex_unlock(&box->robust);
  printf("robust: %s, then usable %d, value kept %d\n", strerrorname_np(first), usable, box->value);
  waitpid(start("3"), NULL, 0);
  pthread_mutex_lock(&box->robust);
  pthread_mutex_unlock(&box->robust);
  printf("not made consistent: %s\n", strerrorname_np(pthread_mutex_lock(&box->robust)));

  struct stat stat;
  fd = shm_open(OBJECT, O_RDONLY, 0);
  fstat(fd, &stat);
  shm_unlink(OBJECT);
  printf("shared object: mode %o, gone after unlink %s\n", stat.st_mode & 0777,
         shm_open(OBJECT, O_RDWR, 0) < 0 ? strerrorname_np(errno) : "-");
}
