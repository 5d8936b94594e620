// System V shared memory: by key and private, attached by several processes and read-only, counted, removed while in use.
// @no-qemu-user its shmdt unmaps the whole range, whatever is there now
// @native
//
// > new: size 10000, attached 0, mode 600, creator me 1
// > shared across fork: "child", attached in the child 2
// > twice in one process: 1, attached 2
// > by key from outside: "child"
// > read-only: writes SEGV, mprotect EACCES
// > at an address: 1, rounded 1, taken EINVAL, odd EINVAL
// > detached: 0, own page kept 1, rest gone ENOMEM ENOMEM, time set 1, by me 1
// > errors: EEXIST ENOENT EINVAL EINVAL EINVAL
// > permissions: EACCES
// > removed while attached: still "child", destroyed flag 1, key gone ENOENT
// > last detach: EINVAL or EIDRM 1
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY 0x51554952
static const char *failed(void *at) { return at == (void *)-1 ? strerrorname_np(errno) : "0"; }
static const char *result(long value) { return value >= 0 ? "0" : strerrorname_np(errno); }
static struct shmid_ds facts(int id) {
  struct shmid_ds info = {0};
  shmctl(id, IPC_STAT, &info);
  return info;
}

/// Detaching takes what is left of the segment, not what the program has put in its place.
static void with_hole(void) {
  int id = shmget(IPC_PRIVATE, 3 * 4096, 0600);
  unsigned char there;
  char *at = shmat(id, NULL, 0);
  mmap(at + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  printf("detached: %s, ", result(shmdt(at)));
  printf("own page kept %d, ", mincore(at + 4096, 4096, &there) == 0);
  printf("rest gone %s ", result(mincore(at, 4096, &there)));
  printf("%s, ", result(mincore(at + 8192, 4096, &there)));
  struct shmid_ds info = facts(id);
  printf("time set %d, by me %d\n", info.shm_dtime != 0, info.shm_lpid == getpid());
  shmctl(id, IPC_RMID, NULL);
}

int main(void) {
  int status;
  setvbuf(stdout, NULL, _IOLBF, 0);
  int id = shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0600);
  struct shmid_ds info = facts(id);
  printf("new: size %zu, attached %lu, mode %o, creator me %d\n", info.shm_segsz, (unsigned long)info.shm_nattch,
         info.shm_perm.mode & 0777, info.shm_cpid == getpid());
  char *at = shmat(id, NULL, 0);
  fflush(stdout);
  if (fork() == 0) {
    strcpy(at, "child");
    _exit((int)facts(id).shm_nattch);
  }
  wait(&status);
  printf("shared across fork: \"%s\", attached in the child %d\n", at, WEXITSTATUS(status));
  char *again = shmat(id, NULL, 0);
  printf("twice in one process: %d, attached %lu\n", again != at && !strcmp(again, at), (unsigned long)facts(id).shm_nattch);
  shmdt(again);
  if (fork() == 0) {
    shmdt(at);
    char *other = shmat(shmget(KEY, 0, 0), NULL, 0);
    printf("by key from outside: \"%s\"\n", other);
    fflush(stdout);
    char *only = shmat(id, NULL, SHM_RDONLY);
    const char *refused = result(mprotect(only, 4096, PROT_READ | PROT_WRITE));
    fflush(stdout);
    if (fork() == 0) {
      only[0] = 'x';
      _exit(0);
    }
    wait(&status);
    printf("read-only: writes %s, mprotect %s\n", WIFSIGNALED(status) ? "SEGV" : "-", refused);
    char *place = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(place, 1 << 20);
    char *there = shmat(id, place, 0);
    int exact = there == place;
    shmdt(there);
    there = shmat(id, place + 100, SHM_RND);
    printf("at an address: %d, rounded %d, taken ", exact, there == place);
    printf("%s, ", failed(shmat(id, place, 0)));
    printf("odd %s\n", failed(shmat(id, place + 0x10001, 0)));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  with_hole();
  printf("errors: %s ", result(shmget(KEY, 10000, IPC_CREAT | IPC_EXCL)));
  printf("%s ", result(shmget(KEY + 1, 10000, 0)));
  printf("%s ", result(shmget(KEY, 20000, 0)));
  printf("%s ", result(shmget(KEY + 1, 0, IPC_CREAT)));
  printf("%s\n", result(shmdt((void *)4096)));
  fflush(stdout);
  if (fork() == 0) {
    setuid(65534);
    printf("permissions: %s\n", failed(shmat(id, NULL, 0)));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  shmctl(id, IPC_RMID, NULL);
  printf("removed while attached: still \"%s\", destroyed flag %d, key gone ", at, (facts(id).shm_perm.mode & SHM_DEST) != 0);
  printf("%s\n", result(shmget(KEY, 0, 0)));
  shmdt(at);
  int gone = shmctl(id, IPC_STAT, &info) < 0;
  printf("last detach: EINVAL or EIDRM %d\n", gone && (errno == EINVAL || errno == EIDRM));
}
