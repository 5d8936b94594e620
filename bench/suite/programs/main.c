// The suite as one executable: runs the programs that its standard input names, each in a process of its own.
//
//   bench serve           reads lines `NAME ROUNDS`; ends at the end of input or at the line `off`
//   bench list            names of all programs
//
// What is said, a line each, always beginning with "bench: ": `up ISA MMU`; then for each program `ready`,
// for which one line is read; `done CHECKSUM MICROSECONDS`, likewise; and `ended STATUS`. The reader takes
// the time while this waits, so a reader that is late measures nothing of its own. MICROSECONDS are CPU time
// by the kernel's account of the process and the children it waited for.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern const struct bench __start_benches[], __stop_benches[];

static u64 begun_us;

void die(const char* what) {
  fprintf(stderr, "bench: failed: %s (%s)\n", what, strerror(errno));
  exit(1);
}

void expect(int good, const char* what) {
  if (good) return;
  errno = 0;
  die(what);
}

void* grab(size_t bytes) {
  void* const at = malloc(bytes);
  if (at == NULL) die("malloc");
  memset(at, 1, bytes);
  return at;
}

void write_text(char* text, size_t bytes) {
  static const char* const words[] = {"frame",  "page",  "hart",  "to",     "of",    "a",
                                      "fault",  "is",    "entry", "walk",   "level", "bit",
                                      "leads",  "valid", "root",  "mapped", "table", "the",
                                      "access", "and",   "dirty", "memory", "where", "translation"};
  u64 state = 2026;
  size_t at = 0;
  while (at < bytes) {
    const u64 draw = next_random(&state);
    const char* word = words[(draw >> 20) % (sizeof(words) / sizeof(words[0]))];
    while (*word != 0 && at < bytes) text[at++] = *word++;
    if (at < bytes) text[at++] = (draw >> 40) % 11 == 0 ? '\n' : ' ';
  }
  text[bytes - 1] = 0;
}

static u64 cpu_us(int who) {
  struct rusage usage;
  if (getrusage(who, &usage) != 0) die("getrusage");
  return (u64)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
         (u64)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/// Reads up to a line's end, so that nothing is taken which the next process is to read. Null: the end of
/// input.
static char* read_line(char* line, size_t bytes) {
  size_t length = 0;
  char next;
  while (read(STDIN_FILENO, &next, 1) == 1) {
    if (next == '\n') {
      line[length] = 0;
      return line;
    }
    if (length + 1 < bytes && next != '\r') line[length++] = next;
  }
  return NULL;
}

static void wait_for_reader(void) {
  char line[80];
  fflush(stdout);
  if (read_line(line, sizeof(line)) == NULL) die("nobody reads along");
}

void begin(void) {
  puts("bench: ready");
  wait_for_reader();
  begun_us = cpu_us(RUSAGE_SELF) + cpu_us(RUSAGE_CHILDREN);
}

static const struct bench* find(const char* name) {
  for (const struct bench* at = __start_benches; at != __stop_benches; at++) {
    if (strcmp(at->name, name) == 0) return at;
  }
  return NULL;
}

static int run(const char* name, u64 rounds) {
  const struct bench* const found = find(name);
  if (found == NULL) {
    printf("bench: failed: no program is called '%s'\n", name);
    return 1;
  }
  const u64 sum = found->run(rounds);
  const u64 us = cpu_us(RUSAGE_SELF) + cpu_us(RUSAGE_CHILDREN) - begun_us;
  printf("bench: done %016llx %llu\n", (unsigned long long)sum, (unsigned long long)us);
  wait_for_reader();
  return 0;
}

/// In a process that has just been executed, as from a shell.
static int run_apart(const char* name, const char* rounds) {
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "bench", "run", name, rounds, (char*)NULL);
    die("/proc/self/exe");
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) die("fork");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// What /proc/cpuinfo has in the line that begins with `key`.
static void print_fact(const char* key) {
  char line[1024];
  FILE* const file = fopen("/proc/cpuinfo", "r");
  while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
    const char* const value = strchr(line, ':');
    if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == '\t' && value != NULL) {
      printf(" %.*s", (int)strcspn(value + 2, "\n"), value + 2);
      break;
    }
  }
  if (file != NULL) fclose(file);
}

static int serve(void) {
  char line[200], name[64], rounds[64];
  printf("bench: up");
  print_fact("isa");
  print_fact("mmu");
  puts("");
  fflush(stdout);
  while (read_line(line, sizeof(line)) != NULL && strcmp(line, "off") != 0) {
    if (sscanf(line, "%63s %63s", name, rounds) != 2) continue;
    printf("bench: ended %d\n", run_apart(name, rounds));
    fflush(stdout);
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 4 && strcmp(argv[1], "run") == 0) return run(argv[2], strtoull(argv[3], NULL, 10));
  if (argc == 2 && strcmp(argv[1], "list") == 0) {
    for (const struct bench* at = __start_benches; at != __stop_benches; at++) puts(at->name);
    return 0;
  }
  fputs("usage: bench serve | bench list\n", stderr);
  return 2;
}
