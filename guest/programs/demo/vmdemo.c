// The demonstration program: what a Unix process can do with its address space, step by step, each step checked.
//
// It knows nothing of the supervisor under it and runs on any Linux. It stands still twice, with the child waiting
// in read(), so that an observer can look at both page tables: before either process has written to the private
// page after fork, and after both have.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH "/tmp/vmdemo.txt"
#define FILE_BYTES 8192
#define TEXT "written through a shared mapping"

static size_t page_bytes;

static void check(int good, const char *what) {
  if (!good) {
    printf("FAILED: %s (%s)\n", what, strerror(errno));
    exit(1);
  }
}

static void *map(size_t bytes, int flags, int fd) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  check(at != MAP_FAILED, "mmap");
  return at;
}

static void shared_file(int fd) {
  char *text = map(FILE_BYTES, MAP_SHARED, fd);
  strcpy(text + page_bytes, TEXT);
  check(msync(text, FILE_BYTES, MS_SYNC) == 0, "msync");

  char back[sizeof TEXT] = "";
  check(pread(fd, back, sizeof back, (off_t)page_bytes) == sizeof back, "pread");
  check(strcmp(back, TEXT) == 0, "the file holds what the mapping wrote");
  printf("1. shared file mapping at %p: read() gives \"%s\"\n", (void *)text, back);
}

static void private_file(int fd) {
  char *text = map(FILE_BYTES, MAP_PRIVATE, fd);
  check(strcmp(text + page_bytes, TEXT) == 0, "the mapping shows the file");
  strcpy(text + page_bytes, "only in this mapping");

  char back[sizeof TEXT] = "";
  check(pread(fd, back, sizeof back, (off_t)page_bytes) == sizeof back, "pread");
  check(strcmp(back, TEXT) == 0, "the file is unchanged");
  printf("2. private file mapping at %p: holds \"%s\", the file still \"%s\"\n", (void *)text, text + page_bytes, back);
}

static void wait_for_word(int fd) {
  char word;
  check(read(fd, &word, 1) == 1, "read from the pipe");
}

static void give_word(int fd) { check(write(fd, "!", 1) == 1, "write to the pipe"); }

// The child writes second: the copy that the parent took has left the old frame to it alone.
static void child(char *shared, char *private_page, int words) {
  wait_for_word(words);
  check(strcmp(private_page, "before fork") == 0, "the parent's write does not show in the child");
  strcpy(private_page, "the child's");
  strcpy(shared, "hello from the child");
  printf("4. child:  private page at %p holds \"%s\"\n", (void *)private_page, private_page);
  fflush(stdout);
  wait_for_word(words);
  _exit(0);
}

static void forked(void) {
  char *shared = map(page_bytes, MAP_SHARED | MAP_ANONYMOUS, -1);
  char *private_page = map(page_bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  strcpy(private_page, "before fork");
  int words[2];
  check(pipe(words) == 0, "pipe");
  printf("3. shared anonymous page at %p, private page at %p\n", (void *)shared, (void *)private_page);
  fflush(stdout);

  const pid_t pid = fork();
  check(pid >= 0, "fork");
  if (pid == 0) {
    close(words[1]);
    child(shared, private_page, words[0]);
  }
  close(words[0]);
  usleep(1000);  // the child reaches its read()
  strcpy(private_page, "the parent's");
  give_word(words[1]);
  while (*(volatile char *)shared == 0) {
    usleep(1000);
  }
  usleep(1000);  // and its second one
  give_word(words[1]);

  int status = -1;
  check(waitpid(pid, &status, 0) == pid && status == 0, "the child ends with 0");
  check(strcmp(private_page, "the parent's") == 0, "the child's write does not show in the parent");
  check(strcmp(shared, "hello from the child") == 0, "the child's write shows in the shared page");
  printf("4. parent: private page at %p holds \"%s\", shared page \"%s\"\n", (void *)private_page, private_page, shared);
}

static void print_maps(void) {
  puts("5. /proc/self/maps:");
  FILE *maps = fopen("/proc/self/maps", "r");
  check(maps != NULL, "open /proc/self/maps");
  char line[512];
  while (fgets(line, sizeof line, maps) != NULL) {
    fputs(line, stdout);
  }
  fclose(maps);
}

int main(void) {
  page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  const int fd = open(PATH, O_RDWR | O_CREAT | O_TRUNC, 0644);
  check(fd >= 0, "open " PATH);
  check(ftruncate(fd, FILE_BYTES) == 0, "ftruncate");
  shared_file(fd);
  private_file(fd);
  forked();
  print_maps();
  puts("vmdemo: all steps held");
  return 0;
}
