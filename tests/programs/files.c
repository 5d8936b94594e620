// File system calls and their errors, in a directory of its own under /tmp.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SHOW(call)                                                                       \
  do {                                                                                   \
    errno = 0;                                                                           \
    long result_ = (long)(call);                                                         \
    printf("%s = %ld %s\n", #call, result_, result_ < 0 ? strerrorname_np(errno) : ""); \
  } while (0)

static int by_name(const void* a, const void* b) { return strcmp(*(char* const*)a, *(char* const*)b); }

static void list(const char* path) {
  DIR* dir = opendir(path);
  char* names[64];
  int n = 0;
  for (struct dirent* e; (e = readdir(dir)) != NULL && n < 64;) {
    char text[300];
    snprintf(text, sizeof text, "%s:%d", e->d_name, e->d_type);
    names[n++] = strdup(text);
  }
  closedir(dir);
  qsort(names, (size_t)n, sizeof *names, by_name);
  for (int i = 0; i < n; ++i) printf("%s ", names[i]);
  puts("");
}

int main(void) {
  char dir[] = "/tmp/files-XXXXXX";
  if (!mkdtemp(dir) || chdir(dir) != 0) return 1;
  umask(022);
  struct stat st;
  char text[PATH_MAX];
  printf("cwd %d\n", getcwd(text, sizeof text) != NULL && strcmp(text, dir) == 0);
  SHOW(getcwd(text, 3) == NULL ? -1 : 0);

  SHOW(open("absent", O_RDONLY) < 0 ? -1 : 0);
  int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0666);
  SHOW(open("a", O_RDWR | O_CREAT | O_EXCL, 0666) < 0 ? -1 : 0);
  SHOW(write(fd, "hello world", 11));
  SHOW(lseek(fd, 0, SEEK_END));
  SHOW(lseek(fd, -12, SEEK_CUR));
  SHOW(lseek(fd, 6, SEEK_SET));
  SHOW(lseek(fd, 6, 99));
  memset(text, 0, sizeof text);
  SHOW(read(fd, text, 100));
  puts(text);
  SHOW(pwrite(fd, "HE", 2, 0));
  SHOW(pread(fd, text, 5, 0));
  printf("%.5s\n", text);
  SHOW(pwrite(fd, "end", 3, 10000));
  SHOW(fstat(fd, &st));
  printf("size %ld mode %o nlink %ld blocks %d\n", (long)st.st_size, st.st_mode, (long)st.st_nlink, st.st_blocks > 0);
  SHOW(pread(fd, text, 8, 5000));
  printf("hole %d\n", text[0] == 0 && text[7] == 0);
  SHOW(ftruncate(fd, 5));
  SHOW(pread(fd, text, 100, 0));
  SHOW(ftruncate(fd, 8));
  SHOW(pread(fd, text, 100, 0));
  printf("tail zero %d\n", memcmp(text, "HEllo\0\0\0", 8) == 0);
  SHOW(ftruncate(fd, -1));
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  int other = open("a", O_WRONLY | O_APPEND);
  SHOW(write(other, "+", 1));
  SHOW(lseek(fd, 0, SEEK_END));
  SHOW(read(other, text, 1));
  close(other);

  SHOW(mkdir("d", 0777));
  SHOW(mkdir("d", 0777));
  SHOW(mkdir("absent/d", 0777));
  SHOW(link("a", "d/hard"));
  SHOW(fstat(fd, &st));
  printf("nlink %ld\n", (long)st.st_nlink);
  SHOW(symlink("d/hard", "soft"));
  SHOW(readlink("soft", text, sizeof text));
  SHOW(readlink("a", text, sizeof text));
  SHOW(lstat("soft", &st));
  printf("mode %o size %ld\n", st.st_mode, (long)st.st_size);
  SHOW(stat("soft", &st));
  printf("mode %o\n", st.st_mode);
  SHOW(symlink("loop", "loop"));
  SHOW(open("loop", O_RDONLY));
  SHOW(open("soft", O_RDONLY | O_NOFOLLOW));
  SHOW(open("a/b", O_RDONLY));
  SHOW(open("a", O_RDONLY | O_DIRECTORY));
  SHOW(open("d", O_WRONLY));
  SHOW(rmdir("d"));
  SHOW(unlink("d"));
  SHOW(rmdir("a"));
  SHOW(rename("a", "b"));
  SHOW(rename("absent", "b"));
  SHOW(rename("d", "d/inside"));
  SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "soft", RENAME_NOREPLACE));
  SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "soft", RENAME_EXCHANGE));
  SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "soft", 64));
  list(".");
  SHOW(access("soft", R_OK | W_OK));
  SHOW(access("absent", F_OK));
  SHOW(chmod("soft", 0640));
  SHOW(fchmod(fd, 0755));
  SHOW(fstat(fd, &st));
  printf("mode %o\n", st.st_mode);
  SHOW(fchown(fd, 12, 34));
  SHOW(fstat(fd, &st));
  printf("owner %d %d\n", st.st_uid, st.st_gid);
  struct timespec times[2] = {{1000, 500}, {2000, 0}};
  SHOW(futimens(fd, times));
  SHOW(fstat(fd, &st));
  printf("times %ld.%ld %ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec);
  struct statx stx;
  SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx));
  printf("statx %o %d %d\n", stx.stx_mode, (int)stx.stx_size, stx.stx_ino == st.st_ino);
  SHOW(unlink("soft"));
  SHOW(fstat(fd, &st));
  printf("nlink %ld\n", (long)st.st_nlink);
  SHOW(openat(fd, "x", O_RDONLY));
  int dirfd = open("d", O_RDONLY | O_DIRECTORY);
  SHOW(faccessat(dirfd, "hard", F_OK, 0));
  SHOW(unlinkat(dirfd, "hard", 0));
  SHOW(fstat(fd, &st));
  printf("nlink %ld\n", (long)st.st_nlink);
  SHOW(fchdir(dirfd));
  SHOW(chdir(".."));
  SHOW(read(dirfd, text, 10));
  SHOW(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
  list(".");
  struct statfs fs;
  SHOW(statfs(".", &fs));
  memset(text, 'n', 300);
  text[300] = 0;
  SHOW(open(text, O_RDONLY));
  SHOW(open("", O_RDONLY));
  SHOW(close(fd));
  SHOW(close(fd));
  SHOW(read(fd, text, 1));
  SHOW(fcntl(fd, F_GETFL));
  SHOW(unlink("b"));
  SHOW(unlink("loop"));
  SHOW(chdir("/"));
  SHOW(rmdir(dir));
  SHOW(open("/dev/null", O_RDWR) < 0 ? -1 : 0);
  SHOW(stat("/dev/null", &st));
  printf("device %d %d %d\n", S_ISCHR(st.st_mode), major(st.st_rdev), minor(st.st_rdev));
  SHOW(fallocate(memfd_create("m", MFD_CLOEXEC), 0, 0, 12345));
  return 0;
}
