// Executes thousands of malformed ELF files and scripts: each gives the errno it should, or a process that ends.
//
// The victims are good programs (victim.c); what is executed is one of them with some fields of its headers changed,
// cut off, or with other bytes in it, or a script whose first line is odd in some way. A process that goes on for ever
// (an entry in the middle of nowhere may loop) is stopped.
//
//   exec_files SEED COUNT VICTIM...     ends with "COUNT files: E errnos, R ran, D died, S stopped"
//   exec_files -v SEED COUNT VICTIM...  says what came of each, to compare kernels
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random.h"

enum { kPage = 4096, kMaxVictims = 4, kMaxBytes = 64 * 1024, kPatienceMs = 60 };

static unsigned char victims[kMaxVictims][kMaxBytes];
static size_t victim_bytes[kMaxVictims];
static int victim_count, verbose;

static unsigned char image[kMaxBytes + kPage];
static size_t image_bytes;
static const char kFile[] = "/tmp/exec-file";

static void fail(const char* what) {
  printf("wrong: %s: %s\n", what, strerror(errno));
  exit(99);
}

// --- what is changed ---

static uint64_t odd_number(uint64_t old) {
  static const uint64_t kOdd[] = {0,      1,          2,          7,           63,           64,
                                  4095,   4096,       4097,       0x10000,     0x7fffffff,   0x80000000,
                                  1ull << 32, 1ull << 38, (1ull << 38) - 4096, 1ull << 47, 1ull << 63, ~0ull,
                                  ~0ull - 4095, (1ull << 63) - 1};
  switch (below(6)) {
    case 0:
      return next();
    case 1:
      return old + below(3) - 1;
    case 2:
      return old + (below(3) - 1) * kPage;
    case 3:
      return old ^ (1ull << below(64));
    default:
      return kOdd[below(sizeof kOdd / sizeof *kOdd)];
  }
}

static void change_header(void) {
  Elf64_Ehdr* const header = (Elf64_Ehdr*)image;
  switch (below(12)) {
    case 0:
      header->e_ident[random_state % EI_NIDENT] = (unsigned char)odd_number(1);
      break;
    case 1:
      header->e_type = (Elf64_Half)odd_number(header->e_type);
      break;
    case 2:
      header->e_machine = (Elf64_Half)odd_number(header->e_machine);
      break;
    case 3:
      header->e_version = (Elf64_Word)odd_number(header->e_version);
      break;
    case 4:
    case 5:
      header->e_entry = odd_number(header->e_entry);
      break;
    case 6:
    case 7:
      header->e_phoff = odd_number(header->e_phoff);
      break;
    case 8:
      header->e_phentsize = (Elf64_Half)odd_number(header->e_phentsize);
      break;
    case 9:
    case 10:
      header->e_phnum = (Elf64_Half)odd_number(header->e_phnum);
      break;
    default:
      header->e_flags = (Elf64_Word)odd_number(header->e_flags);
      break;
  }
}

static Elf64_Phdr* any_segment(void) {
  const Elf64_Ehdr* const header = (const Elf64_Ehdr*)victims[0];  // the offset may have been changed in `image`
  Elf64_Ehdr* const now = (Elf64_Ehdr*)image;
  const unsigned count = now->e_phnum > 0 && now->e_phnum < 16 ? now->e_phnum : 1;
  return (Elf64_Phdr*)(image + header->e_phoff) + below(count);
}

static void change_segment(void) {
  Elf64_Phdr* const segment = any_segment();
  switch (below(12)) {
    case 0:
      segment->p_type = one_in(3) ? (Elf64_Word)odd_number(segment->p_type) : below(8);
      break;
    case 1:
      segment->p_flags = (Elf64_Word)(one_in(3) ? odd_number(segment->p_flags) : below(8));
      break;
    case 2:
    case 3:
      segment->p_offset = odd_number(segment->p_offset);
      break;
    case 4:
    case 5:
      segment->p_vaddr = odd_number(segment->p_vaddr);
      break;
    case 6:
    case 7:
      segment->p_filesz = odd_number(segment->p_filesz);
      break;
    case 8:
    case 9:
      segment->p_memsz = odd_number(segment->p_memsz);
      break;
    case 10:
      segment->p_align = odd_number(segment->p_align);
      break;
    default:
      memmove(segment, any_segment(), sizeof *segment);
      break;
  }
}

static void change_bytes(void) {
  for (uint64_t i = 0, count = 1 + below(8); i < count; i++) {
    const uint64_t at = one_in(2) ? below(1024) : below(image_bytes > 0 ? image_bytes : 1);
    image[at] = (unsigned char)next();
  }
}

static void make_elf(void) {
  const unsigned victim = (unsigned)below((uint64_t)victim_count);
  image_bytes = victim_bytes[victim];
  memcpy(image, victims[victim], image_bytes);
  for (uint64_t i = 0, count = below(4); i < count; i++) {
    switch (below(4)) {
      case 0:
        change_header();
        break;
      case 1:
        change_bytes();
        break;
      default:
        change_segment();
        break;
    }
  }
  if (one_in(5)) image_bytes = one_in(2) ? below(1024) : below(image_bytes + 1);
}

// --- scripts ---

static void append(const char* text, size_t times) {
  const size_t length = strlen(text);
  while (times-- > 0 && image_bytes + length < 8192) {
    memcpy(image + image_bytes, text, length);
    image_bytes += length;
  }
}

static void make_script(void) {
  static const char* const kInterpreters[] = {"/tmp/victim-0", "/tmp/victim-1", kFile,        "/tmp",           "/nowhere",
                                              "/dev/null",     "",              "relative",  "/tmp/victim-0/x", "/tmp/victim-2",
                                              "/tmp/script-1", "/tmp/script-5", "/tmp/plain"};
  image_bytes = 0;
  append("#!", 1);
  // Each draw on its own: the same seed gives the same files whatever the compiler does with arguments.
  const char* const blank = one_in(2) ? " " : "\t";
  const uint64_t blanks_limit = one_in(8) ? 300 : 3;
  append(blank, below(blanks_limit));
  append(kInterpreters[below(sizeof kInterpreters / sizeof *kInterpreters)], 1);
  if (one_in(3)) append(one_in(2) ? " -option" : " two words", 1);
  if (one_in(6)) append("x", below(400));
  if (one_in(6)) append(" ", below(300));
  if (one_in(8)) append("\r", 1);
  if (one_in(8)) image[image_bytes++] = 0;
  if (!one_in(5)) append("\n", 1);
  append("exit 1\n", below(3));
  for (uint64_t i = 0, count = one_in(6) ? 1 + below(4) : 0; i < count; i++) {
    const uint64_t at = below(image_bytes);
    image[at] = (unsigned char)next();
  }
}

// --- executing ---

static void write_file(const char* path, const void* bytes, size_t count, mode_t mode) {
  unlink(path);
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (fd < 0 || write(fd, bytes, count) != (ssize_t)count || close(fd) != 0) fail(path);
}

/// `report`: shared with the child; holds its errno when the call came back.
static int execute(const char* path, volatile int* report, int* was_stopped) {
  *report = 0;
  *was_stopped = 0;
  const pid_t child = fork();
  if (child == 0) {
    char* const arguments[] = {(char*)"exec-file", (char*)"argument", NULL};
    char* const environment[] = {(char*)"A=b", NULL};
    execve(path, arguments, environment);
    *report = errno;
    _exit(0);
  }
  if (child < 0) fail("fork");
  int status;
  struct timespec pause = {0, 200000};
  for (int waited = 0; waitpid(child, &status, WNOHANG) == 0; waited++) {
    if (waited == kPatienceMs * 5) {
      kill(child, SIGKILL);
      *was_stopped = 1;
    }
    if (waited > 100 * kPatienceMs * 5) fail("a process does not end");
    nanosleep(&pause, NULL);
  }
  return status;
}

static int is_expected(int error) {
  static const int kErrnos[] = {ENOEXEC, ENOMEM,  EACCES, ENOENT,  EINVAL,       E2BIG,  ELOOP,
                                ENOTDIR, ELIBBAD, EISDIR, EPERM,   ENAMETOOLONG, EIO};
  for (size_t i = 0; i < sizeof kErrnos / sizeof *kErrnos; i++) {
    if (kErrnos[i] == error) return 1;
  }
  return 0;
}

static void prepare(int argc, char** argv) {
  for (int i = 0; i < argc && i < kMaxVictims; i++) {
    const int fd = open(argv[i], O_RDONLY);
    ssize_t got;
    if (fd < 0) fail(argv[i]);
    while ((got = read(fd, victims[i] + victim_bytes[i], kMaxBytes - victim_bytes[i])) > 0) victim_bytes[i] += (size_t)got;
    close(fd);
    if (victim_bytes[i] == kMaxBytes) fail("a victim that is so large");
    char path[32];
    snprintf(path, sizeof path, "/tmp/victim-%d", i);
    write_file(path, victims[i], victim_bytes[i], 0755);
    victim_count++;
  }
  // Scripts of scripts: five in a row are too many (execve(2)).
  write_file("/tmp/plain", "exit 1\n", 7, 0755);
  write_file("/tmp/script-0", "#!/tmp/victim-0\n", 16, 0755);
  for (int i = 1; i < 6; i++) {
    char path[32], text[32];
    snprintf(path, sizeof path, "/tmp/script-%d", i);
    const int length = snprintf(text, sizeof text, "#!/tmp/script-%d\n", i - 1);
    write_file(path, text, (size_t)length, 0755);
  }
}

/// The victims as they are run, and what must fail does so with the errno of execve(2).
static void check_known(volatile int* report) {
  static const struct {
    const char* path;
    int error;
  } kKnown[] = {{"/tmp/script-0", 0},    {"/tmp/script-3", 0}, {"/tmp/script-5", ELOOP}, {"/tmp/plain", ENOEXEC},
                {"/tmp", EACCES},        {"/nowhere", ENOENT}, {"/tmp/plain/x", ENOTDIR}};
  int stopped;
  for (int i = 0; i < victim_count; i++) {
    char path[32];
    snprintf(path, sizeof path, "/tmp/victim-%d", i);
    const int status = execute(path, report, &stopped);
    if (*report != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 42) fail(path);
  }
  for (size_t i = 0; i < sizeof kKnown / sizeof *kKnown; i++) {
    (void)execute(kKnown[i].path, report, &stopped);
    if (*report != kKnown[i].error) {
      printf("wrong: %s gives %d, expected %d\n", kKnown[i].path, *report, kKnown[i].error);
      exit(99);
    }
  }
}

int main(int argc, char** argv) {
  verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
  argc -= verbose, argv += verbose;
  if (argc < 4) return 2;
  random_state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
  const int count = atoi(argv[2]);
  int errors = 0, ran = 0, died = 0, stopped = 0;
  volatile int* const report = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  const int nothing = open("/dev/null", O_WRONLY);
  dup2(nothing, 2);  // the dynamic linker has much to say of such files
  prepare(argc - 3, argv + 3);
  check_known(report);
  for (int i = 0; i < count; i++) {
    const int script = one_in(4);
    script ? make_script() : make_elf();
    write_file(kFile, image, image_bytes, one_in(40) ? 0644 : 0755);
    int was_stopped;
    const int status = execute(kFile, report, &was_stopped);
    if (*report != 0) {
      errors++;
      if (!is_expected(*report)) {
        printf("wrong: file %d gives errno %d\n", i, *report);
        exit(99);
      }
    } else if (was_stopped) {
      stopped++;
    } else {
      ran += WIFEXITED(status);
      died += WIFSIGNALED(status);
    }
    if (verbose) {
      printf("%d: %s errno %d status %x%s\n", i, script ? "script" : "elf", *report, (unsigned)status,
             was_stopped ? " stopped" : "");
    }
  }
  printf("%d files: %d errnos, %d ran, %d died, %d stopped\n", count, errors, ran, died, stopped);
  return 0;
}
