// Pseudo-terminals and the line discipline: canonical mode and its editing, echo, raw mode with MIN and TIME, output
// processing, flow control, window size, signals from the keyboard, the controlling terminal, hang-up.
// @no-qemu-user it does not pass TIOCGSID on
// @native
//
// > names: /dev/pts/N 1, character device 1, tty 1 1, locked EIO
// > defaults: input 500 output 5 local 8a3b, interrupt 3 erase 127 eof 4
// > line: "hello\n", echo "hello\r\n"
// > nothing before the end of the line: EAGAIN, then "abc\n"
// > erase: "heLP\n", echo "helo\b \b\b \bLP\r\n"
// > word: "one three\n"
// > kill: "new\n"
// > literal: "\x03x\n", echo "^\b^Cx\r\n"
// > control: echo "^A\r\n"
// > end of file: 3 "abc", then 0
// > two lines in one read: "a\n" then "b\n"
// > part of a line: "lon" "g\n"
// > carriage return: "x\n", kept raw "x\r"
// > no echo: "secret\n", echo "\n"
// > raw: "ab" at once, echo ""
// > min 3: 3 bytes
// > time: 0 bytes after 100 ms or more 1
// > unread line in raw mode: "half"
// > much input: 10000 bytes, bad 0, endless EAGAIN, then room 1
// > output: "a\r\nb" "a\nb" tabs "        x" upper "ABC"
// > stopped: nothing 1, then "out"
// > sizes: 24 80, signal 1
// > queue: in 5
// > flushed: EAGAIN
// > poll: slave OUT, then IN|OUT; master OUT, then IN|OUT
// > controlling: /dev/tty 1, session 1, foreground 1
// > interrupt: INT 1, echo "^C"
// > quit: QUIT 1, suspend TSTP 1, input flushed 1
// > background read: TTIN, write: runs, with TOSTOP TTOU, change TTOU
// > ignored TTIN: EIO
// > foreground again: "go\n"
// > set foreground: ENOTTY for others, EPERM bad group 1
// > hang-up: HUP 1, read 0, write EIO
// > slave gone: EIO, HUP 1
// > no terminal: ENXIO
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int master, slave;
static struct termios fresh;
static char text[4096];

static const char *name(void) { return strerrorname_np(errno); }
static const char *result(long value) { return value >= 0 ? "0" : name(); }
/// Shows bytes as a C string.
static const char *quoted(const char *bytes, long n) {
  static char to[4][512];
  static int turn;
  char *at = to[turn++ % 4], *start = at;
  *at++ = '"';
  for (long i = 0; i < n; ++i) {
    if (bytes[i] == '\n') at += sprintf(at, "\\n");
    else if (bytes[i] == '\r') at += sprintf(at, "\\r");
    else if (bytes[i] == '\b') at += sprintf(at, "\\b");
    else if (bytes[i] < 32 || bytes[i] == 127) at += sprintf(at, "\\x%02x", bytes[i]);
    else *at++ = bytes[i];
  }
  strcpy(at, "\"");
  return start;
}
static void type(const char *keys) { write(master, keys, strlen(keys)); }
static const char *get(int fd) {
  long n = read(fd, text, sizeof text);
  return n < 0 ? name() : quoted(text, n);
}
/// What the master has received so far; it does not block.
static const char *echoed(void) {
  struct pollfd p = {master, POLLIN, 0};
  long n = 0, m;
  while (poll(&p, 1, 20) > 0 && (p.revents & POLLIN) && (m = read(master, text + n, sizeof text - (size_t)n)) > 0) n += m;
  return quoted(text, n);
}
static void with(tcflag_t local_off, tcflag_t input_off, tcflag_t output_on) {
  struct termios changed = fresh;
  changed.c_lflag &= ~local_off;
  changed.c_iflag &= ~input_off;
  changed.c_oflag |= output_on;
  tcsetattr(slave, TCSANOW, &changed);
}
static void raw(int min, int time) {
  struct termios changed = fresh;
  cfmakeraw(&changed);
  changed.c_cc[VMIN] = (cc_t)min;
  changed.c_cc[VTIME] = (cc_t)time;
  tcsetattr(slave, TCSANOW, &changed);
}
static void usual(void) { tcsetattr(slave, TCSANOW, &fresh); }

static void opening(void) {
  struct stat stat;
  master = posix_openpt(O_RDWR | O_NOCTTY);
  char *path = ptsname(master);
  int number = -1;
  sscanf(path, "/dev/pts/%d", &number);
  int early = open(path, O_RDWR | O_NOCTTY), error = errno;
  grantpt(master);
  unlockpt(master);
  slave = open(path, O_RDWR | O_NOCTTY);
  fstat(slave, &stat);
  errno = error;
  printf("names: /dev/pts/N %d, character device %d, tty %d %d, locked %s\n", number >= 0, S_ISCHR(stat.st_mode),
         isatty(slave), isatty(master), result(early));
  tcgetattr(slave, &fresh);
  printf("defaults: input %x output %x local %x, interrupt %d erase %d eof %d\n", fresh.c_iflag, fresh.c_oflag,
         fresh.c_lflag, fresh.c_cc[VINTR], fresh.c_cc[VERASE], fresh.c_cc[VEOF]);
}

static void lines(void) {
  type("hello\n");
  const char *line = get(slave);
  printf("line: %s, echo %s\n", line, echoed());
  fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
  type("abc");
  line = get(slave);
  type("\n");
  printf("nothing before the end of the line: %s, then %s\n", line, get(slave));
  fcntl(slave, F_SETFL, O_RDWR);
  echoed();
  type("helo\x7f\x7fLP\n");
  line = get(slave);
  printf("erase: %s, echo %s\n", line, echoed());
  type("one two  \x17three\n");
  printf("word: %s\n", get(slave));
  type("old\x15new\n");
  printf("kill: %s\n", get(slave));
  echoed();
  type("\x16\x03x\n");
  line = get(slave);
  printf("literal: %s, echo %s\n", line, echoed());
  type("\x01\n");
  get(slave);
  printf("control: echo %s\n", echoed());
  type("abc\x04");
  long n = read(slave, text, sizeof text);
  printf("end of file: %ld %s, then ", n, quoted(text, n));
  type("\x04");
  printf("%ld\n", (long)read(slave, text, sizeof text));
  type("a\nb\n");
  line = get(slave);
  printf("two lines in one read: %s then %s\n", line, get(slave));
  type("long\n");
  char part[8];
  n = read(slave, part, 3);
  printf("part of a line: %s %s\n", quoted(part, n), get(slave));
  type("x\r");
  line = get(slave);
  with(ICANON, ICRNL, 0);
  type("x\r");
  usleep(20000);
  printf("carriage return: %s, kept raw %s\n", line, get(slave));
  echoed();
  struct termios quiet = fresh;
  quiet.c_lflag = (quiet.c_lflag & ~ECHO) | ECHONL;
  quiet.c_oflag &= ~ONLCR;
  tcsetattr(slave, TCSANOW, &quiet);
  type("secret\n");
  line = get(slave);
  printf("no echo: %s, echo %s\n", line, echoed());
  usual();
}

static void raw_mode(void) {
  raw(1, 0);
  type("ab");
  usleep(20000);
  const char *line = get(slave);
  printf("raw: %s at once, echo %s\n", line, echoed());
  raw(3, 0);
  fflush(stdout);
  pid_t writer = fork();
  if (writer == 0) {
    for (int i = 0; i < 3; ++i, usleep(10000)) type("x");
    _exit(0);
  }
  printf("min 3: %ld bytes\n", (long)read(slave, text, 10));
  waitpid(writer, NULL, 0);
  raw(0, 1);
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  long n = read(slave, text, 10);
  clock_gettime(CLOCK_MONOTONIC, &after);
  printf("time: %ld bytes after 100 ms or more %d\n", n,
         (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 99);
  usual();
  type("half");
  raw(1, 0);
  printf("unread line in raw mode: %s\n", get(slave));
  usual();
  echoed();
}

/// More than the line discipline holds, written before anything is read.
static void much_input(void) {
  static char sent[10000], got[sizeof sent];
  long done = 0, bad = 0, n;
  raw(0, 2);
  for (long i = 0; i < (long)sizeof sent; ++i) sent[i] = (char)(i * 7 + i / 256);
  while (done < (long)sizeof sent && (n = write(master, sent + done, sizeof sent - (size_t)done)) > 0) done += n;
  done = 0;
  while (done < (long)sizeof got && (n = read(slave, got + done, sizeof got - (size_t)done)) > 0) done += n;
  for (long i = 0; i < done; ++i) bad += got[i] != sent[i];
  printf("much input: %ld bytes, bad %ld, ", done, bad);
  int flags = fcntl(master, F_GETFL);
  fcntl(master, F_SETFL, flags | O_NONBLOCK);
  for (done = 0; done < 4 << 20 && (n = write(master, sent, sizeof sent)) > 0;) done += n;
  printf("endless %s, ", n < 0 ? name() : "-");
  while (read(slave, got, sizeof got) > 0) {
  }
  struct pollfd p = {master, POLLOUT, 0};
  printf("then room %d\n", poll(&p, 1, 1000) == 1);
  fcntl(master, F_SETFL, flags);
  usual();
}

static void output(void) {
  write(slave, "a\nb", 3);
  printf("output: %s ", echoed());
  struct termios plain = fresh;
  plain.c_oflag &= ~ONLCR;
  tcsetattr(slave, TCSANOW, &plain);
  write(slave, "a\nb", 3);
  printf("%s ", echoed());
  with(0, 0, XTABS);
  write(slave, "\r\tx", 3);
  echoed();
  printf("tabs %s ", quoted(text + 1, 9));
  with(0, 0, OLCUC);
  write(slave, "abc", 3);
  printf("upper %s\n", echoed());
  usual();
  fflush(stdout);
  type("\x13");
  usleep(20000);
  pid_t writer = fork();
  if (writer == 0) {
    write(slave, "out", 3);
    _exit(0);
  }
  struct pollfd p = {master, POLLIN, 0};
  int nothing = poll(&p, 1, 50) == 0;
  type("\x11");
  waitpid(writer, NULL, 0);
  printf("stopped: nothing %d, then %s\n", nothing, echoed());
}

static volatile int caught[65];
static void on_signal(int signo) { caught[signo]++; }

static void queues(void) {
  int in = -1;
  type("abcd\n");
  echoed();
  write(slave, "xyz", 3);
  ioctl(slave, TIOCINQ, &in);

  printf("queue: in %d\n", in);
  tcflush(slave, TCIFLUSH);
  fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
  printf("flushed: %s\n", get(slave));
  fcntl(slave, F_SETFL, O_RDWR);
  echoed();
  struct pollfd s = {slave, POLLIN | POLLOUT, 0}, m = {master, POLLIN | POLLOUT, 0};
  poll(&s, 1, 0);
  poll(&m, 1, 0);
  printf("poll: slave %s, ", s.revents == POLLOUT ? "OUT" : "?");
  int first = m.revents;
  type("line\n");
  poll(&s, 1, 100);
  poll(&m, 1, 100);
  printf("then %s; master %s, then %s\n", s.revents == (POLLIN | POLLOUT) ? "IN|OUT" : "?", first == POLLOUT ? "OUT" : "?",
         m.revents == (POLLIN | POLLOUT) ? "IN|OUT" : "?");
  get(slave);
  echoed();
}

/// In a child that leads a session of its own: its files are the slave only, its report goes through a pipe.
static void session(void) {
  setsid();
  printf("controlling: ");
  int before = open("/dev/tty", O_RDWR);
  ioctl(slave, TIOCSCTTY, 0);
  int tty = open("/dev/tty", O_RDWR);
  printf("/dev/tty %d, session %d, foreground %d\n", before < 0 && tty >= 0, tcgetsid(slave) == getpid(),
         tcgetpgrp(slave) == getpid());
  for (int signo = 1; signo < 32; ++signo)
    if (signo != SIGTTIN && signo != SIGTTOU && signo != SIGCHLD) signal(signo, on_signal);
  struct winsize size = {24, 80, 0, 0};
  ioctl(master, TIOCSWINSZ, &size);
  usleep(20000);
  type("typed before \x03");
  usleep(20000);
  printf("interrupt: INT %d, echo ", caught[SIGINT]);
  const char *all = echoed();
  printf("%s\n", quoted(strstr(all, "^C") ? "^C" : "?", strstr(all, "^C") ? 2 : 1));
  type("more\n\x1c");
  type("\x1a");
  usleep(20000);
  fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
  int flushed = read(slave, text, 10) < 0;
  fcntl(slave, F_SETFL, O_RDWR);
  printf("quit: QUIT %d, suspend TSTP %d, input flushed %d\n", caught[SIGQUIT], caught[SIGTSTP], flushed);
  echoed();

  fflush(stdout);
  int status[4];
  struct termios stopping = fresh;
  stopping.c_lflag |= TOSTOP;
  for (int i = 0; i < 4; ++i) {
    if (i == 2) tcsetattr(slave, TCSANOW, &stopping);
    if (i == 3) tcsetattr(slave, TCSANOW, &fresh);
    pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      if (i == 0) read(slave, text, 1);
      else if (i == 3) tcsetattr(slave, TCSANOW, &fresh);
      else write(slave, "x", 1);
      _exit(0);
    }
    setpgid(child, child);
    waitpid(child, &status[i], WUNTRACED);
    kill(-child, SIGKILL);
    if (WIFSTOPPED(status[i])) waitpid(child, NULL, 0);
  }
  printf("background read: %s, write: %s, with TOSTOP %s, change %s\n",
         WIFSTOPPED(status[0]) && WSTOPSIG(status[0]) == SIGTTIN ? "TTIN" : "?", WIFEXITED(status[1]) ? "runs" : "?",
         WIFSTOPPED(status[2]) && WSTOPSIG(status[2]) == SIGTTOU ? "TTOU" : "?",
         WIFSTOPPED(status[3]) && WSTOPSIG(status[3]) == SIGTTOU ? "TTOU" : "?");
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    signal(SIGTTIN, SIG_IGN);
    printf("ignored TTIN: %s\n", result(read(slave, text, 1)));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    printf("foreground again: %s\n", get(slave));
    fflush(stdout);
    _exit(0);
  }
  setpgid(child, child);
  waitpid(child, &status[0], WUNTRACED);
  signal(SIGTTOU, SIG_IGN);
  tcsetpgrp(slave, child);
  kill(-child, SIGCONT);
  type("go\n");
  waitpid(child, NULL, 0);
  tcsetpgrp(slave, getpid());
  int other = posix_openpt(O_RDWR | O_NOCTTY);
  unlockpt(other);
  int other_slave = open(ptsname(other), O_RDWR | O_NOCTTY);
  printf("set foreground: %s for others, ", result(tcsetpgrp(other_slave, getpid())));
  tcsetpgrp(slave, 1);
  printf("EPERM bad group %d\n", errno == EPERM || errno == ESRCH);
  close(other);
  close(other_slave);
  fflush(stdout);
  close(tty);
  /* The last master closes: the session hears of it. */
  close(master);
  usleep(20000);
  printf("hang-up: HUP %d, read %ld, ", caught[SIGHUP], (long)read(slave, text, 1));
  printf("write %s\n", result(write(slave, "x", 1)));
  fflush(stdout);
  _exit(0);
}

int main(void) {
  opening();
  lines();
  raw_mode();
  much_input();
  output();
  struct winsize size = {24, 80, 0, 0}, got = {0};
  ioctl(master, TIOCSWINSZ, &size);
  ioctl(slave, TIOCGWINSZ, &got);
  printf("sizes: %d %d, signal ", got.ws_row, got.ws_col);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    setsid();
    signal(SIGWINCH, on_signal);
    ioctl(slave, TIOCSCTTY, 0);
    size.ws_row = 50;
    ioctl(master, TIOCSWINSZ, &size);
    usleep(20000);
    _exit(caught[SIGWINCH]);
  }
  int status;
  waitpid(child, &status, 0);
  printf("%d\n", WEXITSTATUS(status));
  close(master);
  close(slave);
  master = posix_openpt(O_RDWR | O_NOCTTY);
  unlockpt(master);
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  queues();
  fflush(stdout);
  close(master);
  close(slave);
  child = fork();
  if (child == 0) {
    master = posix_openpt(O_RDWR | O_NOCTTY);
    unlockpt(master);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    session();
  }
  waitpid(child, NULL, 0);
  master = posix_openpt(O_RDWR | O_NOCTTY);
  unlockpt(master);
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  close(slave);
  struct pollfd p = {master, POLLIN, 0};
  printf("slave gone: %s, ", result(read(master, text, 1)));
  poll(&p, 1, 0);
  printf("HUP %d\n", (p.revents & POLLHUP) != 0);
  fflush(stdout);
  child = fork();
  if (child == 0) {
    setsid();
    printf("no terminal: %s\n", result(open("/dev/tty", O_RDWR)));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
}
