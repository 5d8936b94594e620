// madvise, mincore, mlock, MAP_POPULATE, MAP_LOCKED: what they do to pages, seen by mincore, pagemap and the counters.
// @no-qemu-user it answers madvise and mincore itself
// @native
// @links static
//
// > not touched: resident 0
// > read touches nothing of its own, write does: 8 pages, resident 1
// > populate: resident 16, of a file 4
// > DONTNEED: zeros 1, resident 0; private file shows the file again 1; shared keeps 1
// > FREE: content or zeros 1, written again stays 1
// > WIPEONFORK: child zeros 1, parent keeps 1
// > DONTFORK: child SEGV 1
// > POPULATE_WRITE: resident 4, POPULATE_READ of PROT_NONE EINVAL, of a hole ENOMEM
// > REMOVE: shared zeros 1
// > hints: 0 0 0 0 0 0
// > errors: EINVAL unknown, EINVAL odd, ENOMEM hole, 0 empty
// > mincore errors: EINVAL ENOMEM EFAULT
// > locked: 8 pages resident 8, counted 32 kB, unlocked 0 kB
// > lock on fault: resident 0
// > future: resident 4, forgotten 0
// > limit: EPERM or ENOMEM beyond RLIMIT_MEMLOCK 1
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#define PAGE 4096UL
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static char *map(unsigned long pages, int flags) { return mmap(NULL, pages * PAGE, RW, ANON | flags, -1, 0); }
static const char *result(int value) { return value == 0 ? "0" : strerrorname_np(errno); }
static int resident(char *at, int pages) {
  unsigned char vector[64];
  int count = 0;
  mincore(at, (size_t)pages * PAGE, vector);
  for (int i = 0; i < pages; ++i) count += vector[i] & 1;
  return count;
}
static int zeros(char *at, unsigned long pages) {
  for (unsigned long i = 0; i < pages * PAGE; ++i)
    if (at[i]) return 0;
  return 1;
}
static long field(const char *name) {
  char line[256];
  long value = -1;
  FILE *status = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, status))
    if (!strncmp(line, name, strlen(name))) value = strtol(line + strlen(name), NULL, 10);
  fclose(status);
  return value;
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  char *at = map(16, 0);
  printf("not touched: resident %d\n", resident(at, 16));
  long before = field("RssAnon:");
  for (int i = 0; i < 8; ++i) (void)((volatile char *)at)[i * PAGE];
  long after_read = field("RssAnon:");
  for (int i = 0; i < 8; ++i) at[i * PAGE] = 1;
  printf("read touches nothing of its own, write does: %ld pages, resident %d\n", (field("RssAnon:") - after_read) / 4,
         after_read == before && resident(at, 8) == 8);
  int fd = memfd_create("advice", 0);
  ftruncate(fd, 16 * PAGE);
  char *file = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_POPULATE, fd, 0);
  printf("populate: resident %d, of a file %d\n", resident(map(16, MAP_POPULATE), 16), resident(file, 4));

  memset(at, 'x', 8 * PAGE);
  madvise(at, 8 * PAGE, MADV_DONTNEED);
  int count = resident(at, 8);
  char *private_file = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
  strcpy(file, "file");
  private_file[0] = 'P';
  madvise(private_file, PAGE, MADV_DONTNEED);
  madvise(file, PAGE, MADV_DONTNEED);
  printf("DONTNEED: zeros %d, resident %d; private file shows the file again %d; shared keeps %d\n", zeros(at, 8), count,
         !strcmp(private_file, "file"), !strcmp(file, "file"));
  memset(at, 'y', 2 * PAGE);
  madvise(at, 2 * PAGE, MADV_FREE);
  int plausible = at[0] == 'y' || at[0] == 0;
  at[PAGE] = 'z';
  printf("FREE: content or zeros %d, written again stays %d\n", plausible, at[PAGE] == 'z');

  char *wiped = map(1, 0), *absent = map(1, 0);
  wiped[0] = absent[0] = 'w';
  madvise(wiped, PAGE, MADV_WIPEONFORK);
  madvise(absent, PAGE, MADV_DONTFORK);
  int status;
  if (fork() == 0) _exit(wiped[0] == 0);
  wait(&status);
  printf("WIPEONFORK: child zeros %d, parent keeps %d\n", WEXITSTATUS(status), wiped[0] == 'w');
  if (fork() == 0) _exit(absent[0]);
  wait(&status);
  printf("DONTFORK: child SEGV %d\n", WIFSIGNALED(status));
  char *populated = map(4, 0), *none = mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0);
  madvise(populated, 4 * PAGE, MADV_POPULATE_WRITE);
  printf("POPULATE_WRITE: resident %d, POPULATE_READ of PROT_NONE %s, ", resident(populated, 4),
         result(madvise(none, PAGE, MADV_POPULATE_READ)));
  munmap(populated + PAGE, PAGE);
  printf("of a hole %s\n", result(madvise(populated, 2 * PAGE, MADV_POPULATE_READ)));
  madvise(file, PAGE, MADV_REMOVE);
  printf("REMOVE: shared zeros %d\n", zeros(file, 1));
  const int hints[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTDUMP, MADV_COLD};
  printf("hints:");
  for (int i = 0; i < 6; ++i) printf(" %s", result(madvise(at, PAGE, hints[i])));
  printf("\nerrors: %s unknown, ", result(madvise(at, PAGE, 9999)));
  printf("%s odd, ", result(madvise(at + 1, PAGE, MADV_NORMAL)));
  printf("%s hole, ", result(madvise(populated, 3 * PAGE, MADV_NORMAL)));
  printf("%s empty\n", result(madvise(at, 0, MADV_DONTNEED)));
  unsigned char vector[4];
  printf("mincore errors: %s ", result(mincore(at + 1, PAGE, vector)));
  printf("%s ", result(mincore(populated, 3 * PAGE, vector)));
  printf("%s\n", result(mincore(at, PAGE, (unsigned char *)none)));

  char *locked = map(8, 0);
  mlock(locked, 8 * PAGE);
  long kib = field("VmLck:");
  munlock(locked, 8 * PAGE);
  printf("locked: 8 pages resident %d, counted %ld kB, unlocked %ld kB\n", resident(locked, 8), kib, field("VmLck:"));
  char *lazy = map(4, 0);
  mlock2(lazy, 4 * PAGE, MLOCK_ONFAULT);
  printf("lock on fault: resident %d\n", resident(lazy, 4));
  mlockall(MCL_FUTURE);
  int future = resident(map(4, 0), 4);
  munlockall();
  printf("future: resident %d, forgotten %d\n", future, resident(map(4, 0), 4));
  setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){8192, 8192});
  setuid(65534);
  int refused = mlock(locked, 8 * PAGE) < 0 && (errno == EPERM || errno == ENOMEM);
  printf("limit: EPERM or ENOMEM beyond RLIMIT_MEMLOCK %d\n", refused);
}
