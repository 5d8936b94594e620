// The DMA engine's device, /dev/dma0 (docs/dma-engine.md): a contiguous buffer that the engine fills while the program
// watches it in its own memory; the engine's registers, read-only; and a buffer mapped page by page by the driver's own
// fault, whose pages stand in the supervisor's vmalloc area, where the supervisor itself faults on them too.
// @no-qemu-user the device is the supervisor's
// @no-linux Linux has no driver for this engine
// @no-virt that board has no such engine
//
// > a copy watched: bursts arrive in order 1, seen while busy 1, all 524288 bytes right 1
// > the engine's registers show 524288 copied, and are read-only: EPERM EACCES
// > poll: not ready, then POLLIN; read 524288
// > busy: EBUSY, not waiting EAGAIN
// > fork: the child's copy shows in the parent 1
// > untouched: 0 pages; after touching three 3, faults 3
// > the supervisor writes what was touched and what was not: seen 1, pages 6, its own faults 3
// > paged to paged across pages, odd: right 1
// > paged to buffer: right 1
// > another opening has memory of its own: 1
// > kept across close of the descriptor 1; a transfer cut short by the end of its owner: the next one runs 65536
// > unmapped: vmallocinfo shows 0 pages of it, memory is back 1
// > outside: EINVAL EINVAL EINVAL EINVAL; private EINVAL; past the end EINVAL
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define AREA (1ul << 20)
#define HALF (AREA / 2)
#define PAGED 0x10000000ul
#define ENGINE 0x20000000ul

struct copy {
  uint64_t from, to, bytes;
};
struct fill {
  uint64_t at, bytes, value;
};
struct state {
  uint64_t copied, busy, paged_pages, kernel_faults;
};
#define DMA_COPY _IOW('Q', 1, struct copy)
#define DMA_FILL _IOW('Q', 2, struct fill)
#define DMA_STATE _IOR('Q', 3, struct state)

static const char *error(long result) { return result == -1 ? strerrorname_np(errno) : "ok"; }
static const char *map_error(void *result) { return result == MAP_FAILED ? strerrorname_np(errno) : "ok"; }

static void *map(int fd, uint64_t offset, size_t bytes, int prot) {
  return mmap(NULL, bytes, prot, MAP_SHARED, fd, (off_t)offset);
}
static long copy(int fd, uint64_t from, uint64_t to, uint64_t bytes) {
  return ioctl(fd, DMA_COPY, &(struct copy){from, to, bytes});
}
static uint64_t wait_for(int fd) {
  uint64_t copied = 0;
  return read(fd, &copied, sizeof copied) == sizeof copied ? copied : 0;
}
static struct state state_of(int fd) {
  struct state state;
  ioctl(fd, DMA_STATE, &state);
  return state;
}
static long faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}
/// Pages of the driver's areas, by /proc/vmallocinfo.
static long area_pages(void) {
  char line[256];
  long sum = 0;
  FILE *info = fopen("/proc/vmallocinfo", "r");
  while (info && fgets(line, sizeof line, info)) {
    const char *const pages = strstr(line, "dma0 pages=");
    sum += pages ? atol(pages + 11) : 0;
  }
  if (info) fclose(info);
  return sum;
}
static long free_kb(void) {
  char line[256];
  long kb = 0;
  FILE *info = fopen("/proc/meminfo", "r");
  while (fgets(line, sizeof line, info)) sscanf(line, "MemFree: %ld", &kb);
  fclose(info);
  return kb;
}
static uint8_t pattern(size_t at) { return (uint8_t)(at * 7 + (at >> 8) + 1); }

static void watch(int fd, volatile uint8_t *buffer, volatile uint64_t *engine) {
  for (size_t i = 0; i < HALF; i++) buffer[i] = pattern(i);
  int in_order = 1, seen_busy = 0;
  size_t arrived = 0;
  copy(fd, 0, HALF, HALF);
  while (arrived < HALF / PAGE) {
    if (buffer[HALF + arrived * PAGE] == 0) continue;
    // The later bursts are not there before this one.
    for (size_t later = arrived + 8; later < HALF / PAGE; later += 32)
      in_order &= buffer[HALF + arrived * PAGE] != 0 || buffer[HALF + later * PAGE] == 0;
    arrived++;
    seen_busy += (engine[5] & 1) != 0 && engine[6] >= arrived * PAGE;
  }
  const uint64_t copied = wait_for(fd);
  int right = 1;
  for (size_t i = 0; i < HALF; i++) right &= buffer[HALF + i] == pattern(i);
  printf("a copy watched: bursts arrive in order %d, seen while busy %d, all %lu bytes right %d\n", in_order,
         seen_busy > 10, copied, right);
}

static void watch_by_call(int fd) {
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  copy(fd, 0, HALF, HALF);
  const int first = poll(&ready, 1, 0);
  const int second = poll(&ready, 1, -1);
  printf("poll: %s, then %s; read %lu\n", first == 0 ? "not ready" : "ready",
         second == 1 && ready.revents == POLLIN ? "POLLIN" : "?", wait_for(fd));
  copy(fd, 0, HALF, HALF);
  uint64_t copied;
  printf("busy: %s, ", error(copy(fd, 0, HALF, 8)));
  fcntl(fd, F_SETFL, O_NONBLOCK);
  printf("not waiting %s\n", error(read(fd, &copied, sizeof copied)));
  fcntl(fd, F_SETFL, 0);
  wait_for(fd);
}

static void paged(int fd, uint8_t *buffer) {
  uint8_t *const area = map(fd, PAGED, AREA, PROT_READ | PROT_WRITE);
  const uint64_t empty = state_of(fd).paged_pages;
  const long before = faults();
  area[0] = 1, area[5 * PAGE] = 2, area[17 * PAGE] = 3;
  const long taken = faults() - before;
  printf("untouched: %lu pages; after touching three %lu, faults %ld\n", empty, state_of(fd).paged_pages, taken);

  const struct state then = state_of(fd);
  ioctl(fd, DMA_FILL, &(struct fill){PAGED + 4 * PAGE, 4 * PAGE, 0x5a});
  const struct state now = state_of(fd);
  printf("the supervisor writes what was touched and what was not: seen %d, pages %lu, its own faults %lu\n",
         area[4 * PAGE] == 0x5a && area[5 * PAGE] == 0x5a && area[8 * PAGE - 1] == 0x5a && area[17 * PAGE] == 3,
         now.paged_pages, now.kernel_faults - then.kernel_faults);

  const size_t bytes = 3 * PAGE + 100;
  for (size_t i = 0; i < bytes; i++) area[20 * PAGE + 13 + i] = pattern(i);
  copy(fd, PAGED + 20 * PAGE + 13, PAGED + 40 * PAGE + 4001, bytes);
  int right = wait_for(fd) == bytes;
  for (size_t i = 0; i < bytes; i++) right &= area[40 * PAGE + 4001 + i] == pattern(i);
  printf("paged to paged across pages, odd: right %d\n", right);
  copy(fd, PAGED + 40 * PAGE + 4001, 77, bytes);
  right = wait_for(fd) == bytes;
  for (size_t i = 0; i < bytes; i++) right &= buffer[77 + i] == pattern(i);
  printf("paged to buffer: right %d\n", right);
  munmap(area, AREA);
}

static void outside(int fd) {
  printf("outside: %s ", error(copy(fd, AREA - 8, HALF, 16)));
  printf("%s ", error(copy(fd, PAGED + AREA, 0, 1)));
  printf("%s ", error(copy(fd, 0, 0, 0)));
  printf("%s; ", error(copy(fd, 0, ~0ul - 7, 16)));
  printf("private %s; ", map_error(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0)));
  printf("past the end %s\n", map_error(map(fd, PAGED, AREA + PAGE, PROT_READ)));
}

int main(void) {
  const long free_before = free_kb();
  const int fd = open("/dev/dma0", O_RDWR);
  if (fd < 0) {
    puts("no engine");
    return 1;
  }
  uint8_t *const buffer = map(fd, 0, AREA, PROT_READ | PROT_WRITE);
  volatile uint64_t *const engine = map(fd, ENGINE, PAGE, PROT_READ);
  watch(fd, buffer, engine + 0x1000 / 8 * 0);
  printf("the engine's registers show %lu copied, and are read-only: %s ", engine[6],
         map_error(map(fd, ENGINE, PAGE, PROT_READ | PROT_WRITE)));
  printf("%s\n", error(mprotect((void *)engine, PAGE, PROT_READ | PROT_WRITE)));
  watch_by_call(fd);

  const pid_t child = fork();
  if (child == 0) {
    memset(buffer, 0xc5, PAGE);
    copy(fd, 0, PAGE, PAGE);
    wait_for(fd);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  printf("fork: the child's copy shows in the parent %d\n", buffer[2 * PAGE - 1] == 0xc5);

  paged(fd, buffer);

  const int other = open("/dev/dma0", O_RDWR);
  uint8_t *const others = map(other, 0, AREA, PROT_READ | PROT_WRITE);
  printf("another opening has memory of its own: %d\n", others[0] == 0 && buffer[0] != 0);
  close(other);
  others[9] = 9;
  const pid_t owner = fork();
  if (owner == 0) {
    const int own = open("/dev/dma0", O_RDWR);
    copy(own, 0, HALF, HALF);
    _exit(0);
  }
  waitpid(owner, NULL, 0);
  copy(fd, 0, HALF, 65536);
  printf("kept across close of the descriptor %d; a transfer cut short by the end of its owner: the next one runs %lu\n",
         others[9] == 9, wait_for(fd));
  munmap(others, AREA);
  printf("unmapped: vmallocinfo shows %ld pages of it, ", area_pages());
  printf("memory is back %d\n", free_before - free_kb() < 2048);  // the buffer itself, and what the program took
  outside(fd);
  return 0;
}
