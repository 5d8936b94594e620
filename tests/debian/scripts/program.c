// A program of some size for the compiler: structures, floating point, function pointers, the C library's parts.
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
  struct node *left, *right;
  unsigned key;
};

static struct node *insert(struct node *at, unsigned key) {
  if (at == NULL) {
    at = calloc(1, sizeof *at);
    at->key = key;
  } else if (key < at->key) {
    at->left = insert(at->left, key);
  } else {
    at->right = insert(at->right, key);
  }
  return at;
}

static unsigned depth(const struct node *at) {
  if (at == NULL) return 0;
  unsigned left = depth(at->left), right = depth(at->right);
  return 1 + (left > right ? left : right);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static jmp_buf back;
static void leap(int n) {
  if (n == 0) longjmp(back, 42);
  leap(n - 1);
}

int main(int count, char **words) {
  struct node *root = NULL;
  unsigned seed = 1;
  for (int i = 0; i < 1000; i++) root = insert(root, seed = seed * 1664525 + 1013904223);
  printf("depth %u, %d arguments, last %s\n", depth(root), count, words[count - 1]);
  double roots[50];
  for (int i = 0; i < 50; i++) roots[i] = sin(i) * pow(1.1, i);
  qsort(roots, 50, sizeof roots[0], by_value);
  printf("%.6f %.6f %a\n", roots[0], roots[49], roots[25]);
  switch (setjmp(back)) {
    case 0: leap(10); break;
    case 42: puts("leapt"); break;
  }
  char text[40];
  snprintf(text, sizeof text, "%-10s|%+5d|%#x", "left", 42, 48879u);
  puts(text);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit((int)strlen(text));
  int status;
  waitpid(child, &status, 0);
  printf("child %d\n", WEXITSTATUS(status));
  return 3;
}
