// Files of 64 KiB in /tmp: made, written, looked up, read back in small pieces, renamed and removed.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

enum { kBytes = 64 << 10, kPiece = 512 };

static u64 one(const char* data, u64 round, const char* name, const char* renamed) {
  u8 piece[kPiece];
  struct stat facts;
  u64 sum = 0;
  const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || write(fd, data, kBytes) != kBytes) die(name);
  if (pwrite(fd, &round, sizeof(round), (off_t)(round * 61 % kBytes / 8 * 8)) != sizeof(round)) die("pwrite");
  if (stat(name, &facts) != 0 || lseek(fd, 0, SEEK_SET) != 0) die("stat");
  for (int at = 0; at < kBytes; at += kPiece) {
    if (read(fd, piece, kPiece) != kPiece) die("read");
    sum = mix_bytes(sum, piece, 64) + piece[at % 499];
  }
  close(fd);
  if (rename(name, renamed) != 0 || unlink(renamed) != 0) die("rename");
  return sum + (u64)facts.st_size;
}

BENCH(files) {
  static char data[kBytes];
  char name[64], renamed[64];
  u64 sum = 0;
  write_text(data, kBytes);
  snprintf(name, sizeof(name), "/tmp/bench-%d", (int)getpid());
  snprintf(renamed, sizeof(renamed), "/tmp/bench-%d-renamed", (int)getpid());
  one(data, 0, name, renamed);
  begin();
  for (u64 round = 0; round < rounds; round++) sum = mix(sum, one(data, round, name, renamed));
  return sum;
}
