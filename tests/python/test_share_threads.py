"""Several threads at the same files of the host at once: every exchange with the host lets the others run."""

import subprocess

from .test_command import invoke

SHARED_FILES = 4
SHARED_PAGES = 3
ROOT_FILES = 150  # more than the supervisor holds open on the host
ROOT_PAGES = 6

PRELUDE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
enum { kThreads = 8, kPage = 4096 };
#define MUST(condition, what, ...) \
  do { if (!(condition)) { fprintf(stderr, what " (%s)\n", __VA_ARGS__, strerror(errno)); exit(1); } } while (0)
static void check_page(const char *name, int fd, int file, int page) {
  char data[kPage], expected[32];
  MUST(pread(fd, data, kPage, (off_t)page * kPage) == kPage, "%s: page %d", name, page);
  snprintf(expected, sizeof expected, "file %d page %d\n", file, page);
  MUST(memcmp(data, expected, strlen(expected)) == 0, "%s: page %d holds another: %.20s", name, page, data);
}
static void *work(void *number);
int main(void) {
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; i++) pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < kThreads; i++) pthread_join(threads[i], NULL);
  return 0;
}
"""

# Files are opened, read and closed by all threads, which also give them further names and take these away:
# removing a name looks the file up anew. Each thread has a file of its own besides, which it writes.
SHARE = PRELUDE + r"""
enum { kRounds = 12, kFiles = %d, kPages = %d };
static void write_own(int me, int round) {
  char name[64], text[64], back[64];
  snprintf(name, sizeof name, "/mnt/s/own%%d", me);
  const int length = snprintf(text, sizeof text, "thread %%d round %%d\n", me, round);
  int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
  MUST(fd >= 0, "%%s: open to write", name);
  MUST(write(fd, text, length) == length, "%%s: write", name);
  MUST(fsync(fd) == 0, "%%s: fsync", name);
  MUST(close(fd) == 0, "%%s: close", name);
  MUST((fd = open(name, O_RDONLY)) >= 0, "%%s: open to read", name);
  const off_t end = lseek(fd, 0, SEEK_END);
  MUST(pread(fd, back, length, end - length) == length && memcmp(text, back, length) == 0, "%%s: own text", name);
  close(fd);
}
static void *work(void *number) {
  const int me = (int)(long)number;
  for (int round = 0; round < kRounds; round++) {
    const int file = (me + round) %% kFiles;
    char name[64], alias[64];
    snprintf(name, sizeof name, "/mnt/s/f%%d", file);
    snprintf(alias, sizeof alias, "/mnt/s/alias%%d", me);
    MUST(link(name, alias) == 0, "%%s: link", alias);
    const int fd = open(me %% 2 ? alias : name, me %% 3 ? O_RDONLY : O_RDWR);
    MUST(fd >= 0, "%%s: open", name);
    struct stat status;
    MUST(fstat(fd, &status) == 0 && status.st_size == kPages * kPage, "%%s: size", name);
    MUST(unlink(alias) == 0, "%%s: unlink", alias);
    for (int page = 0; page < kPages; page++) check_page(name, fd, file, page);
    close(fd);
    write_own(me, round);
    if (me == 0) sync();
  }
  return NULL;
}
""" % (SHARED_FILES, SHARED_PAGES)

# Every page of every file is read, in an order of the thread's own.
ROOT = PRELUDE + r"""
enum { kFiles = %d, kPages = %d };
static void *work(void *number) {
  const int me = (int)(long)number;
  for (int page = 0; page < kPages; page++)
    for (int i = 0; i < kFiles; i++) {
      const int file = (i * (2 * me + 7) + me * 19) %% kFiles;
      char name[64];
      snprintf(name, sizeof name, "/data/f%%d", file);
      const int fd = open(name, O_RDONLY);
      MUST(fd >= 0, "%%s: open", name);
      check_page(name, fd, file, (page + me) %% kPages);
      close(fd);
    }
  return NULL;
}
""" % (ROOT_FILES, ROOT_PAGES)


def fill(directory, files, pages):
    directory.mkdir()
    for file in range(files):
        text = "".join(f"file {file} page {page}\n".ljust(4096, ".") for page in range(pages))
        (directory / f"f{file}").write_text(text)


def test_threads_share_the_files_of_a_share(quire_command, compile_c, tmp_path):
    share = tmp_path / "share"
    fill(share, SHARED_FILES, SHARED_PAGES)
    before = {path.name: path.read_bytes() for path in share.iterdir()}
    done = invoke(quire_command, "run", "--share", f"{share}:/mnt/s:rw", compile_c(SHARE, "-pthread"))
    assert (done.returncode, done.stderr) == (0, b"")
    own = {f"own{me}": "".join(f"thread {me} round {round}\n" for round in range(12)).encode() for me in range(8)}
    assert {path.name: path.read_bytes() for path in share.iterdir()} == before | own


def test_threads_read_more_files_of_a_root_than_are_held_open(quire_command, compile_c, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    fill(root / "data", ROOT_FILES, ROOT_PAGES)
    subprocess.run(["cp", compile_c(ROOT, "-pthread"), root / "program"], check=True)
    done = invoke(quire_command, "run", "--root", root, "/program")
    assert (done.returncode, done.stderr) == (0, b"")
