// A bit of everything that takes memory in the kernel: fork, exec, maps, files, pipes, sockets, threads, shared memory.
//
// Made to run while allocations fail: a step that gets an errno is given up and counted, one that succeeds must be
// right. `wrong` in the output, or another status than 0 without a signal, is a bug of the kernel's.
//
//   mixed_load [ROUNDS]   the whole; ends with "done, N steps failed"
//   mixed_load child      what it executes: exits with 42
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kPage = 4096 };

static int failed_steps;

__attribute__((format(printf, 1, 2))) static void wrong(const char* format, ...) {
  char text[256];
  va_list list;
  va_start(list, format);
  int length = vsnprintf(text, sizeof text, format, list);
  va_end(list);
  (void)!write(1, "wrong: ", 7);
  (void)!write(1, text, (size_t)length);
  (void)!write(1, "\n", 1);
  _exit(99);
}

/// EFAULT: what a system call says that found no memory for the page of its argument.
static const int kErrnos[] = {ENOMEM, EAGAIN, ENOBUFS, ENOSPC, ENFILE, EFAULT};

/// The step could not be done; only a lack of memory is a reason.
static void gave_up(const char* step) {
  for (size_t i = 0; i < sizeof kErrnos / sizeof *kErrnos; i++) {
    if (errno == kErrnos[i]) {
      failed_steps++;
      return;
    }
  }
  wrong("%s: errno %d", step, errno);
}

/// `status` of a child that was to exit with `code`: that, or killed for lack of memory.
static void check_child(const char* step, int status, int code) {
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGABRT)) {
    failed_steps++;
  } else if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)) {
    failed_steps++;  // the child itself gave a step up, or its C library could not begin
  } else if (!WIFEXITED(status) || WEXITSTATUS(status) != code) {
    wrong("%s: status %x", step, (unsigned)status);
  }
}

static int reap(const char* step, pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) wrong("%s: waitpid: errno %d", step, errno);
  return status;
}

// --- processes ---

static void forks(void) {
  char* const own = mmap(NULL, 8 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (own == MAP_FAILED) return gave_up("mmap for fork");
  memset(own, 'p', 8 * kPage);
  for (int round = 0; round < 4; round++) {
    const pid_t child = fork();
    if (child == 0) {
      for (int i = 0; i < 8; i++) own[i * kPage] = 'c';
      _exit(10 + round);
    }
    if (child < 0) {
      gave_up("fork");
      continue;
    }
    for (int i = 0; i < 8; i++) {
      if (own[i * kPage] != 'p') wrong("a child's write is seen");
      own[i * kPage + 1]++;
    }
    check_child("fork", reap("fork", child), 10 + round);
  }
  munmap(own, 8 * kPage);
}

static void execs(void) {
  for (int round = 0; round < 3; round++) {
    const pid_t child = round == 1 ? vfork() : fork();
    if (child == 0) {
      execl("/proc/self/exe", "mixed_load", "child", (char*)NULL);
      _exit(77);
    }
    if (child < 0) {
      gave_up("fork for exec");
      continue;
    }
    check_child("exec", reap("exec", child), 42);
  }
}

static void script(void) {
  const int fd = open("/tmp/script", O_CREAT | O_WRONLY | O_TRUNC, 0755);
  static const char kText[] = "#!/proc/self/exe child\n";
  if (fd < 0) return gave_up("open of a script");
  const int whole = write(fd, kText, sizeof kText - 1) == sizeof kText - 1;
  close(fd);
  if (!whole) return gave_up("write of a script");
  const pid_t child = fork();
  if (child == 0) {
    execl("/tmp/script", "script", (char*)NULL);
    _exit(77);
  }
  if (child < 0) return gave_up("fork for a script");
  const int status = reap("script", child);
  // /proc/self/exe means the script's interpreter: this program, which sees "child" first.
  check_child("script", status, 42);
  unlink("/tmp/script");
}

// --- memory ---

static void maps(void) {
  char* const area = mmap(NULL, 64 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return gave_up("mmap");
  for (int i = 0; i < 64; i += 2) area[i * kPage] = (char)i;
  for (int i = 1; i < 37; i += 4) {
    if (mprotect(area + i * kPage, kPage, PROT_READ) != 0) gave_up("mprotect");
  }
  if (munmap(area + 20 * kPage, 3 * kPage) != 0) gave_up("munmap in the middle");
  char* moved = mremap(area + 40 * kPage, 8 * kPage, 24 * kPage, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) {
    gave_up("mremap");
    moved = area + 40 * kPage;
  } else {
    for (int i = 0; i < 24; i++) moved[i * kPage + 1] = 1;
    munmap(moved + 8 * kPage, 16 * kPage);
  }
  for (int i = 0; i < 8; i += 2) {
    if (moved[i * kPage] != (char)(40 + i)) wrong("a moved page has %d", moved[i * kPage]);
  }
  if (madvise(area, 8 * kPage, MADV_DONTNEED) != 0) gave_up("MADV_DONTNEED");
  else if (area[0] != 0) wrong("MADV_DONTNEED left %d", area[0]);
  munmap(moved, 8 * kPage);
  munmap(area, 64 * kPage);
  // Apart from each other, so that each takes page tables of its own.
  for (int i = 0; i < 6; i++) {
    char* const at = (char*)0x1000000000 + (size_t)i * (1ul << 30);
    char* const far = mmap(at, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (far == MAP_FAILED) {
      gave_up("mmap far away");
    } else {
      *far = 1;
      munmap(far, kPage);
    }
  }
  void* const populated = mmap(NULL, 32 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (populated == MAP_FAILED) gave_up("MAP_POPULATE");
  else munmap(populated, 32 * kPage);
  void* const heap = malloc(300000);
  if (heap != NULL) memset(heap, 1, 300000);
  free(heap);
}

static void file_map(void) {
  const int fd = open("/tmp/mapped", O_CREAT | O_RDWR | O_TRUNC, 0600);
  if (fd < 0) return gave_up("open");
  if (ftruncate(fd, 40 * kPage) != 0) gave_up("ftruncate");
  char* const shared = mmap(NULL, 40 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char* const private = mmap(NULL, 40 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (shared == MAP_FAILED || private == MAP_FAILED) {
    gave_up("mmap of a file");
  } else {
    for (int i = 0; i < 40; i++) {
      shared[i * kPage] = (char)(i + 1);
      if (private[i * kPage] != (char)(i + 1)) wrong("a private page of a file is not the file's");
      private[i * kPage] = 'x';
      char byte = 0;
      if (pread(fd, &byte, 1, i * kPage) != 1) gave_up("pread");
      else if (byte != (char)(i + 1)) wrong("pread sees %d", byte);
    }
    if (msync(shared, 40 * kPage, MS_SYNC) != 0) gave_up("msync");
  }
  if (shared != MAP_FAILED) munmap(shared, 40 * kPage);
  if (private != MAP_FAILED) munmap(private, 40 * kPage);
  close(fd);
  unlink("/tmp/mapped");
}

// --- files ---

static void files(void) {
  char path[64];
  if (mkdir("/tmp/tree", 0755) != 0) {
    // A step of an earlier round may have been killed with its files there.
    if (errno == EEXIST) exit(77);
    return gave_up("mkdir");
  }
  for (int i = 0; i < 24; i++) {
    snprintf(path, sizeof path, "/tmp/tree/a-file-with-a-long-name-%d", i);
    const int fd = open(path, O_CREAT | O_RDWR | O_EXCL, 0600);
    if (fd < 0) {
      gave_up("open of a new file");
      continue;
    }
    static char block[3 * kPage];
    memset(block, 'a' + i, sizeof block);
    const ssize_t wrote = write(fd, block, sizeof block);
    if (wrote < 0) gave_up("write");
    struct stat stat;
    if (fstat(fd, &stat) != 0) gave_up("fstat");
    else if (wrote >= 0 && stat.st_size != wrote) wrong("%ld bytes after writing %ld", (long)stat.st_size, (long)wrote);
    close(fd);
    char other[64];
    snprintf(other, sizeof other, "/tmp/tree/link-%d", i);
    if (i % 3 == 0 && symlink(path, other) != 0) gave_up("symlink");
    if (i % 3 == 1 && link(path, other) != 0) gave_up("link");
    if (i % 3 == 2 && rename(path, other) != 0) gave_up("rename");
  }
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/rm", "rm", "-r", "/tmp/tree", (char*)NULL);
    _exit(77);
  }
  if (child > 0) (void)reap("rm", child);
  for (int i = 0; i < 24; i++) {
    snprintf(path, sizeof path, "/tmp/tree/a-file-with-a-long-name-%d", i);
    if (unlink(path) != 0 && errno != ENOENT) gave_up("unlink");
    snprintf(path, sizeof path, "/tmp/tree/link-%d", i);
    if (unlink(path) != 0 && errno != ENOENT) gave_up("unlink of a link");
  }
  if (rmdir("/tmp/tree") != 0 && !(errno == ENOTEMPTY && failed_steps > 0)) gave_up("rmdir");
}

static void proc_files(void) {
  static const char* const kNames[] = {"/proc/self/maps", "/proc/self/smaps", "/proc/self/status", "/proc/self/stat",
                                       "/proc/meminfo",   "/proc/self/fd",    "/proc/mounts",      "/proc/self/cmdline"};
  for (size_t i = 0; i < sizeof kNames / sizeof *kNames; i++) {
    char bytes[2000];
    const int fd = open(kNames[i], O_RDONLY);
    if (fd < 0) {
      gave_up(kNames[i]);
      continue;
    }
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
    }
    if (got < 0 && errno != EISDIR) gave_up(kNames[i]);
    close(fd);
  }
}

// --- talking ---

static void pipes(void) {
  int ends[2];
  if (pipe(ends) != 0) return gave_up("pipe");
  const pid_t child = fork();
  if (child == 0) {
    static char out[50000];
    memset(out, 'o', sizeof out);
    close(ends[0]);
    for (size_t at = 0; at < sizeof out;) {
      const ssize_t wrote = write(ends[1], out + at, sizeof out - at);
      if (wrote <= 0) _exit(77);
      at += (size_t)wrote;
    }
    _exit(5);
  }
  close(ends[1]);
  size_t sum = 0;
  ssize_t got;
  char in[3000];
  while ((got = read(ends[0], in, sizeof in)) > 0) sum += (size_t)got;
  if (got < 0) gave_up("read of a pipe");
  close(ends[0]);
  if (child < 0) return gave_up("fork for a pipe");
  const int status = reap("pipe", child);
  check_child("pipe", status, 5);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 5 && got == 0 && sum != 50000) wrong("%zu bytes through a pipe", sum);
}

static void sockets(void) {
  int ends[2];
  for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
    if (type == SOCK_RAW || type == SOCK_RDM) continue;
    if (socketpair(AF_UNIX, type, 0, ends) != 0) {
      gave_up("socketpair");
      continue;
    }
    char text[2048], back[2048];
    memset(text, 't', sizeof text);
    union {
      struct cmsghdr header;
      char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &ends[0], sizeof(int));
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (sendmsg(ends[0], &message, 0) != sizeof text) {
      gave_up("sendmsg");
    } else if (recv(ends[1], back, sizeof back, MSG_DONTWAIT) != sizeof back || memcmp(text, back, sizeof text) != 0) {
      wrong("a message is not what was sent");
    }
    close(ends[0]);
    close(ends[1]);
  }
  // Of an earlier round, which may have had no memory to take it away.
  if (unlink("/tmp/socket") != 0 && errno != ENOENT) return gave_up("unlink of a socket");
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (listener < 0) return gave_up("socket");
  const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/socket"};
  if (bind(listener, (const struct sockaddr*)&name, sizeof name) != 0 || listen(listener, 4) != 0) {
    gave_up("bind");
  } else {
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (client < 0 || connect(client, (const struct sockaddr*)&name, sizeof name) != 0) {
      gave_up("connect");
    } else {
      const int served = accept(listener, NULL, NULL);
      if (served < 0) gave_up("accept");
      close(served);
    }
    close(client);
  }
  close(listener);
  unlink("/tmp/socket");
}

static void waiting(void) {
  const int set = epoll_create1(0), counter = eventfd(0, EFD_NONBLOCK), timer = timerfd_create(CLOCK_MONOTONIC, 0);
  if (set < 0 || counter < 0 || timer < 0) {
    gave_up("epoll, eventfd or timerfd");
  } else {
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(set, EPOLL_CTL_ADD, counter, &event) != 0 || epoll_ctl(set, EPOLL_CTL_ADD, timer, &event) != 0) {
      gave_up("epoll_ctl");
    } else {
      const struct itimerspec soon = {.it_value = {.tv_nsec = 1000}};
      if (timerfd_settime(timer, 0, &soon, NULL) != 0) gave_up("timerfd_settime");
      else if (epoll_wait(set, &event, 1, -1) != 1) gave_up("epoll_wait");
    }
  }
  if (set >= 0) close(set);
  if (counter >= 0) close(counter);
  if (timer >= 0) close(timer);
  timer_t own;
  struct sigevent none = {.sigev_notify = SIGEV_NONE};
  if (timer_create(CLOCK_MONOTONIC, &none, &own) != 0) gave_up("timer_create");
  else timer_delete(own);
}

static void* count_up(void* argument) {
  int* const counter = argument;
  char* const own = malloc(20000);
  if (own != NULL) memset(own, 1, 20000);
  for (int i = 0; i < 100; i++) __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
  free(own);
  return NULL;
}

/// In a child: a thread that cannot have its memory takes the process along.
static void threads(void) {
  const pid_t child = fork();
  if (child < 0) return gave_up("fork for threads");
  if (child > 0) return check_child("threads", reap("threads", child), 6);
  pthread_t them[4];
  int counter = 0, made = 0;
  for (int i = 0; i < 4; i++) {
    const int error = pthread_create(&them[made], NULL, &count_up, &counter);
    if (error == 0) {
      made++;
    } else if (error != EAGAIN && error != ENOMEM) {
      _exit(98);
    }
  }
  for (int i = 0; i < made; i++) pthread_join(them[i], NULL);
  if (counter != made * 100) _exit(97);
  _exit(made == 4 ? 6 : 77);
}

static void shared_memory(void) {
  const int id = shmget(IPC_PRIVATE, 10 * kPage, IPC_CREAT | 0600);
  if (id < 0) {
    gave_up("shmget");
  } else {
    char* const at = shmat(id, NULL, 0);
    if (at == (void*)-1) {
      gave_up("shmat");
    } else {
      memset(at, 's', 10 * kPage);
      const pid_t child = fork();
      if (child == 0) {
        at[kPage] = 'c';
        _exit(at[0] == 's' ? 8 : 96);
      }
      if (child < 0) {
        gave_up("fork with shared memory");
      } else {
        const int status = reap("shm", child);
        check_child("shm", status, 8);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 8 && at[kPage] != 'c') wrong("shared memory is not shared");
      }
      shmdt(at);
    }
    shmctl(id, IPC_RMID, NULL);
  }
  const int named = shm_open("/mixed", O_CREAT | O_RDWR, 0600);
  if (named < 0) return gave_up("shm_open");
  if (ftruncate(named, 4 * kPage) != 0) gave_up("ftruncate of shared memory");
  char* const at = mmap(NULL, 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, named, 0);
  if (at == MAP_FAILED) {
    gave_up("mmap of shared memory");
  } else {
    memset(at, 1, 4 * kPage);
    munmap(at, 4 * kPage);
  }
  close(named);
  shm_unlink("/mixed");
  const int sealed = memfd_create("mixed", MFD_ALLOW_SEALING);
  if (sealed < 0) return gave_up("memfd_create");
  if (write(sealed, "x", 1) != 1) gave_up("write to a memfd");
  close(sealed);
}

static void terminals(void) {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) return gave_up("posix_openpt");
  unlockpt(master);
  const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  if (slave < 0) gave_up("open of a pseudo-terminal");
  else if (write(master, "line\n", 5) != 5) gave_up("write to a pseudo-terminal");
  if (slave >= 0) close(slave);
  close(master);
}

static void signals(void) {
  for (int i = 0; i < 40; i++) {
    if (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) != 0) gave_up("sigqueue");
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  const struct timespec now = {0, 0};
  while (sigtimedwait(&set, NULL, &now) > 0) {
  }
}

/// In a process of its own, so that one that is killed for lack of memory takes only its own step along. That a
/// process is killed is no failure of the steps around it.
static void run_step(void (*step)(void)) {
  const pid_t child = fork();
  if (child == 0) {
    failed_steps = 0;
    step();
    _exit(failed_steps == 0 ? 7 : 77);
  }
  if (child < 0) return gave_up("fork of a step");
  const int status = reap("step", child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 99) _exit(99);
  check_child("step", status, 7);
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "child") == 0) return 42;
  const int rounds = argc > 1 ? atoi(argv[1]) : 1;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  void (*const steps[])(void) = {forks,   execs,   script, maps,    file_map,      files,     proc_files,
                                 pipes,   sockets, waiting, threads, shared_memory, terminals, signals};
  for (int round = 0; round < rounds; round++) {
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) run_step(steps[i]);
  }
  char text[64];
  const int length = snprintf(text, sizeof text, "done, %d steps failed\n", failed_steps);
  return write(1, text, (size_t)length) == length ? 0 : 77;
}
