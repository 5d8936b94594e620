// Signals that a process sends to itself, and faults that its handler answers for.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

enum { kPerRound = 100, kPage = 4096 };

static volatile u64 handled;
static u8* guarded;

static void count(int number) { handled += (u64)number; }

static void allow(int number) {
  handled += (u64)number;
  mprotect(guarded, kPage, PROT_READ | PROT_WRITE);
}

static void one_round(void) {
  for (int i = 0; i < kPerRound; i++) kill(getpid(), SIGUSR1);
  for (int i = 0; i < kPerRound / 10; i++) {
    mprotect(guarded, kPage, PROT_READ);
    *(volatile u8*)guarded = 1;
  }
}

BENCH(signals) {
  struct sigaction action = {.sa_handler = count};
  guarded = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (guarded == MAP_FAILED || sigaction(SIGUSR1, &action, NULL) != 0) die("sigaction");
  action.sa_handler = allow;
  if (sigaction(SIGSEGV, &action, NULL) != 0) die("sigaction");
  one_round();
  handled = 0;
  begin();
  for (u64 round = 0; round < rounds; round++) one_round();
  expect(handled == rounds * (kPerRound * SIGUSR1 + kPerRound / 10 * SIGSEGV), "each signal handled once");
  return handled;
}
