// Unix sockets: pairs, names in the file system and abstract ones, streams, datagrams, sequenced packets, descriptors
// and credentials as messages, shutdown, closing, options, errors.
//
// > pair: hello 5, both ways olleh
// > stream joins: 6 abcdef, peek 6, trunc flag ignored 2
// > end: 0, writing EPIPE and SIGPIPE 1, without signal EPIPE
// > half closed: reads 0, still answers back
// > listener: name /tmp/sock-N bytes 1, mode S_IFSOCK 1
// > client: peer name 1, own name family only 1
// > server: accepted, peer family 1, credentials mine 1
// > echo: 100000 bytes, bad 0
// > refused: ENOENT ECONNREFUSED ECONNREFUSED EADDRINUSE
// > states: EINVAL ENOTCONN EISCONN EOPNOTSUPP EPROTOTYPE
// > abstract: 1, autobind length 8
// > not blocking: EAGAIN EAGAIN, poll listener 1
// > accepting: EMFILE, still there 1, EFAULT, not lost 1
// > reset: ECONNRESET
// > datagrams: 3 one, 3 two, from dgram name 1, cut to 2 with MSG_TRUNC 1
// > datagram length: 5
// > datagram to nobody: ECONNREFUSED, too long EMSGSIZE
// > datagram woken: sent 1, in time 1
// > packets: 2 3, cut 0
// > passed: pipe works 1, closes on exec 1, truncated 0
// > not received: closed with the message 1
// > chain: 2000 links end 1, many files ETOOMANYREFS, then again 1
// > limits: files in two control messages EINVAL, small writes fewer than a tenth of the buffer 1
// > credentials: pid 1 uid 1
// > options: type 1 2 5, listening 1, domain 1, buffer at least 4096 1, timeout EAGAIN
// > poll: pair OUT, filled 0, drained OUT, peer gone IN|HUP|RDHUP
// > epoll edge: 1 0 1
// > many: sent 3, got 3, lengths 1 2 3
// > ioctl: unread 7
// > not a socket: ENOTSOCK, family EAFNOSUPPORT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[1 << 18];
static char path[64];
static volatile int pipes_broken;

static const char *name(void) { return strerrorname_np(errno); }
static const char *result(long value) { return value >= 0 ? "0" : name(); }
static void on_pipe(int signo) { pipes_broken += signo == SIGPIPE; }
static struct sockaddr_un address(const char *of) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path, of, sizeof to.sun_path - 1);
  return to;
}
static int try_connect(int type, const char *of) {
  struct sockaddr_un to = address(of);
  int fd = socket(AF_UNIX, type, 0);
  int error = connect(fd, (struct sockaddr *)&to, sizeof to);
  int kept = errno;
  close(fd);
  errno = kept;
  return error;
}

static void pairs(void) {
  int ends[2];
  char back[8] = "";
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) exit(1);
  write(ends[0], "hello", 5);
  long n = read(ends[1], text, sizeof text);
  write(ends[1], "olleh", 5);
  read(ends[0], back, 5);
  printf("pair: %.*s %ld, both ways %s\n", (int)n, text, n, back);
  send(ends[0], "abc", 3, 0);
  send(ends[0], "def", 3, 0);
  long peeked = recv(ends[1], text, sizeof text, MSG_PEEK);
  long joined = recv(ends[1], text, 6, MSG_WAITALL);
  printf("stream joins: %ld %.6s, peek %ld, ", joined, text, peeked);
  send(ends[0], "xyz", 3, 0);
  printf("trunc flag ignored %ld\n", (long)recv(ends[1], text, 2, 0));
  close(ends[0]);
  recv(ends[1], text, 8, 0);
  printf("end: %ld, ", (long)read(ends[1], text, 8));
  signal(SIGPIPE, on_pipe);
  printf("writing %s and SIGPIPE ", result(write(ends[1], "x", 1)));
  printf("%d, without signal %s\n", pipes_broken, result(send(ends[1], "x", 1, MSG_NOSIGNAL)));
  close(ends[1]);

  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) exit(1);
  shutdown(ends[0], SHUT_WR);
  n = read(ends[1], text, 8);
  write(ends[1], "back", 4);
  long m = read(ends[0], back, 8);
  printf("half closed: reads %ld, still answers %.*s\n", n, (int)m, back);
  close(ends[0]);
  close(ends[1]);
}

/// What becomes of a connection that accept cannot hand out. `listener` does not block.
static void failing_accept(int listener, struct sockaddr_un own) {
  int client = socket(AF_UNIX, SOCK_STREAM, 0), next = dup(client);
  close(next);
  connect(client, (struct sockaddr *)&own, sizeof own);
  struct rlimit before, limit;
  getrlimit(RLIMIT_NOFILE, &before);
  limit = before;
  limit.rlim_cur = (rlim_t)next;
  setrlimit(RLIMIT_NOFILE, &limit);
  printf("accepting: %s, ", result(accept(listener, NULL, NULL)));
  setrlimit(RLIMIT_NOFILE, &before);
  int server = accept(listener, NULL, NULL);
  printf("still there %d, ", server >= 0);
  close(server);
  close(client);
  client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  connect(client, (struct sockaddr *)&own, sizeof own);
  socklen_t bytes = sizeof own;
  printf("%s, ", result(accept(listener, (struct sockaddr *)8, &bytes)));
  // QEMU looks at the address before it accepts, Linux after.
  server = accept(listener, NULL, NULL);
  printf("not lost %d\n", server >= 0 || read(client, text, 1) == 0);
  if (server >= 0) close(server);
  close(client);
}

static void serve(int listener) {
  int fd = accept(listener, NULL, NULL);
  long n;
  while ((n = read(fd, text, 3000)) > 0)
    for (long done = 0; done < n;) done += write(fd, text + done, (size_t)(n - done));
  _exit(0);
}

static void named(void) {
  struct sockaddr_un own = address(path), got;
  socklen_t bytes = sizeof got;
  struct stat stat;
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bind(listener, (struct sockaddr *)&own, sizeof own);
  int early = try_connect(SOCK_STREAM, path), early_error = errno;
  listen(listener, 2);
  memset(&got, 0, sizeof got);
  getsockname(listener, (struct sockaddr *)&got, &bytes);
  lstat(path, &stat);
  printf("listener: name /tmp/sock-N bytes %d, mode S_IFSOCK %d\n",
         bytes == sizeof(sa_family_t) + strlen(path) + 1 && !strcmp(got.sun_path, path), S_ISSOCK(stat.st_mode));

  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(client, (struct sockaddr *)&own, sizeof own);
  bytes = sizeof got;
  getpeername(client, (struct sockaddr *)&got, &bytes);
  int peer_named = !strcmp(got.sun_path, path);
  bytes = sizeof got;
  getsockname(client, (struct sockaddr *)&got, &bytes);
  printf("client: peer name %d, own name family only %d\n", peer_named, bytes == sizeof(sa_family_t));
  bytes = sizeof got;
  int server = accept4(listener, (struct sockaddr *)&got, &bytes, SOCK_CLOEXEC);
  struct ucred who;
  socklen_t who_bytes = sizeof who;
  getsockopt(server, SOL_SOCKET, SO_PEERCRED, &who, &who_bytes);
  printf("server: accepted, peer family %d, credentials mine %d\n", bytes == sizeof(sa_family_t),
         who.pid == getpid() && who.uid == getuid());
  close(server);
  close(client);

  fflush(stdout);
  pid_t child = fork();
  if (child == 0) serve(listener);
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(client, (struct sockaddr *)&own, sizeof own);
  pid_t writer = fork();
  if (writer == 0) {
    for (int i = 0; i < 100000; ++i) text[i] = (char)(i * 11);
    for (long done = 0; done < 100000;) done += write(client, text + done, (size_t)(100000 - done));
    shutdown(client, SHUT_WR);
    _exit(0);
  }
  long total = 0, bad = 0, n;
  while ((n = read(client, text, 7000)) > 0)
    for (long i = 0; i < n; ++i, ++total) bad += text[i] != (char)(total * 11);
  printf("echo: %ld bytes, bad %ld\n", total, bad);
  close(client);
  waitpid(child, NULL, 0);
  waitpid(writer, NULL, 0);

  printf("refused: %s ", result(try_connect(SOCK_STREAM, "/tmp/no-such-socket")));
  errno = early_error;
  printf("%s ", result(early));
  int plain = open("/tmp/plain-file", O_CREAT | O_RDWR, 0600);
  printf("%s ", result(try_connect(SOCK_STREAM, "/tmp/plain-file")));
  close(plain);
  unlink("/tmp/plain-file");
  int second = socket(AF_UNIX, SOCK_STREAM, 0);
  printf("%s\n", result(bind(second, (struct sockaddr *)&own, sizeof own)));
  printf("states: %s ", result(accept(second, NULL, NULL)));
  printf("%s ", result(send(second, "x", 1, 0)));
  connect(second, (struct sockaddr *)&own, sizeof own);
  printf("%s ", result(connect(second, (struct sockaddr *)&own, sizeof own)));
  int datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
  printf("%s ", result(listen(datagram, 1)));
  printf("%s\n", result(try_connect(SOCK_DGRAM, path)));
  close(second);
  close(accept(listener, NULL, NULL));

  struct sockaddr_un hidden = {.sun_family = AF_UNIX, .sun_path = "\0quire-hidden"};
  int abstract = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(abstract, (struct sockaddr *)&hidden, sizeof(sa_family_t) + 13);
  listen(abstract, 1);
  second = socket(AF_UNIX, SOCK_STREAM, 0);
  int connected = connect(second, (struct sockaddr *)&hidden, sizeof(sa_family_t) + 13) == 0;
  bind(datagram, (struct sockaddr *)&own, sizeof(sa_family_t));
  bytes = sizeof got;
  getsockname(datagram, (struct sockaddr *)&got, &bytes);
  printf("abstract: %d, autobind length %d\n", connected, (int)bytes);
  close(datagram);

  fcntl(listener, F_SETFL, O_NONBLOCK);
  printf("not blocking: %s ", result(accept(listener, NULL, NULL)));
  printf("%s, ", result(recv(second, text, 1, MSG_DONTWAIT)));
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(client, (struct sockaddr *)&own, sizeof own);
  struct pollfd p = {listener, POLLIN, 0};
  printf("poll listener %d\n", poll(&p, 1, 0));
  close(accept(listener, NULL, NULL));
  close(client);
  failing_accept(listener, own);
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(client, (struct sockaddr *)&own, sizeof own);
  close(listener);
  printf("reset: %s\n", result(read(client, text, 1)));
  close(client);
  close(second);
  close(abstract);
  unlink(path);
}

static void *read_later(void *from) {
  char byte;
  usleep(20000);
  read(*(int *)from, &byte, 1);
  return NULL;
}
static volatile int late;
static void on_alarm(int signo) { late = signo; }

/// A sender whose own queue is full as well, waiting for room that somebody else's datagram leaves.
static void woken_sender(void) {
  struct sockaddr_un names[2] = {address(path), address(path)};
  strcat(names[1].sun_path, "-w");
  int to[2], other = socket(AF_UNIX, SOCK_DGRAM, 0);
  for (int i = 0; i < 2; ++i) {
    to[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
    bind(to[i], (struct sockaddr *)&names[i], sizeof names[i]);
    while (sendto(other, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&names[i], sizeof names[i]) == 1) {
    }
  }
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  alarm(5);
  pthread_t reader;
  pthread_create(&reader, NULL, read_later, &to[0]);
  long sent = sendto(to[1], "y", 1, 0, (struct sockaddr *)&names[0], sizeof names[0]);
  alarm(0);
  printf("datagram woken: sent %ld, in time %d\n", sent, late == 0);
  pthread_join(reader, NULL);
  close(other);
  for (int i = 0; i < 2; ++i) {
    close(to[i]);
    unlink(names[i].sun_path);
  }
}

static void packets(void) {
  struct sockaddr_un own = address(path), mine, from;
  socklen_t bytes = sizeof from;
  int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
  bind(receiver, (struct sockaddr *)&own, sizeof own);
  mine = address(path);
  strcat(mine.sun_path, "-s");
  bind(sender, (struct sockaddr *)&mine, sizeof mine);
  sendto(sender, "one", 3, 0, (struct sockaddr *)&own, sizeof own);
  connect(sender, (struct sockaddr *)&own, sizeof own);
  send(sender, "two", 3, 0);
  send(sender, "three", 5, 0);
  char a[8] = "", b[8] = "";
  long first = recvfrom(receiver, a, sizeof a, 0, (struct sockaddr *)&from, &bytes);
  long second = recv(receiver, b, sizeof b, 0);
  struct iovec part = {text, 2};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  long third = recvmsg(receiver, &message, 0);
  printf("datagrams: %ld %s, %ld %s, from dgram name %d, cut to %ld with MSG_TRUNC %d\n", first, a, second, b,
         !strcmp(from.sun_path, mine.sun_path), third, (message.msg_flags & MSG_TRUNC) != 0);
  send(sender, "three", 5, 0);
  printf("datagram length: %ld\n", (long)recv(receiver, text, 1, MSG_TRUNC));
  close(receiver);
  printf("datagram to nobody: %s, ", result(send(sender, "x", 1, 0)));
  int ends[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
  static char much[1 << 20];
  printf("too long %s\n", result(send(ends[0], much, sizeof much, 0)));
  close(ends[0]);
  close(ends[1]);
  close(sender);
  unlink(path);
  unlink(mine.sun_path);

  woken_sender();
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
  send(ends[0], "ab", 2, 0);
  send(ends[0], "cde", 3, 0);
  first = recv(ends[1], text, 100, 0);
  part = (struct iovec){text, 100};
  message = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
  second = recvmsg(ends[1], &message, 0);
  printf("packets: %ld %ld, cut %d\n", first, second, (message.msg_flags & MSG_TRUNC) != 0);
  close(ends[0]);
  close(ends[1]);
}

static int send_file(int over, int fd) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = {0};
  struct iovec part = {"f", 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  return (int)sendmsg(over, &message, MSG_DONTWAIT);
}

/// Each socket waits in the queue of the next, the first with the end of a pipe: closing the last ends all.
static void chain(void) {
  int line[2], ends[2], last, links = 0;
  char byte;
  if (pipe(line) != 0) exit(1);
  last = line[1];
  for (; links < 2000; ++links) {
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || send_file(ends[0], last) != 1) break;
    close(last);
    close(ends[0]);
    last = ends[1];
  }
  close(last);
  printf("chain: %d links end %d, ", links, read(line[0], &byte, 1) == 0);
  close(line[0]);

  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {30, 30};
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getuid() == 0 && setuid(54321) != 0) _exit(1);
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    int sent = 0;
    while (sent < 1000 && send_file(ends[0], 0) == 1) ++sent;
    printf("many files %s, ", result(sent == 1000 ? 0 : -1));
    close(ends[0]);
    close(ends[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    for (int tries = 0; send_file(ends[0], 0) != 1 && tries < 100; ++tries) usleep(10000);  // Linux uncounts later
    printf("then again %d\n", recv(ends[1], &byte, 1, MSG_DONTWAIT) == 1);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void limits(void) {
  enum { kFiles = 200, kPart = CMSG_SPACE(kFiles * sizeof(int)) };
  static union {
    char bytes[2 * kPart];
    struct cmsghdr align;
  } control;
  int ends[2], bytes = 0;
  socklen_t size = sizeof bytes;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) exit(1);
  struct iovec part = {"f", 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  for (int i = 0; i < 2; ++i) {  // each with descriptor 0, all along
    struct cmsghdr *head = (struct cmsghdr *)(control.bytes + i * kPart);
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(kFiles * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  }
  printf("limits: files in two control messages %s, ", result(sendmsg(ends[0], &message, 0)));
  getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, &size);
  int writes = 0;
  while (writes < bytes && write(ends[0], "x", 1) == 1) ++writes;
  printf("small writes fewer than a tenth of the buffer %d\n", writes < bytes / 10);
  close(ends[0]);
  close(ends[1]);
}

static void control_messages(void) {
  int ends[2], line[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || pipe(line) != 0) exit(1);
  send_file(ends[0], line[1]);
  close(line[1]);
  union {
    char bytes[256];
    struct cmsghdr align;
  } control;
  struct iovec part = {text, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  int got = -1;
  if (head != NULL && head->cmsg_type == SCM_RIGHTS) memcpy(&got, CMSG_DATA(head), sizeof got);
  write(got, "!", 1);
  char byte = 0;
  read(line[0], &byte, 1);
  printf("passed: pipe works %d, closes on exec %d, truncated %d\n", byte == '!', fcntl(got, F_GETFD),
         (message.msg_flags & MSG_CTRUNC) != 0);
  send_file(ends[0], got);
  close(got);
  close(ends[0]);
  close(ends[1]);
  printf("not received: closed with the message %d\n", read(line[0], &byte, 1) == 0);
  close(line[0]);
  chain();
  limits();

  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) exit(1);
  int on = 1;
  setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  send(ends[0], "x", 1, 0);
  message = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  recvmsg(ends[1], &message, 0);
  struct ucred who = {0};
  head = CMSG_FIRSTHDR(&message);
  if (head != NULL && head->cmsg_type == SCM_CREDENTIALS) memcpy(&who, CMSG_DATA(head), sizeof who);
  printf("credentials: pid %d uid %d\n", who.pid == getpid(), who.uid == getuid());
  close(ends[0]);
  close(ends[1]);
}

static int number(int fd, int option) {
  int value = -1;
  socklen_t bytes = sizeof value;
  getsockopt(fd, SOL_SOCKET, option, &value, &bytes);
  return value;
}

static const char *events(int fd) {
  static char to[64];
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&p, 1, 0);
  snprintf(to, sizeof to, "%s%s%s%s", p.revents & POLLIN ? "|IN" : "", p.revents & POLLOUT ? "|OUT" : "",
           p.revents & POLLHUP ? "|HUP" : "", p.revents & POLLRDHUP ? "|RDHUP" : "");
  return *to ? to + 1 : "0";
}

static void options_and_poll(void) {
  int ends[2], kinds[3] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}, types[3];
  for (int i = 0; i < 3; ++i) {
    int fd = socket(AF_UNIX, kinds[i], 0);
    types[i] = number(fd, SO_TYPE);
    close(fd);
  }
  struct sockaddr_un own = address(path);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(listener, (struct sockaddr *)&own, sizeof own);
  listen(listener, 1);
  int size = 4096;
  setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  struct timeval time = {0, 20000};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) exit(1);
  setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  printf("options: type %d %d %d, listening %d, domain %d, buffer at least 4096 %d, timeout %s\n", types[0], types[1],
         types[2], number(listener, SO_ACCEPTCONN), number(listener, SO_DOMAIN), number(listener, SO_SNDBUF) >= 4096,
         result(read(ends[0], text, 1)));
  close(listener);
  unlink(path);

  printf("poll: pair %s, ", events(ends[0]));
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  while (write(ends[0], text, 4096) > 0) {
  }
  printf("filled %s, ", events(ends[0]));
  while (read(ends[1], text, sizeof text) > 0) {
  }
  printf("drained %s, ", events(ends[0]));
  close(ends[1]);
  shutdown(ends[0], SHUT_WR);
  struct pollfd p = {ends[0], POLLIN | POLLRDHUP, 0};
  poll(&p, 1, 0);
  printf("peer gone %s%s%s\n", p.revents & POLLIN ? "IN" : "", p.revents & POLLHUP ? "|HUP" : "",
         p.revents & POLLRDHUP ? "|RDHUP" : "");
  close(ends[0]);

  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
  int set = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
  write(ends[1], "a", 1);
  int first = epoll_wait(set, &event, 1, 0), second = epoll_wait(set, &event, 1, 0);
  write(ends[1], "b", 1);
  printf("epoll edge: %d %d %d\n", first, second, epoll_wait(set, &event, 1, 0));
  close(set);
  close(ends[0]);
  close(ends[1]);
}

static void the_rest(void) {
  int ends[2], unread = -1;
  socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
  struct iovec parts[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}, in[3] = {{text, 8}, {text + 8, 8}, {text + 16, 8}};
  struct mmsghdr out[3] = {0}, got[3] = {0};
  for (int i = 0; i < 3; ++i) {
    out[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    got[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
  }
  int sent = sendmmsg(ends[0], out, 3, 0), received = recvmmsg(ends[1], got, 3, MSG_WAITFORONE, NULL);
  printf("many: sent %d, got %d, lengths %u %u %u\n", sent, received, got[0].msg_len, got[1].msg_len, got[2].msg_len);
  write(ends[0], "seven b", 7);
  ioctl(ends[1], FIONREAD, &unread);
  printf("ioctl: unread %d\n", unread);
  printf("not a socket: %s, ", result(send(1, "x", 1, 0)));
  printf("family %s\n", result(socket(250, SOCK_STREAM, 0)));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  snprintf(path, sizeof path, "/tmp/sock-%d", getpid());
  pairs();
  named();
  packets();
  control_messages();
  options_and_poll();
  the_rest();
}
