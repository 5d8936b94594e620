// Futexes between processes: shared mutex and condition in anonymous and file mappings, robust mutex, time-outs, requeue.
// @no-qemu-user qemu-user knows no robust lists
// > count 4000
// > robust: EOWNERDEAD
// > again: 0
// > handed over: 6
// > wrong value: EAGAIN
// > time-out: ETIMEDOUT
// > misaligned: EINVAL
// > nowhere: EFAULT
// > no bits: EINVAL
// > bad time: EINVAL
// > nobody: 0
// > past: ETIMEDOUT
// > unknown: ENOSYS
// > requeue: 4
// > left on a: 1, on b: 3
// > wake op: 1, word 5
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long futex(void* word, int op, unsigned value, const struct timespec* time, void* word2, unsigned value3) {
  return syscall(SYS_futex, word, op, value, time, word2, value3);
}
static const char* result(long r) {
  static char text[32];
  if (r < 0) return strerrorname_np(errno);
  snprintf(text, sizeof text, "%ld", r);
  return text;
}

struct shared {
  pthread_mutex_t mutex, robust;
  pthread_cond_t condition;
  int ready, count;
  unsigned word;
};

static void* waiter(void* arg) {
  futex(arg, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  return NULL;
}

int main(void) {
  int fd = open("/dev/shm/futexes", O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(struct shared)) != 0) return 1;
  struct shared* s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&s->mutex, &attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&s->robust, &attributes);
  pthread_condattr_t condition;
  pthread_condattr_init(&condition);
  pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&s->condition, &condition);

  for (int i = 0; i < 4; ++i)
    if (fork() == 0) {
      // Another mapping of the same file: the address differs, the word does not.
      struct shared* t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      for (int k = 0; k < 1000; ++k) {
        pthread_mutex_lock(&t->mutex);
        int seen = t->count;
        if (k % 100 == 0) sched_yield();
        t->count = seen + 1;
        pthread_mutex_unlock(&t->mutex);
      }
      pthread_mutex_lock(&t->mutex);
      ++t->ready;
      pthread_cond_signal(&t->condition);
      pthread_mutex_unlock(&t->mutex);
      _exit(0);
    }
  pthread_mutex_lock(&s->mutex);
  while (s->ready < 4) pthread_cond_wait(&s->condition, &s->mutex);
  pthread_mutex_unlock(&s->mutex);
  while (wait(NULL) > 0) {
  }
  printf("count %d\n", s->count);

  pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&s->robust);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  int r = pthread_mutex_lock(&s->robust);
  printf("robust: %s\n", r == EOWNERDEAD ? "EOWNERDEAD" : "?");
  pthread_mutex_consistent(&s->robust);
  pthread_mutex_unlock(&s->robust);
  printf("again: %d\n", pthread_mutex_lock(&s->robust));

  // A thread that ends while holding a mutex that another waits for.
  child = fork();
  if (child == 0) {
    struct shared* t = s;
    r = pthread_mutex_lock(&t->robust);
    _exit(r == EOWNERDEAD ? 5 : 6);
  }
  pid_t killer = fork();
  if (killer == 0) _exit(0);
  waitpid(killer, NULL, 0);
  usleep(20000);
  pthread_mutex_unlock(&s->robust);
  int status;
  waitpid(child, &status, 0);
  printf("handed over: %d\n", WEXITSTATUS(status));

  struct timespec brief = {0, 5000000};
  unsigned word = 7;
  printf("wrong value: %s\n", result(futex(&word, FUTEX_WAIT, 8, NULL, NULL, 0)));
  printf("time-out: %s\n", result(futex(&word, FUTEX_WAIT, 7, &brief, NULL, 0)));
  printf("misaligned: %s\n", result(futex((char*)&word + 1, FUTEX_WAIT, 7, &brief, NULL, 0)));
  printf("nowhere: %s\n", result(futex((void*)8, FUTEX_WAIT, 7, &brief, NULL, 0)));
  printf("no bits: %s\n", result(futex(&word, FUTEX_WAIT_BITSET, 7, NULL, NULL, 0)));
  brief.tv_nsec = 1000000000;
  printf("bad time: %s\n", result(futex(&word, FUTEX_WAIT, 7, &brief, NULL, 0)));
  printf("nobody: %s\n", result(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0)));
  struct timespec past = {1, 0};
  printf("past: %s\n", result(futex(&word, FUTEX_WAIT_BITSET, 7, &past, NULL, ~0u)));
  printf("unknown: %s\n", result(futex(&word, 77, 7, NULL, NULL, 0)));

  static unsigned a = 0, b = 0;
  pthread_t threads[5];
  for (int i = 0; i < 5; ++i) pthread_create(&threads[i], NULL, waiter, &a);
  usleep(50000);
  printf("requeue: %s\n", result(futex(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void*)3, &b, 0)));
  printf("left on a: %s", result(futex(&a, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0)));
  printf(", on b: %s\n", result(futex(&b, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0)));
  for (int i = 0; i < 5; ++i) pthread_join(threads[i], NULL);
  pthread_create(&threads[0], NULL, waiter, &b);
  usleep(20000);
  printf("wake op: %s", result(futex(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &b,
                                     FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0))));
  printf(", word %u\n", b);
  pthread_join(threads[0], NULL);
  unlink("/dev/shm/futexes");
  return 0;
}
