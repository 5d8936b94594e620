// Writes files, by write(2) and through a shared mapping, reads them back and compares: status 77 when they are not what was
// written, 78 when a call fails that should not. Prints a sum of all.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 6, PAGES = 3, BYTES = PAGES * 4096 };
static unsigned char buffer[BYTES], back[BYTES];

static unsigned char byte_of(int file, int at) { return (unsigned char)(file * 37 + at * 11 + at / 4096); }

static int write_file(const char *name, int file) {
  int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0600);
  if (fd < 0 || write(fd, buffer, BYTES) != BYTES) return 78;
  unsigned char *map = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return 78;
  for (int page = 0; page < PAGES; page++) map[page * 4096 + 7] = (unsigned char)~byte_of(file, page * 4096 + 7);
  if (msync(map, BYTES, MS_SYNC) || munmap(map, BYTES) || fsync(fd) || close(fd)) return 78;
  return 0;
}

static int read_file(const char *name, int file, unsigned *sum) {
  int fd = open(name, O_RDONLY);
  if (fd < 0 || read(fd, back, BYTES) != BYTES || close(fd)) return 78;
  for (int at = 0; at < BYTES; at++) {
    unsigned char expected = byte_of(file, at);
    if (at % 4096 == 7) expected = (unsigned char)~expected;
    if (back[at] != expected) return 77;
    *sum = *sum * 31 + back[at];
  }
  return 0;
}

int main(void) {
  unsigned sum = 0;
  char name[32];
  int bad = mkdir("/tmp/files", 0700) ? 78 : 0;
  for (int file = 0; file < FILES && !bad; file++) {
    for (int at = 0; at < BYTES; at++) buffer[at] = byte_of(file, at);
    snprintf(name, sizeof name, "/tmp/files/%d", file);
    bad = write_file(name, file);
  }
  for (int file = 0; file < FILES && !bad; file++) {
    snprintf(name, sizeof name, "/tmp/files/%d", file);
    bad = read_file(name, file, &sum);
  }
  printf("%u\n", sum);
  return bad;
}
