// The smallest virtio-mmio driver that a test program can be written with, and what else it needs: UART, end.
//
// Freestanding; rings and buffers are static, in memory that is where its address says. All of the device's
// registers are words from `dev` on (virtio 1.2, 4.2.2); the driver's side of the ring is 2.7.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define UART ((volatile u8*)0x10000000)
#define FINISHER ((volatile u32*)0x100000)
#define SLOT(n) (0x10001000UL + (n)*0x1000UL)
#define QUEUE 64
#define RAM_BASE 0x80000000UL

enum {
  MAGIC = 0,
  DEVICE_ID = 2,
  FEATURES = 4,
  FEATURES_SEL = 5,
  DRIVER_FEATURES = 8,
  DRIVER_SEL = 9,
  QUEUE_SEL = 12,
  QUEUE_MAX = 13,
  QUEUE_NUM = 14,
  QUEUE_READY = 17,
  NOTIFY = 20,
  INT_STATUS = 24,
  INT_ACK = 25,
  STATUS = 28,
  DESC = 32,
  AVAIL = 36,
  USED = 40
};
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
enum { NEEDS_RESET = 64 };

struct desc {
  u64 addr;
  u32 len;
  u16 flags, next;
};
struct avail {
  u16 flags, idx, ring[QUEUE], event;
};
struct used {
  u16 flags, idx;
  struct {
    u32 id, len;
  } ring[QUEUE];
  u16 event;
};

static struct desc desc[QUEUE] __attribute__((aligned(4096)));
static struct avail avail __attribute__((aligned(4096)));
static struct used used __attribute__((aligned(4096)));
static u8 buffer[65536] __attribute__((aligned(4096)));

static volatile u32* dev;

void* memset(void* to, int value, u64 count) {
  for (u8* at = to; count > 0; --count) *at++ = (u8)value;
  return to;
}
static void put(const char* text) {
  for (; *text; ++text) UART[0] = (u8)*text;
}
static void put_number(u64 value) {
  if (value > 9) put_number(value / 10);
  UART[0] = (u8)('0' + value % 10);
}
static void fence(void) { __asm__ volatile("fence" ::: "memory"); }

static void end(int status) {
  *FINISHER = status == 0 ? 0x5555 : (u32)status << 16 | 0x3333;
  for (;;) {
  }
}

// Everything the device offers is accepted, if `features` allows it.
static void start(u64 features) {
  dev[STATUS] = 0;
  dev[STATUS] = 1;
  dev[STATUS] = 3;
  for (u32 half = 0; half < 2; ++half) {
    dev[FEATURES_SEL] = half;
    u32 offered = dev[FEATURES];
    dev[DRIVER_SEL] = half;
    dev[DRIVER_FEATURES] = offered & (u32)(features >> (32 * half));
  }
  dev[STATUS] = 11;
}
static void set_address(u32 reg, u64 address) {
  dev[reg] = (u32)address;
  dev[reg + 1] = (u32)(address >> 32);
}
static void set_up_at(u32 queue, u32 size, u64 d, u64 a, u64 u) {
  dev[QUEUE_SEL] = queue;
  dev[QUEUE_NUM] = size;
  set_address(DESC, d);
  set_address(AVAIL, a);
  set_address(USED, u);
  dev[QUEUE_READY] = 1;
}
static void set_up(u32 queue) {
  memset(desc, 0, sizeof desc);
  memset(&avail, 0, sizeof avail);
  memset(&used, 0, sizeof used);
  set_up_at(queue, QUEUE, (u64)desc, (u64)&avail, (u64)&used);
}
static void go(void) { dev[STATUS] = 15; }
static void offer(u16 head) {
  avail.ring[avail.idx % QUEUE] = head;
  fence();
  avail.idx++;
  fence();
}
static void notify(u32 queue) {
  fence();
  dev[NOTIFY] = queue;
  fence();
}
static struct desc part(u64 addr, u32 len, u16 flags, u16 next) {
  struct desc d = {addr, len, flags, next};
  return d;
}

// The program is begin(), entered in S-mode without paging, or in M-mode.
static void begin(void) __attribute__((used));
__asm__(
    ".section .text.start\n.globl _start\n_start: la sp, stack_top\n j begin\n"
    ".section .bss\n.balign 16\n.space 65536\nstack_top:\n.text\n");
