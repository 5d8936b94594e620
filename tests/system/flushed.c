// Stores into files of a shared directory and looks through another mount of the same directory when they reach the
// host, by the guest's clock. Each file is looked at once: a mount keeps what it has read.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int store(const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/mnt/%s", name);
  const int fd = open(path, O_RDWR);
  char *const at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return 0;
  memcpy(at, text, strlen(text));
  return pwrite(fd, text, strlen(text), 4096 + 100) == (ssize_t)strlen(text);  // the descriptor and the mapping stay
}

static void look(const char *when, const char *name) {
  char path[64], first[16] = "", second[16] = "";
  snprintf(path, sizeof path, "/look/%s", name);
  const int fd = open(path, O_RDONLY);
  if (pread(fd, first, 6, 0) < 0 || pread(fd, second, 6, 4096 + 100) < 0) return;
  close(fd);
  printf("%s: \"%s\" \"%s\"\n", when, first, second);
  fflush(stdout);
}

static void show_dirty(void) {
  char line[128];
  FILE *const meminfo = fopen("/proc/meminfo", "r");
  while (meminfo != NULL && fgets(line, sizeof line, meminfo) != NULL) {
    if (strncmp(line, "Dirty:", 6) == 0) printf("%s", line);
  }
  fclose(meminfo);
}

int main(void) {
  show_dirty();
  if (!store("a", "mapped") || !store("b", "mapped")) return 1;
  show_dirty();
  sleep(29);
  look("after 29 s", "a");
  sleep(2);
  look("after 31 s", "b");
  show_dirty();
  FILE *const expire = fopen("/proc/sys/vm/dirty_expire_centisecs", "w");
  if (expire == NULL || fprintf(expire, "100\n") < 0 || fclose(expire) != 0) return 2;
  if (!store("c", "again!") || !store("d", "again!")) return 3;
  usleep(900000);
  look("after 0.9 s", "c");
  usleep(200000);
  look("after 1.1 s", "d");
  return 0;
}
