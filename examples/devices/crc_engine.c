// The driver of crc_engine.py's device, a bare program: hands it three buffers, sleeps until each interrupt, and compares
// what it says with a sum of its own. It is written as for hardware: nothing in it knows that the device is in Python.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define ENGINE 0x10300000UL
#define ENGINE_IRQ 20
#define UART 0x10000000UL
#define FINISHER 0x100000UL
#define PLIC 0x0c000000UL
#define REGISTER32(address) (*(volatile u32 *)(address))
#define REGISTER64(address) (*(volatile u64 *)(address))

enum { SOURCE = 0x00, LENGTH = 0x08, CONTROL = 0x10, STATUS = 0x18, RESULT = 0x20 };
enum { DONE = 1, ERROR = 2 };

static volatile u32 outcome;  // of the last request, by the interrupt handler
static u8 buffer[10000];

static void say(const char *text) {
  while (*text) *(volatile u8 *)UART = (u8)*text++;
}

static void say_hex(u32 value) {
  for (int shift = 28; shift >= 0; shift -= 4) {
    const char digit[2] = {"0123456789abcdef"[value >> shift & 15], 0};
    say(digit);
  }
}

static void end(u32 status) {
  REGISTER32(FINISHER) = status << 16 | 0x3333;
  for (;;) {
  }
}

__attribute__((interrupt("machine"), aligned(4))) static void on_interrupt(void) {
  const u32 source = REGISTER32(PLIC + 0x200004);  // claim
  if (source == ENGINE_IRQ) {
    outcome = REGISTER32(ENGINE + STATUS);
    REGISTER32(ENGINE + STATUS) = outcome;  // acknowledge: the line falls
  }
  REGISTER32(PLIC + 0x200004) = source;  // complete
}

static void allow_interrupts(void) {
  REGISTER32(PLIC + 4 * ENGINE_IRQ) = 1;           // priority
  REGISTER32(PLIC + 0x2000) = 1u << ENGINE_IRQ;    // enabled in hart 0's M-mode context
  REGISTER32(PLIC + 0x200000) = 0;                 // threshold
  asm volatile("csrw mtvec, %0; csrs mie, %1; csrsi mstatus, 8" ::"r"(on_interrupt), "r"(1 << 11));
}

static u32 request(u64 address, u64 bytes) {
  outcome = 0;
  REGISTER64(ENGINE + SOURCE) = address;
  REGISTER64(ENGINE + LENGTH) = bytes;
  REGISTER32(ENGINE + CONTROL) = 1;
  // Interrupts are off between the look and the wait, so that none is missed; wfi ends when one is pending.
  for (;;) {
    asm volatile("csrci mstatus, 8" ::: "memory");
    if (outcome != 0) break;
    asm volatile("wfi; csrsi mstatus, 8" ::: "memory");
  }
  asm volatile("csrsi mstatus, 8" ::: "memory");
  return REGISTER32(ENGINE + RESULT);
}

static u32 own_crc(const u8 *data, u64 bytes) {
  u32 crc = ~0u;
  for (u64 i = 0; i < bytes; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
  }
  return ~crc;
}

__attribute__((used)) static void run(void) {
  static const u64 sizes[] = {1, 4096, sizeof buffer};
  for (u64 i = 0; i < sizeof buffer; i++) buffer[i] = (u8)(i * 7 + i / 256);
  allow_interrupts();
  for (int i = 0; i < 3; i++) {
    const u32 sum = request((u64)buffer, sizes[i]);
    say("crc ");
    say_hex(sum);
    const int right = outcome == DONE && sum == own_crc(buffer, sizes[i]);
    say(right ? " right\n" : " WRONG\n");
    if (!right) end(1);
  }
  request(0x1000, 64);  // there is no RAM
  say(outcome == ERROR ? "refused\n" : "NOT REFUSED\n");
  end(outcome == ERROR ? 0 : 2);
}

static u8 stack[16384] __attribute__((aligned(16), used));

__attribute__((naked, section(".text.start"))) void _start(void) {
  asm volatile("la sp, stack\n li t0, 16384\n add sp, sp, t0\n j run");
}
