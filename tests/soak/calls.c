// Any system call with any arguments, from several processes at once, while others watch over their memory.
//
// A keeper starts slices, several at a time: each is this program again, with a seed and a user, and makes some
// thousand calls. Most are memory calls on an arena of mappings of all kinds, with ranges that overflow, flags that do
// not exist and lengths beyond everything; the rest is the whole table. A slice that dies or sleeps for ever is
// replaced. Meanwhile a canary process holds private memory, a shared mapping and a file, and is asked again and again
// whether a byte of them has changed. A slice that may touch others by right (root) leaves out the calls for it; one
// that is nobody's user makes them all.
//
//   calls SEED SLICES CALLS          the keeper; ends with "alive, SLICES slices, N died, M were stopped"
//   calls slice SEED CALLS UID       one of them
//
// Never under QEMU's user mode, where the calls would be the host's: it asks first where it is.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random.h"

enum { kPage = 4096, kAtOnce = 4, kArenaPages = 96, kNobody = 65534, kLastCall = 470 };

// --- one slice ---

static char* const kArena = (char*)0x2000000000;
static uint64_t pool[48];
static unsigned pool_size;

/// Straight to the kernel. What a clone makes ends at once: it may have no stack, or this one's.
static long raw_call(long number, const uint64_t* a) {
  register long a7 asm("a7") = number;
  register uint64_t a0 asm("a0") = a[0];
  register uint64_t a1 asm("a1") = a[1];
  register uint64_t a2 asm("a2") = a[2];
  register uint64_t a3 asm("a3") = a[3];
  register uint64_t a4 asm("a4") = a[4];
  register uint64_t a5 asm("a5") = a[5];
  register long t0 asm("t0") = number == SYS_clone || number == SYS_clone3;
  asm volatile(
      "ecall\n"
      "beqz t0, 1f\n"
      "bnez a0, 1f\n"
      "li a7, 93\n"
      "ecall\n"
      "1:"
      : "+r"(a0)
      : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(t0)
      : "memory");
  return (long)a0;
}

static void add_value(uint64_t value) {
  if (pool_size < sizeof pool / sizeof *pool) pool[pool_size++] = value;
}

/// What pointers, sizes and numbers may well be: real things, and the edges of everything.
static void make_pool(void) {
  static char buffer[2 * kPage];
  static const char* const kPaths[] = {"/tmp/soak-a", "/tmp/soak-b", "/tmp/soak-dir", "/proc/self/maps", "/dev/null", "."};
  static const uint64_t kEdges[] = {0x10,         4095,          4096,           0x7fffffff,       0x80000000,
                                    0xffffffff,   1ull << 38,    (1ull << 38) - 4096, 1ull << 47,  1ull << 63,
                                    ~0ull,        ~0ull - 4095,  ~0ull << 12,    0xffffffc080200000, 0xffffffff80000000,
                                    1ull << 40,   (1ull << 63) - 1, (1ull << 63) - 4096};
  for (size_t i = 0; i < sizeof kPaths / sizeof *kPaths; i++) add_value((uint64_t)kPaths[i]);
  for (size_t i = 0; i < sizeof kEdges / sizeof *kEdges; i++) add_value(kEdges[i]);
  for (size_t i = 0; i < kPage; i++) buffer[i] = (char)next();
  add_value((uint64_t)buffer);
  add_value((uint64_t)buffer + kPage);
  char* const edge = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(edge + kPage, kPage);
  add_value((uint64_t)edge + kPage - 4);
  add_value((uint64_t)edge);
  // Structures that calls look into: small numbers and addresses, mixed.
  uint64_t* const words = (uint64_t*)buffer;
  for (int i = 0; i < 128; i++) words[i] = one_in(2) ? below(64) : one_in(2) ? (uint64_t)edge : pool[below(pool_size)];
}

static void open_some_of_everything(void) {
  int ends[2];
  sigset_t all;
  sigfillset(&all);
  eventfd(1, EFD_NONBLOCK);
  epoll_create1(0);
  timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  signalfd(-1, &all, SFD_NONBLOCK);
  const int memory = memfd_create("soak", MFD_ALLOW_SEALING);
  if (memory >= 0 && ftruncate(memory, 20 * kPage) != 0) return;
  open("/tmp/soak-a", O_RDWR | O_CREAT, 0666);
  open("/tmp", O_RDONLY | O_DIRECTORY);
  open("/proc/self/maps", O_RDONLY);
  open("/proc/self/mem", O_RDWR);
  open("/dev/zero", O_RDWR);
  syscall(SYS_pidfd_open, getpid(), 0);
  if (pipe(ends) != 0) return;
  for (int type = 1; type <= 5; ++type) socketpair(AF_UNIX, type, 0, ends);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0soak"};
  bind(listener, (const struct sockaddr*)&name, sizeof(sa_family_t) + 5);
  listen(listener, 3);
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  unlockpt(master);
  open(ptsname(master), O_RDWR | O_NOCTTY);
}

static uint64_t any_value(void) {
  switch (below(8)) {
    case 0:
      return next();
    case 1:
    case 2:
      return below(40);
    case 3:
      return (uint64_t)kArena + below(kArenaPages + 8) * kPage;
    case 4:
      return one_in(2) ? 1ull << below(64) : (uint64_t)-(int64_t)below(4097);
    default:
      return pool[below(pool_size)];
  }
}

/// Mostly pages of the arena; else a start and a length that no range can have.
static void any_range(uint64_t* start, uint64_t* bytes) {
  const uint64_t first = below(kArenaPages);
  *start = (uint64_t)kArena + first * kPage;
  *bytes = (1 + below(one_in(4) ? kArenaPages - first : 6)) * kPage;
  switch (below(24)) {
    case 0:
      *bytes = any_value();
      break;
    case 1:
      *start = any_value();
      break;
    case 2:
      *bytes = -*start + below(3) * kPage - kPage;  // to the end of all addresses, or just over it
      break;
    case 3:
      *start += below(kPage);
      break;
    case 4:
      *bytes -= below(kPage);
      break;
    case 5:
      *start = any_value(), *bytes = any_value();
      break;
    default:
      break;
  }
}

static uint64_t any_flags(const uint32_t* known, unsigned count) {
  uint64_t flags = known[below(count)] | (one_in(2) ? known[below(count)] : 0);
  flags |= one_in(12) ? 1ull << below(34) : 0;
  return one_in(40) ? next() : flags;
}

static void memory_call(void) {
  static const uint32_t kMaps[] = {MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED,
                                   MAP_SHARED_VALIDATE, MAP_POPULATE, MAP_NORESERVE, MAP_GROWSDOWN, MAP_LOCKED, MAP_STACK,
                                   MAP_HUGETLB, MAP_FIXED_NOREPLACE};
  static const uint32_t kProts[] = {0, 1, 2, 3, 3, 3, 4, 5, 7};
  static const uint32_t kMoves[] = {0, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED, MREMAP_MAYMOVE | MREMAP_DONTUNMAP};
  uint64_t a[6];
  any_range(&a[0], &a[1]);
  for (int i = 2; i < 6; i++) a[i] = any_value();
  long number = SYS_mprotect;
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      number = SYS_mmap;
      a[2] = any_flags(kProts, 9);
      a[3] = any_flags(kMaps, 12) | (one_in(4) ? 0 : MAP_FIXED);
      a[4] = one_in(3) ? ~0ull : below(30);
      a[5] = one_in(3) ? any_value() : below(24) * kPage;
      // Only so much may be given at once: who fills all memory is killed, and nothing else is tried.
      if (a[1] > (64ull << 20) && one_in(2)) a[3] &= ~(uint64_t)MAP_POPULATE;
      break;
    case 4:
      number = SYS_munmap;
      break;
    case 5:
    case 6:
      number = SYS_mremap;
      a[2] = one_in(4) ? any_value() : below(12) * kPage;
      a[3] = any_flags(kMoves, 4);
      a[4] = (uint64_t)kArena + below(kArenaPages) * kPage + (one_in(20) ? 1 : 0);
      break;
    case 7:
    case 8:
      number = SYS_madvise;
      a[2] = one_in(10) ? any_value() : below(30);
      break;
    case 9:
      number = SYS_mincore;
      break;
    case 10:
      number = SYS_msync;
      a[2] = one_in(8) ? any_value() : below(8);
      break;
    case 11: {
      static const long kLocks[] = {SYS_mlock, SYS_mlock2, SYS_munlock, SYS_mlockall, SYS_munlockall};
      number = kLocks[below(5)];
      if (number == SYS_mlockall) a[0] = below(9);
      if (number == SYS_mlock2) a[2] = below(3);
      break;
    }
    case 12: {
      static const long kOthers[] = {SYS_brk, SYS_shmat, SYS_shmdt, SYS_remap_file_pages, SYS_memfd_create};
      number = kOthers[below(5)];
      if (number == SYS_brk) a[0] = one_in(2) ? (uint64_t)sbrk(0) + below(64) * kPage : any_value();
      if (number == SYS_shmat) a[0] = below(12), a[1] = one_in(2) ? 0 : (uint64_t)kArena + below(kArenaPages) * kPage;
      break;
    }
    default:
      a[2] = any_flags(kProts, 9);
      break;
  }
  raw_call(number, a);
}

/// A page of the arena is used, whatever is there: a signal goes on behind the access.
static void touch(void) {
  uint64_t a[6] = {0};
  char* const at = kArena + below(kArenaPages) * kPage + below(kPage - 64);
  switch (below(4)) {
    case 0: {
      // By the kernel, on the program's behalf.
      a[0] = below(30), a[1] = (uint64_t)at, a[2] = below(3 * kPage), a[3] = below(20 * kPage);
      raw_call(one_in(2) ? SYS_pread64 : SYS_pwrite64, a);
      break;
    }
    case 1:
      a[0] = 8, a[1] = (uint64_t)at, a[2] = 0, a[3] = 8;
      raw_call(SYS_rt_sigprocmask, (uint64_t[]){2, 0, (uint64_t)at, 8, 0, 0});
      break;
    default:
      // A byte, forwards or backwards; the handler skips the instruction.
      if (one_in(2)) {
        asm volatile(".option push\n.option norvc\nlb t1, 0(%0)\n.option pop" ::"r"(at) : "t1", "memory");
      } else {
        asm volatile(".option push\n.option norvc\nsb zero, 0(%0)\n.option pop" ::"r"(at) : "memory");
      }
      break;
  }
}

static void skip_access(int signal, siginfo_t* info, void* context) {
  ucontext_t* const at = context;
  const uint64_t address = (uint64_t)info->si_addr - (uint64_t)kArena;
  // Anything but an access to the arena is a slice that has lost its own memory.
  if (signal == SIGALRM) return;
  if (address >= kArenaPages * kPage) _exit(3);
  at->uc_mcontext.__gregs[REG_PC] += 4;
}

static int reaches_others(long number) {
  static const long kThem[] = {SYS_kill,          SYS_tkill,             SYS_tgkill,        SYS_rt_sigqueueinfo,
                               SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal, SYS_process_vm_writev, SYS_process_madvise,
                               SYS_prlimit64,     SYS_pidfd_getfd,       SYS_setpriority,   SYS_ptrace};
  for (size_t i = 0; i < sizeof kThem / sizeof *kThem; i++) {
    if (kThem[i] == number) return 1;
  }
  return 0;
}

/// Signals that must go on coming: calls before may have changed everything about them.
static void look_after_signals(void) {
  static char stack[4 * kPage];
  const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, NULL);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER, .sa_sigaction = skip_access};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  // What sleeps is woken, in the machine's time, which passes at once while nobody has anything to do.
  const struct itimerval soon = {{0, 2000}, {0, 2000}};
  setitimer(ITIMER_REAL, &soon, NULL);
}

static void slice(uint64_t seed, int calls, int user) {
  random_state = seed * 0x9e3779b97f4a7c15 + 1;
  const struct rlimit file_size = {1 << 20, 1 << 20};
  setrlimit(RLIMIT_FSIZE, &file_size);
  if (user != 0 && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0)) _exit(4);
  open_some_of_everything();
  make_pool();
  for (int i = 0; i < calls; i++) {
    if (i % 32 == 0) look_after_signals();
    if (one_in(2)) {
      memory_call();
      continue;
    }
    if (one_in(6)) {
      touch();
      continue;
    }
    const long number = (long)below(kLastCall);
    if (number == SYS_exit || number == SYS_exit_group || (number == SYS_rt_sigreturn && !one_in(200)) ||
        (user == 0 && reaches_others(number))) {
      continue;
    }
    uint64_t a[6];
    for (int k = 0; k < 6; k++) a[k] = any_value();
    raw_call(number, a);
  }
  _exit(0);
}

// --- the canary ---

enum { kCanaryPages = 64 };
struct canary {
  int ask, answer;
  pid_t pid;
};

static unsigned char canary_byte(size_t at) { return (unsigned char)(at * 31 + at / 251 + 7); }

static void be_canary(int ask, int answer) {
  const size_t bytes = kCanaryPages * kPage;
  const int file = memfd_create("canary", MFD_CLOEXEC);
  const int on_disk = open("/root/canary", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  unsigned char* const own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (file < 0 || on_disk < 0 || ftruncate(file, (off_t)bytes) != 0 || own == MAP_FAILED) _exit(1);
  unsigned char* const shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (shared == MAP_FAILED) _exit(1);
  for (size_t i = 0; i < bytes; i++) own[i] = shared[i] = canary_byte(i);
  if (pwrite(on_disk, own, bytes, 0) != (ssize_t)bytes || mlockall(MCL_CURRENT | MCL_FUTURE) != 0) _exit(1);
  static unsigned char read_back[kPage];
  char question;
  while (read(ask, &question, 1) == 1) {
    char verdict = 'y';
    for (size_t i = 0; i < bytes; i++) {
      if (own[i] != canary_byte(i) || shared[i] != canary_byte(i)) verdict = 'm';
    }
    for (size_t page = 0; page < kCanaryPages; page++) {
      if (pread(on_disk, read_back, kPage, (off_t)(page * kPage)) != kPage ||
          memcmp(read_back, own + page * kPage, kPage) != 0) {
        verdict = 'f';
      }
    }
    if (write(answer, &verdict, 1) != 1) break;
  }
  unlink("/root/canary");
  _exit(0);
}

static struct canary start_canary(void) {
  int ask[2], answer[2];
  if (pipe2(ask, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0) exit(5);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ask[1]);
    close(answer[0]);
    be_canary(ask[0], answer[1]);
  }
  close(ask[0]);
  close(answer[1]);
  return (struct canary){ask[1], answer[0], pid};
}

static void ask_canary(const struct canary* canary) {
  char verdict = 0;
  if (write(canary->ask, "?", 1) != 1 || read(canary->answer, &verdict, 1) != 1) verdict = 'd';
  if (verdict == 'y') return;
  printf("wrong: the canary's %s\n", verdict == 'm' ? "memory has changed" : verdict == 'f' ? "file has changed" : "process has died");
  exit(99);
}

// --- the keeper ---

struct running {
  pid_t pid;
  uint64_t since;
  int stopped;
};

static uint64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/// /dev/null, opened before a slice takes it away, as root may.
static int nothing;

static pid_t start_slice(const char* calls, uint64_t seed) {
  extern char** environ;
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
  char user[8];
  snprintf(user, sizeof user, "%d", seed % 2 == 0 ? 0 : kNobody);
  char* const arguments[] = {(char*)"calls", (char*)"slice", text, (char*)calls, user, NULL};
  for (int tries = 0; tries < 1000; tries++) {
    // On this stack, which is there: posix_spawn would ask for another.
    const pid_t pid = vfork();
    if (pid == 0) {
      setsid();  // what hangs up a group is not the keeper's
      for (int fd = 0; fd < 3; fd++) dup2(nothing, fd);
      execve("/proc/self/exe", arguments, environ);
      _exit(127);
    }
    if (pid > 0) return pid;
    sched_yield();
  }
  puts("wrong: a slice cannot be started");
  exit(99);
}

/// What slices leave behind in the system is taken away, else memory fills.
static void clean_up(void) {
  static const char* const kNames[] = {"/tmp/soak-a", "/tmp/soak-b"};
  for (size_t i = 0; i < sizeof kNames / sizeof *kNames; i++) unlink(kNames[i]);
  rmdir("/tmp/soak-dir");
  struct shm_info info;
  const int last = shmctl(0, SHM_INFO, (struct shmid_ds*)&info);
  for (int i = 0; i <= last; i++) {
    struct shmid_ds segment;
    const int id = shmctl(i, SHM_STAT, &segment);
    if (id >= 0) shmctl(id, IPC_RMID, NULL);
  }
}

/// Slices fill the memory now and then, and who asks for a page then is killed: the keeper never asks again.
static void take_all_memory_now(void) {
  volatile char stack[128 * 1024];
  for (size_t at = 0; at < sizeof stack; at += kPage) stack[at] = 1;
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) exit(5);
}

static int on_the_supervisor(void) {
  char text[256] = "";
  FILE* const file = fopen("/etc/os-release", "r");
  if (file == NULL) return 0;
  const size_t got = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  return got > 0 && strstr(text, "ID=quire\n") != NULL;
}

enum { kPatienceMs = 80, kHangMs = 20000 };
static unsigned died, stopped;

/// One more has ended, or none; who takes too long is stopped, and who cannot be stopped hangs.
static int wait_for_some(struct running* slots, unsigned count) {
  for (;;) {
    int status;
    const pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
    for (unsigned i = 0; i < count && pid > 0; i++) {
      if (slots[i].pid != pid) continue;
      died += WIFSIGNALED(status) && !slots[i].stopped;
      stopped += (unsigned)slots[i].stopped;
      slots[i].pid = 0;
      return (int)i;
    }
    if (pid > 0) continue;  // an orphan of a slice
    for (unsigned i = 0; i < count; i++) {
      if (slots[i].pid == 0) return (int)i;
      const uint64_t age = now_ms() - slots[i].since;
      if (age > kPatienceMs) {
        kill(slots[i].pid, SIGKILL);
        slots[i].stopped = 1;
      }
      if (age > kHangMs) {
        printf("wrong: process %d does not end\n", slots[i].pid);
        exit(99);
      }
    }
    const struct timespec while_ = {0, 500000};
    nanosleep(&while_, NULL);
  }
}

int main(int argc, char** argv) {
  if (!on_the_supervisor()) {
    puts("only on the supervisor");
    return 2;
  }
  if (argc == 5 && strcmp(argv[1], "slice") == 0) slice(strtoull(argv[2], NULL, 10), atoi(argv[3]), atoi(argv[4]));
  if (argc != 4) return 2;
  const uint64_t seed = strtoull(argv[1], NULL, 10);
  const unsigned slices = (unsigned)atoi(argv[2]);
  setvbuf(stdout, NULL, _IONBF, 0);
  const struct canary canary = start_canary();
  ask_canary(&canary);
  nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  take_all_memory_now();
  if (nothing < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 5;
  struct running slots[kAtOnce] = {{0}};
  for (unsigned started = 0; started < slices; started++) {
    struct running* const slot = &slots[wait_for_some(slots, kAtOnce)];
    *slot = (struct running){start_slice(argv[3], seed * 1000003 + started), now_ms(), 0};
    if (started % 16 == 15) ask_canary(&canary);
    if (started % 4 == 3) clean_up();
  }
  for (unsigned left = kAtOnce; left > 0; left--) {
    struct running last[kAtOnce];
    unsigned count = 0;
    for (int i = 0; i < kAtOnce; i++) {
      if (slots[i].pid != 0) last[count++] = slots[i];
    }
    if (count == 0) break;
    last[wait_for_some(last, count)].pid = 0;
    memset(slots, 0, sizeof slots);
    memcpy(slots, last, count * sizeof *last);
  }
  clean_up();
  ask_canary(&canary);
  close(canary.ask);
  printf("alive, %u slices, %u died, %u were stopped\n", slices, died, stopped);
  return 0;
}
