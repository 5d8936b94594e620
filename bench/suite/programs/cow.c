// Copies on write: a child that writes to each of the 512 pages it shares with its parent, a round.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { kPage = 4096, kPages = 512 };

static u64 copy_all(u8* pages, u64 round) {
  const pid_t child = fork();
  int status;
  if (child < 0) die("fork");
  if (child == 0) {
    u64 sum = round;
    for (u64 page = 0; page < kPages; page++) {
      pages[page * kPage + 1] = (u8)round;
      sum = mix(sum, (u64)(pages[page * kPage] + pages[page * kPage + 1]));
    }
    _exit((int)(sum >> 57));
  }
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) die("waitpid");
  for (u64 page = 0; page < kPages; page++) expect(pages[page * kPage + 1] == 0, "the parent's own pages");
  return (u64)WEXITSTATUS(status);
}

BENCH(cow) {
  u8* const pages = mmap(NULL, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  u64 sum = 0;
  if (pages == MAP_FAILED) die("mmap");
  madvise(pages, kPages * kPage, MADV_NOHUGEPAGE);
  for (u64 page = 0; page < kPages; page++) pages[page * kPage] = (u8)page;
  copy_all(pages, 0);
  begin();
  for (u64 round = 0; round < rounds; round++) sum = mix(sum, copy_all(pages, round));
  return sum;
}
