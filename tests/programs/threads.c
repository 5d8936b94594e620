// POSIX threads: mutex, condition variable, thread-local data, join values, cancellation, a barrier.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { kThreads = 8, kRounds = 20000 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long counter;
static int turn;
static __thread int own;

static void* count(void* arg) {
  long id = (long)arg;
  own = (int)id * 100;
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < kRounds; ++i) {
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
    ++own;
  }
  pthread_mutex_lock(&mutex);
  while (turn != id) pthread_cond_wait(&condition, &mutex);
  printf("thread %ld: own %d\n", id, own);
  ++turn;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
  return (void*)(id * id);
}

static void cleanup(void* arg) { *(int*)arg = 1; }

static void* sleeper(void* arg) {
  pthread_cleanup_push(cleanup, arg);
  for (;;) pause();
  pthread_cleanup_pop(0);
  return NULL;
}

int main(void) {
  pthread_t threads[kThreads];
  pthread_barrier_init(&barrier, NULL, kThreads);
  for (long i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, count, (void*)i) != 0) return 1;
  long sum = 0;
  for (int i = 0; i < kThreads; ++i) {
    void* value;
    pthread_join(threads[i], &value);
    sum += (long)value;
  }
  printf("counter %ld, squares %ld, own %d\n", counter, sum, own);

  int cleaned = 0;
  pthread_t thread;
  pthread_create(&thread, NULL, sleeper, &cleaned);
  usleep(20000);
  pthread_cancel(thread);
  void* value;
  pthread_join(thread, &value);
  printf("cancelled %d, cleaned %d\n", value == PTHREAD_CANCELED, cleaned);

  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 30000000;
  if (until.tv_nsec >= 1000000000) ++until.tv_sec, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  printf("timed wait: %s\n", pthread_cond_timedwait(&condition, &mutex, &until) == ETIMEDOUT ? "timed out" : "?");
  pthread_mutex_unlock(&mutex);
  return 0;
}
