// A program that reads sizes from its terminal, maps and fills each, watched through /proc/PID/maps by another one:
// anonymous neighbours are one line there, what is filled counts as resident, what is unmapped is gone.
// @no-qemu-user its own mappings show in the maps
// @native
// @links static
//
// > 16 pages: lines +1, size +64 kB, resident grows by 64 kB 1
// > 32 pages: lines +0, size +128 kB, resident grows by 128 kB 1
// > 1 page: lines +0, size +4 kB, resident grows by 4 kB 1
// > 0 pages (all unmapped): lines -1, size -196 kB, resident shrinks 1
// > end of input: status 0
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int interactive(void) {
  char line[64], *all[16];
  size_t bytes[16];
  int count = 0;
  static char buffer[256];
  // Keeps what follows from merging with what the C library has mapped.
  mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  setvbuf(stdin, buffer, _IOLBF, sizeof buffer);
  setvbuf(stdout, NULL, _IONBF, 0);
  while (write(1, "size? ", 6), fgets(line, sizeof line, stdin)) {
    size_t pages = strtoul(line, NULL, 10);
    if (pages == 0) {
      while (count > 0) munmap(all[count - 1], bytes[count - 1]), --count;
      continue;
    }
    bytes[count] = pages * 4096;
    all[count] = mmap(NULL, bytes[count], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(all[count], 1, bytes[count]);
    ++count;
  }
  return 0;
}

struct view {
  long lines, kib, resident;
};
static struct view look(pid_t pid) {
  char path[64], line[512];
  struct view view = {0};
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *maps = fopen(path, "r");
  while (fgets(line, sizeof line, maps)) {
    char *dash;
    unsigned long start = strtoul(line, &dash, 16), end = strtoul(dash + 1, NULL, 16);
    view.lines++;
    view.kib += (long)(end - start) / 1024;
  }
  fclose(maps);
  snprintf(path, sizeof path, "/proc/%d/smaps", pid);
  FILE *smaps = fopen(path, "r");
  long kib;
  while (fgets(line, sizeof line, smaps))
    if (sscanf(line, "Anonymous: %ld kB", &kib) == 1) view.resident += kib;
  fclose(smaps);
  return view;
}

static void await_prompt(int master) {
  char all[256] = "";
  size_t n = 0;
  while (strstr(all, "size? ") == NULL && n < sizeof all - 1) {
    ssize_t got = read(master, all + n, sizeof all - 1 - n);
    if (got <= 0) break;
    n += (size_t)got;
    all[n] = 0;
  }
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) return interactive();
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  unlockpt(master);
  const char *name = ptsname(master);
  pid_t child = fork();
  if (child == 0) {
    setsid();
    int slave = open(name, O_RDWR);
    for (int fd = 0; fd < 3; ++fd) dup2(slave, fd);
    execl("/proc/self/exe", "map_watch", "interactive", NULL);
    _exit(127);
  }
  await_prompt(master);
  struct view before = look(child);
  const int sizes[] = {16, 32, 1};
  for (int i = 0; i < 3; ++i) {
    char line[16];
    int n = snprintf(line, sizeof line, "%d\n", sizes[i]);
    write(master, line, (size_t)n);
    await_prompt(master);
    struct view now = look(child);
    printf("%d page%s: lines %+ld, size %+ld kB, resident grows by %d kB %d\n", sizes[i], sizes[i] > 1 ? "s" : "",
           now.lines - before.lines, now.kib - before.kib, sizes[i] * 4,
           now.resident - before.resident == sizes[i] * 4);
    before = now;
  }
  write(master, "0\n", 2);
  await_prompt(master);
  struct view now = look(child);
  printf("0 pages (all unmapped): lines %+ld, size %+ld kB, resident shrinks %d\n", now.lines - before.lines,
         now.kib - before.kib, now.resident < before.resident);
  write(master, "\x04", 1);
  int status;
  waitpid(child, &status, 0);
  printf("end of input: status %d\n", WEXITSTATUS(status));
}
