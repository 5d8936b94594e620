// A driver of the DMA engine (docs/dma-engine.md) with its interrupt, in S-mode without paging; written from
// include/quire/arch/dma_engine.h alone. Prints what it saw, a line each, and ends with 0.
#include "quire/arch/dma_engine.h"
#include "quire/arch/memmap.h"

using namespace quire::arch;

namespace {

constexpr u64 kLength = 100'000;
alignas(8) u8 g_source[kLength], g_destination[kLength];
volatile u64 g_interrupts;

volatile u64& dma(u64 reg) { return *reinterpret_cast<volatile u64*>(kDmaEngine.base + reg); }
volatile u32& plic(u64 offset) { return *reinterpret_cast<volatile u32*>(kPlic.base + offset); }

// Context 1: the hart's S-mode.
constexpr u64 kEnable = 0x2080, kThreshold = 0x20'1000, kClaim = 0x20'1004;

void put(const char* text) {
  for (; *text != 0; ++text) {
    *reinterpret_cast<volatile u8*>(kUart.base) = static_cast<u8>(*text);
  }
}
void put(const char* name, u64 value) {
  put(name);
  char digits[21];
  char* at = digits + 20;
  *at = 0;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  put(at);
  put("\n");
}
u64 time() {
  u64 ticks;
  asm volatile("rdtime %0" : "=r"(ticks));
  return ticks;
}

__attribute__((interrupt("supervisor"), aligned(4))) void on_interrupt() {
  const u32 source = plic(kClaim);
  if (source == kDmaIrq) {
    g_interrupts = g_interrupts + 1;
    // Clears the cause: the line falls before the claim is completed.
    dma(kDmaRegStatus) = kDmaDone | kDmaError;
  }
  plic(kClaim) = source;
}

/// Waits asleep; gives the ticks that it took.
u64 transfer(u64 source, u64 destination, u64 length) {
  const u64 seen = g_interrupts;
  const u64 begin = time();
  dma(kDmaRegSource) = source;
  dma(kDmaRegDestination) = destination;
  dma(kDmaRegLength) = length;
  dma(kDmaRegControl) = kDmaStart | kDmaInterruptEnable;
  while (g_interrupts == seen) {
    asm volatile("wfi");
  }
  return time() - begin;
}

}  // namespace

extern "C" void begin() {
  asm volatile("csrw stvec, %0" ::"r"(&on_interrupt));
  plic(4 * kDmaIrq) = 1;
  plic(kEnable) = 1U << kDmaIrq;
  plic(kThreshold) = 0;
  asm volatile("csrs sie, %0" ::"r"(1UL << 9));
  asm volatile("csrsi sstatus, 2");

  put("id ", dma(kDmaRegId) == kDmaMagic);
  for (u64 i = 0; i < kLength; ++i) {
    g_source[i] = static_cast<u8>(i * 7 + (i >> 8));
  }
  const auto from = reinterpret_cast<u64>(g_source), to = reinterpret_cast<u64>(g_destination);
  put("ticks ", transfer(from, to, kLength));
  u64 wrong = 0;
  for (u64 i = 0; i < kLength; ++i) {
    wrong += g_source[i] != g_destination[i];
  }
  put("wrong ", wrong);
  put("copied ", dma(kDmaRegCopied));
  transfer(kUart.base, to, 1);
  put("fault ", dma(kDmaRegFault));
  put("interrupts ", g_interrupts);
  *reinterpret_cast<volatile u32*>(kFinisher.base) = kFinisherPass;
}

asm(".section .text.start\n.globl _start\n_start: la sp, stack_top\n j begin\n"
    ".section .bss\n.balign 16\n.space 65536\nstack_top:\n.text\n");
