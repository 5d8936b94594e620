// Restartable sequences: left at a preemption and at a signal, done with when left in order, checked for their signature.
// @no-qemu-user it knows no rseq
// @links static
//
// > registered 0, again EBUSY, elsewhere EINVAL, other signature EPERM
// > processor 0, known 1
// > preempted: aborted 1, forgotten 1
// > signal: aborted 1, after the handler 1
// > left in order: not aborted 1
// > bad signature: SEGV
// > unregistered: 0, twice EINVAL, processor unknown 1
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNATURE 0xf1401073  // RSEQ_SIG: csrw mhartid, zero

struct area {
  uint32_t cpu_start, cpu;
  uint64_t sequence;
  uint32_t flags, node, mm_cid, pad;
} __attribute__((aligned(32)));
static struct area area, other;
static volatile int handled;

static long change(struct area *at, unsigned flags, uint32_t signature) {
  return syscall(SYS_rseq, at, 32, flags, signature);
}
static const char *result(long value) { return value >= 0 ? "0" : strerrorname_np(errno); }
static void on_alarm(int signo) { handled = signo; }

/// Spins inside of a sequence until something throws it out; `signature` is the word before the abort handler.
#define SPIN(name, signature)                                                                   \
  static int name(void) {                                                                       \
    int aborted = 0;                                                                            \
    asm volatile(                                                                               \
        ".pushsection .data\n.balign 32\n3: .word 0, 0\n.dword 1f, (2f - 1f), 4f\n.popsection\n" \
        "la t0, 3b\nsd t0, 8(%1)\n"                                                             \
        "1: nop\nj 1b\n2: .word " signature "\n4: li %0, 1\n"                                   \
        : "=r"(aborted)                                                                         \
        : "r"(&area)                                                                            \
        : "t0", "memory");                                                                      \
    return aborted;                                                                             \
  }
SPIN(spin, "0xf1401073")
SPIN(spin_badly, "0x12345678")

static int pass_through(void) {
  int aborted = 0;
  asm volatile(
      ".pushsection .data\n.balign 32\n3: .word 0, 0\n.dword 1f, (2f - 1f), 4f\n.popsection\n"
      "li %0, 0\nla t0, 3b\nsd t0, 8(%1)\n"
      "1: nop\n2: j 5f\n.word 0xf1401073\n4: li %0, 1\n5:\n"
      : "=&r"(aborted)
      : "r"(&area)
      : "t0", "memory");
  usleep(1000);
  return aborted;
}

/// The C library may have registered its own at the start.
static void leave_to_us(void) {
  if (__rseq_size == 0) return;
  char *own = (char *)__builtin_thread_pointer() + __rseq_offset;
  if (syscall(SYS_rseq, own, 32, 1, SIGNATURE) != 0) printf("the C library's area: %s\n", strerrorname_np(errno));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  leave_to_us();
  printf("registered %s, ", result(change(&area, 0, SIGNATURE)));
  printf("again %s, ", result(change(&area, 0, SIGNATURE)));
  printf("elsewhere %s, ", result(change(&other, 0, SIGNATURE)));
  printf("other signature %s\n", result(change(&area, 0, 1)));
  printf("processor %u, known %d\n", area.cpu_start, area.cpu == 0);
  pid_t busy = fork();
  if (busy == 0)
    for (;;) {
    }
  int aborted = spin();
  printf("preempted: aborted %d, forgotten %d\n", aborted, area.sequence == 0);
  kill(busy, SIGKILL);
  waitpid(busy, NULL, 0);
  signal(SIGALRM, on_alarm);
  ualarm(20000, 0);
  aborted = 1;
  while (!handled) aborted &= spin();  // whoever else wants the processor throws it out too
  printf("signal: aborted %d, after the handler %d\n", aborted, handled == SIGALRM);
  printf("left in order: not aborted %d\n", !pass_through());
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    ualarm(20000, 0);
    spin_badly();
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  printf("bad signature: %s\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? "SEGV" : "-");
  printf("unregistered: %s, ", result(change(&area, 1, SIGNATURE)));
  printf("twice %s, processor unknown %d\n", result(change(&area, 1, SIGNATURE)), area.cpu == UINT32_MAX);
}
