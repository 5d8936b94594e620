// Mappings: shared and private files, anonymous sharing across fork, copy-on-write, protections, brk, mremap, errors.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
static const char* fail(void* p) { return p == MAP_FAILED ? strerrorname_np(errno) : "ok"; }
static const char* err(int r) { return r < 0 ? strerrorname_np(errno) : "ok"; }

int main(void) {
  int fd = open("/tmp/memory", O_RDWR | O_CREAT | O_TRUNC, 0600);
  printf("ftruncate %s\n", err(ftruncate(fd, 3 * PAGE)));
  char* shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char* private = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  strcpy(shared + PAGE, "through the map");
  char text[32] = {0};
  pread(fd, text, 31, PAGE);
  printf("read: %s; private sees: %s\n", text, private + PAGE);
  strcpy(private + PAGE, "mine");
  pread(fd, text, 31, PAGE);
  printf("after private write: %s / %s\n", text, private + PAGE);
  pwrite(fd, "written", 8, PAGE);
  printf("map sees: %s; private keeps: %s\n", shared + PAGE, private + PAGE);
  printf("msync %s, odd %s\n", err(msync(shared, 3 * PAGE, MS_SYNC)), err(msync(shared + 1, PAGE, MS_SYNC)));
  close(fd);
  shared[0] = 'x';
  printf("after close %c\n", private[0]);

  char* anon = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char* own = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(own, "parent");
  if (fork() == 0) {
    strcpy(anon, "from the child");
    printf("child inherits: %s\n", own);
    strcpy(own, "child");
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  printf("anon: %s; own: %s\n", anon, own);

  printf("%s %s %s %s %s\n", fail(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
         fail(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0)), fail(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0)),
         fail(mmap((void*)1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)),
         fail(mmap(NULL, 1ul << 50, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
  printf("%s %s %s\n", err(munmap((void*)1, PAGE)), err(munmap(own, 0)), err(munmap((void*)-PAGE, PAGE)));
  printf("%s %s %s\n", err(mprotect((void*)(1ul << 30), PAGE, PROT_READ)), err(mprotect(own + 1, PAGE, PROT_READ)),
         err(mprotect(own, PAGE, 64)));
  printf("%s\n", err(madvise((void*)(~0ul - PAGE + 1), 2 * PAGE, MADV_DONTNEED)));
  printf("dontneed %s %d\n", err(madvise(own, 2 * PAGE, MADV_DONTNEED)), own[0]);

  char* big = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 16; ++i) big[i * PAGE] = (char)('a' + i);
  printf("hole %s\n", err(munmap(big + 4 * PAGE, 4 * PAGE)));
  printf("noreplace %s\n", fail(mmap(big, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)));
  char* moved = mremap(big + 8 * PAGE, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
  printf("mremap %s %c%c, zero %d\n", fail(moved), moved[0], moved[7 * PAGE], moved[63 * PAGE]);
  printf("shrink %s\n", fail(mremap(moved, 64 * PAGE, PAGE, 0)));
  printf("grow in place %s\n", fail(mremap(big, 4 * PAGE, 1000000 * PAGE, 0)));
  unsigned char vec[4];
  printf("mincore %s %d, hole %s\n", err(mincore(big, 4 * PAGE, vec)), vec[0] & 1, err(mincore(big, 8 * PAGE, vec)));

  char* before = sbrk(0);
  sbrk(100000);
  memset(before, 7, 100000);
  printf("brk %ld\n", (long)((char*)sbrk(0) - before));
  sbrk(-100000);
  printf("brk back %d\n", sbrk(0) == before);

  char* reserve = mmap(NULL, 8ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  printf("reserve %s %s\n", fail(reserve), err(mprotect(reserve + (1ul << 32), PAGE, PROT_READ | PROT_WRITE)));
  reserve[1ul << 32] = 1;
  printf("%d\n", reserve[1ul << 32]);

  static const uint32_t code[] = {0x02a00513, 0x00008067};  // li a0, 42; ret
  uint32_t* jit = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(jit, code, sizeof code);
  mprotect(jit, PAGE, PROT_READ | PROT_EXEC);
  __builtin___clear_cache((char*)jit, (char*)jit + sizeof code);
  printf("code %d\n", ((int (*)(void))jit)());
  unlink("/tmp/memory");
  return 0;
}
