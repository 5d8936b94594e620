// Random memory calls with hostile arguments, and a transcript of everything a program can see of them:
// results, errnos, signals with code and address, contents. Built for the host and for riscv64, it must say
// the same on Linux and on the supervisor.
//
//   memory_calls SEED STEPS
//
// Left out because Linux itself differs between versions or architectures: where a mapping goes without
// MAP_FIXED, moving several mappings with one mremap, execute-only memory, which pages are resident, lines of
// the maps.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPage = 4096, kArenaPages = 40, kFiles = 3, kMaxRun = 8, kForkSteps = 30, kMaxDepth = 2 };
static char* const kArena = (char*)0x2000000000;

static int files[kFiles];
static int read_only_file;
static int depth;

// --- numbers and transcript ---

static uint64_t random_state;

static uint64_t below(uint64_t bound) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (random_state * 0x2545f4914f6cdd1d >> 33) % bound;
}

static int one_in(uint64_t n) { return below(n) == 0; }

static char transcript[1 << 16];
static size_t transcript_used;

static void flush_transcript(void) {
  for (size_t at = 0; at < transcript_used;) {
    const ssize_t wrote = write(1, transcript + at, transcript_used - at);
    if (wrote <= 0) {
      _exit(99);
    }
    at += (size_t)wrote;
  }
  transcript_used = 0;
}

__attribute__((format(printf, 1, 2))) static void say(const char* format, ...) {
  va_list list;
  va_start(list, format);
  transcript_used +=
      (size_t)vsnprintf(transcript + transcript_used, sizeof(transcript) - transcript_used, format, list);
  va_end(list);
  if (transcript_used > sizeof(transcript) - 4096) {
    flush_transcript();
  }
}

static void say_result(long result) { say(" -> %ld %d\n", result, result == -1 ? errno : 0); }

static void say_place(const void* result) {
  if (result == MAP_FAILED) {
    say(" -> -1 %d\n", errno);
  } else {
    say(" -> page %ld\n", (long)((const char*)result - kArena) / kPage);
  }
}

// --- touching memory ---

static sigjmp_buf after_fault;
static volatile sig_atomic_t fault_signal, fault_code;
static void* volatile fault_address;

static void on_fault(int signal, siginfo_t* info, void* context) {
  (void)context;
  fault_signal = signal;
  fault_code = info->si_code;
  fault_address = info->si_addr;
  siglongjmp(after_fault, 1);
}

static char* page_at(uint64_t page) { return kArena + page * kPage; }

static void touch(uint64_t page, int write, uint64_t offset, volatile int value) {
  volatile unsigned char* const byte = (unsigned char*)page_at(page) + offset;
  fault_signal = 0;
  if (sigsetjmp(after_fault, 1) == 0) {
    if (write) {
      *byte = (unsigned char)value;
    } else {
      value = *byte;
    }
  }
  say(" %c%lu+%lu", write ? 'W' : 'R', (unsigned long)page, (unsigned long)offset);
  if (fault_signal != 0) {
    say(" signal %d code %d at %ld\n", fault_signal, fault_code, (long)((char*)fault_address - kArena));
  } else {
    say(" = %d\n", value);
  }
}

static void touch_all(void) {
  for (uint64_t page = 0; page < kArenaPages; page++) {
    touch(page, 0, 0, 0);
  }
}

// --- arguments, mostly sensible ---

static int random_prot(void) {
  static const int kProts[] = {PROT_NONE,
                               PROT_READ,
                               PROT_READ | PROT_WRITE,
                               PROT_READ | PROT_WRITE,
                               PROT_READ | PROT_WRITE,
                               PROT_WRITE,
                               PROT_READ | PROT_EXEC};
  return kProts[below(sizeof(kProts) / sizeof(kProts[0]))];
}

struct range {
  char* start;
  uint64_t bytes;
};

/// Inside the arena, unless it is nonsense altogether.
static struct range random_range(void) {
  const uint64_t first = below(kArenaPages);
  uint64_t pages = 1 + below(kMaxRun);
  pages = first + pages > kArenaPages ? kArenaPages - first : pages;
  struct range range = {page_at(first), pages * kPage};
  switch (below(30)) {
    case 0:
      range.bytes = 0;
      break;
    case 1:
      range.bytes = ~UINT64_C(0);
      break;
    case 2:
      range.bytes = -(uint64_t)kPage;
      break;
    case 3:
      range.bytes = ~(uint64_t)kArena;
      break;
    case 4:
      range.bytes -= kPage - 1;
      break;
    case 5:
      range.start++;
      break;
    case 6:
      range.start = (char*)-(uint64_t)kPage;
      break;
    case 7:
      range.start = (char*)(UINT64_C(1) << 48);
      break;
    default:
      break;
  }
  say(" %lx+%lx", (unsigned long)range.start, (unsigned long)range.bytes);
  return range;
}

// --- the calls ---

static void call_mmap(void) {
  const uint64_t first = below(kArenaPages);
  uint64_t bytes = (1 + below(kArenaPages - first < kMaxRun ? kArenaPages - first : kMaxRun)) * kPage;
  const int prot = random_prot();
  int flags = MAP_FIXED | (one_in(2) ? MAP_SHARED : MAP_PRIVATE);
  flags |= one_in(4) ? MAP_POPULATE : 0;
  flags |= one_in(8) ? MAP_NORESERVE : 0;
  flags ^= one_in(12) ? MAP_FIXED | MAP_FIXED_NOREPLACE : 0;
  int fd = -1;
  uint64_t offset = 0;
  if (one_in(3)) {
    flags |= MAP_ANONYMOUS;
  } else {
    fd = one_in(6) ? read_only_file : files[below(kFiles)];
    offset = below(8) * kPage;
  }
  switch (below(60)) {
    case 0:
      offset |= 0x100;
      break;
    case 1:
      offset = -(uint64_t)kPage;
      break;
    case 2:
      bytes = 0;
      break;
    case 3:
      bytes = ~UINT64_C(0);
      break;
    case 4:
      flags &= ~MAP_TYPE;
      break;
    case 5:
      flags |= MAP_SHARED_VALIDATE;
      break;
    case 6:
      fd = 77;
      break;
    default:
      break;
  }
  say("mmap %lu %lx prot %d flags %x offset %lx", (unsigned long)first, (unsigned long)bytes, prot, flags,
      (unsigned long)offset);
  say_place(mmap(page_at(first), bytes, prot, flags, fd, (off_t)offset));
}

static void call_mremap(void) {
  const uint64_t from = below(kArenaPages - 4);
  const uint64_t to = below(kArenaPages - 4);
  uint64_t old_bytes = kPage;
  uint64_t new_bytes = one_in(10) ? 0 : (1 + below(4)) * kPage;
  int flags = one_in(4) ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
  flags |= one_in(5) ? MREMAP_DONTUNMAP : 0;
  flags |= one_in(30) ? 8 : 0;
  flags &= one_in(20) ? ~MREMAP_MAYMOVE : ~0;
  if (!one_in(3)) {  // several pages, of certainly one mapping
    old_bytes = one_in(6) ? 0 : (1 + below(4)) * kPage;
    (void)mmap(page_at(from), old_bytes != 0 ? old_bytes : kPage, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  }
  say("mremap %lu %lx %lx flags %x to %lu", (unsigned long)from, (unsigned long)old_bytes,
      (unsigned long)new_bytes, flags, (unsigned long)to);
  say_place(mremap(page_at(from), old_bytes, new_bytes, flags, page_at(to) + one_in(25)));
}

static void call_madvise(void) {
  static const int kAdvice[] = {MADV_NORMAL,
                                MADV_RANDOM,
                                MADV_SEQUENTIAL,
                                MADV_WILLNEED,
                                MADV_DONTNEED,
                                MADV_DONTNEED,
                                MADV_DONTNEED,
                                MADV_FREE,
                                MADV_REMOVE,
                                MADV_DONTFORK,
                                MADV_DOFORK,
                                MADV_NOHUGEPAGE,
                                MADV_DONTDUMP,
                                MADV_DODUMP,
                                MADV_WIPEONFORK,
                                MADV_KEEPONFORK,
                                MADV_COLD,
                                22 /* POPULATE_READ */,
                                23 /* POPULATE_WRITE */,
                                24 /* DONTNEED_LOCKED */,
                                77,
                                -1};
  const int advice = kAdvice[below(sizeof(kAdvice) / sizeof(kAdvice[0]))];
  say("madvise %d", advice);
  const struct range range = random_range();
  say_result(madvise(range.start, range.bytes, advice));
}

static void call_on_range(void) {
  unsigned char residency[kArenaPages];
  const uint64_t which = below(10);
  const int prot = random_prot() | (one_in(20) ? 0x40 : 0);
  const int sync_flags = (int)below(8);
  static const char* const kNames[] = {"mprotect", "mprotect", "mprotect", "mprotect", "munmap",
                                       "munmap",   "msync",    "mincore",  "mlock",    "munlock"};
  say("%s", kNames[which]);
  const struct range range = random_range();
  switch (which) {
    case 4:
    case 5:
      say_result(munmap(range.start, range.bytes));
      break;
    case 6:
      say(" %d", sync_flags);
      say_result(msync(range.start, range.bytes, sync_flags));
      break;
    case 7:
      say_result(mincore(range.start, range.bytes, residency));
      break;
    case 8:
      say_result(mlock(range.start, range.bytes));
      (void)munlock(kArena, kArenaPages * kPage);
      break;
    case 9:
      say_result(munlock(range.start, range.bytes));
      break;
    default:
      say(" %d", prot);
      say_result(mprotect(range.start, range.bytes, prot));
      break;
  }
}

static void call_on_file(void) {
  const uint64_t index = below(kFiles);
  const int fd = files[index];
  unsigned char bytes[5000];
  const uint64_t at = below(9 * kPage);
  const uint64_t count = below(sizeof(bytes));
  switch (below(4)) {
    case 0:
      say("ftruncate %lu %lu", (unsigned long)index, (unsigned long)at);
      say_result(ftruncate(fd, (off_t)at));
      break;
    case 1:
      memset(bytes, (int)(1 + below(250)), sizeof(bytes));
      say("pwrite %lu %lu+%lu", (unsigned long)index, (unsigned long)at, (unsigned long)count);
      say_result(pwrite(fd, bytes, count, (off_t)at));
      break;
    case 2: {
      const int mode = one_in(3) ? 0 : FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
      say("fallocate %lu %d %lu+%lu", (unsigned long)index, mode, (unsigned long)at, (unsigned long)count);
      say_result(fallocate(fd, mode, (off_t)at, (off_t)count));
      break;
    }
    default: {
      memset(bytes, 0, sizeof(bytes));
      say("pread %lu %lu+%lu", (unsigned long)index, (unsigned long)at, (unsigned long)count);
      const long got = pread(fd, bytes, count, (off_t)at);
      unsigned long sum = 0;
      for (size_t i = 0; i < sizeof(bytes); i++) {
        sum = sum * 31 + bytes[i];
      }
      say(" sum %lx", sum);
      say_result(got);
      break;
    }
  }
}

/// read and write with memory of the arena, which may be forbidden in the middle. Within the file: where
/// Linux' tmpfs fails behind the end it moves the end all the same.
static void call_with_user_memory(void) {
  const int fd = files[below(kFiles)];
  struct stat stat;
  fstat(fd, &stat);
  const uint64_t at = below((uint64_t)stat.st_size + 1);
  const uint64_t room = (uint64_t)stat.st_size - at;
  const uint64_t offset = below(kArenaPages * kPage - 3 * kPage);
  uint64_t count = below(3 * kPage);
  count = count > room ? room : count;
  const int write = one_in(2);
  say("%s %lu+%lu from %lu", write ? "pwrite" : "pread", (unsigned long)offset, (unsigned long)count,
      (unsigned long)at);
  say_result(write ? pwrite(fd, kArena + offset, count, (off_t)at)
                   : pread(fd, kArena + offset, count, (off_t)at));
}

static void step(void);

static void call_fork(void) {
  if (depth == kMaxDepth) {
    return;
  }
  say("fork\n");
  flush_transcript();
  const pid_t child = fork();
  if (child == 0) {
    depth++;
    for (int i = 0; i < kForkSteps; i++) {
      step();
    }
    touch_all();
    flush_transcript();
    _exit((int)below(100));
  }
  int status = -1;
  waitpid(child, &status, 0);
  say("child %x\n", (unsigned)status);
  touch_all();
}

static void step(void) {
  switch (below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      call_mmap();
      break;
    case 4:
    case 5:
      call_mremap();
      break;
    case 6:
    case 7:
      call_madvise();
      break;
    case 8:
    case 9:
    case 10:
    case 11:
      call_on_range();
      break;
    case 12:
    case 13:
      call_on_file();
      break;
    case 14:
      call_with_user_memory();
      break;
    case 15:
      if (one_in(3)) {
        call_fork();
      }
      break;
    default: {
      const uint64_t page = below(kArenaPages);
      const int write = one_in(2);
      const uint64_t offset = below(kPage);
      touch(page, write, offset, (int)below(256));
      break;
    }
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: memory_calls SEED STEPS\n");
    return 2;
  }
  random_state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = on_fault;
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  for (int i = 0; i < kFiles; i++) {
    files[i] = memfd_create("memory_calls", 0);
  }
  static char contents[3 * kPage];
  memset(contents, 'r', sizeof(contents));
  char path[64];
  const int writable = memfd_create("read_only", 0);
  if (write(writable, contents, sizeof(contents)) != (ssize_t)sizeof(contents)) {
    return 1;
  }
  snprintf(path, sizeof(path), "/proc/self/fd/%d", writable);
  read_only_file = open(path, O_RDONLY);
  close(writable);
  const int steps = atoi(argv[2]);
  for (int i = 0; i < steps; i++) {
    say("%d: ", i);
    step();
    if (i % 50 == 0) {
      touch_all();
    }
  }
  touch_all();
  flush_transcript();
  return 0;
}
