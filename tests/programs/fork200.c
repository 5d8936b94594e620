// 200 children at once; each changes its copy of a page and ends with its own status.
// > 200 of 200 right, own copy 1000
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int shared_value = 1000;

int main(void) {
  enum { kChildren = 200 };
  static pid_t pids[kChildren];
  for (int i = 0; i < kChildren; ++i) {
    pids[i] = fork();
    if (pids[i] < 0) {
      perror("fork");
      return 1;
    }
    if (pids[i] == 0) {
      shared_value += i;
      _exit(shared_value == 1000 + i ? i & 127 : 255);
    }
  }
  int right = 0;
  for (int i = 0; i < kChildren; ++i) {
    int status;
    if (waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status) && WEXITSTATUS(status) == (i & 127)) ++right;
  }
  printf("%d of %d right, own copy %d\n", right, kChildren, shared_value);
  return wait(NULL) == -1 && right == kChildren ? 0 : 1;
}
