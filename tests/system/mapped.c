// Makes mappings of one sort and stays, for tests/system/maps.py to compare /proc/PID/smaps with Linux.
//
//   mapped KIND            the process to look at writes its number to /tmp/pid where it is a child
//   mapped exec PROGRAM... runs the program at addresses that are not randomised
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <unistd.h>

#define PAGE 4096ul
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

/// To be looked at.
static void stay(void) {
  for (;;) pause();
}

static char *map(size_t pages, int prot, int flags, int fd, off_t offset) {
  return mmap(NULL, pages * PAGE, prot, flags, fd, offset);
}
static void write_pages(char *at, size_t first, size_t end) {
  for (size_t page = first; page < end; page++) at[page * PAGE] = 1;
}
static int filled_file(const char *path, size_t pages) {
  static char page[PAGE];
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  memset(page, 'x', sizeof page);
  for (size_t i = 0; i < pages; i++) {
    if (write(fd, page, sizeof page) != (ssize_t)sizeof page) exit(9);
  }
  return fd;
}

static void plain(void) {}

static void anonymous(void) {
  write_pages(map(20, RW, ANON, -1, 0), 3, 9);
  char *const many = map(60, RW, ANON, -1, 0);
  write_pages(many, 0, 60);
  mprotect(many + 10 * PAGE, 5 * PAGE, PROT_READ);
  mprotect(many + 30 * PAGE, 5 * PAGE, PROT_NONE);
  munmap(many + 40 * PAGE, 5 * PAGE);
  map(7, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
  char *const read_only = map(9, PROT_READ, ANON, -1, 0);
  (void)*(volatile char *)read_only;
  madvise(many, 5 * PAGE, MADV_DONTFORK);
  madvise(many + 20 * PAGE, 5 * PAGE, MADV_DONTDUMP);
  madvise(many + 50 * PAGE, 2 * PAGE, MADV_WIPEONFORK);
  madvise(many + 54 * PAGE, 2 * PAGE, MADV_RANDOM);
  madvise(many + 56 * PAGE, 2 * PAGE, MADV_SEQUENTIAL);
}

static void heap(void) {
  for (int i = 0; i < 500; i++) memset(malloc(1000), 1, 1000);
  memset(malloc(300000), 1, 100000);
  char *const gone = malloc(200000);
  gone[5] = 1;
  free(gone);
}

static void files(void) {
  const int fd = filled_file("/tmp/mapped", 40);
  char *const shared = map(40, RW, MAP_SHARED, fd, 0);
  write_pages(shared, 2, 5);
  char *const private = map(40, RW, MAP_PRIVATE, fd, 0);
  write_pages(private, 4, 6);
  volatile char seen = private[20 * PAGE];
  const int reader = open("/tmp/mapped", O_RDONLY);
  seen = *map(10, PROT_READ, MAP_SHARED, reader, 8 * PAGE);
  (void)seen;
  unlink("/tmp/mapped");
  write_pages(map(6, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 0, 3);
}

static void locked(void) {
  char *const at = map(20, RW, ANON, -1, 0);
  mlock(at + 4 * PAGE, 8 * PAGE);
  map(5, RW, ANON | MAP_LOCKED, -1, 0);
  map(5, RW, ANON | MAP_POPULATE, -1, 0);
}

static void *sleep_in_thread(void *barrier) {
  pthread_barrier_wait(barrier);
  pause();
  return NULL;
}
static void threads(void) {
  static pthread_barrier_t barrier;
  pthread_t thread;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 1 << 20);
  pthread_barrier_init(&barrier, NULL, 3);
  pthread_create(&thread, NULL, sleep_in_thread, &barrier);
  pthread_create(&thread, &small, sleep_in_thread, &barrier);
  pthread_barrier_wait(&barrier);
}

static void forked(void) {
  char *const at = map(20, RW, ANON, -1, 0);
  char *const shared = map(20, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  write_pages(at, 0, 10);
  write_pages(shared, 0, 10);
  if (fork() != 0) stay();
  write_pages(at, 5, 15);
  write_pages(shared, 5, 15);
  memset(malloc(5000), 1, 5000);
  map(3, RW, ANON, -1, 0);
  char number[16];
  const int pid = open("/tmp/pid", O_WRONLY | O_CREAT, 0600);
  if (write(pid, number, (size_t)sprintf(number, "%d\n", getpid())) < 0) exit(9);
  close(pid);
}

static void shared_memory(void) {
  const int id = shmget(IPC_PRIVATE, 9 * PAGE, IPC_CREAT | 0600);
  write_pages(shmat(id, NULL, 0), 0, 4);
  shmat(id, NULL, SHM_RDONLY);
  shmctl(id, IPC_RMID, NULL);
  const int fd = shm_open("/mapped", O_RDWR | O_CREAT, 0600);
  if (ftruncate(fd, 5 * PAGE) != 0) exit(9);
  write_pages(map(5, RW, MAP_SHARED, fd, 0), 1, 2);
  shm_unlink("/mapped");
  const int memory = memfd_create("memory", 0);
  if (ftruncate(memory, 5 * PAGE) != 0) exit(9);
  write_pages(map(5, RW, MAP_SHARED, memory, 0), 1, 2);
}

static void deep(void) {
  char *const room = __builtin_alloca(600000);
  for (size_t at = 600000; at > 4096; at -= 4096) room[at - 1] = 1;
  while (room[599999] == 1) pause();
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*make)(void);
  } kinds[] = {{"plain", plain},     {"anonymous", anonymous}, {"heap", heap},     {"files", files},
               {"locked", locked},   {"threads", threads},     {"forked", forked}, {"shared", shared_memory},
               {"deep", deep}};
  if (argc > 2 && strcmp(argv[1], "exec") == 0) {
    personality(ADDR_NO_RANDOMIZE);
    execv(argv[2], argv + 2);
  }
  for (size_t i = 0; argc == 2 && i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(argv[1], kinds[i].name) == 0) {
      kinds[i].make();
      stay();
    }
  }
  return 2;
}
