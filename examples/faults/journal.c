// Keeps records on a disk so that a power cut loses none that it has acknowledged: a bare program on the board.
//
// A record is eight sectors; a header, in one of two places by turns, says how many there are. Data is flushed before
// the header that names it, and the header before the acknowledgement on the console. Built with -DNO_BARRIER, the first
// of these flushes is left out, as in many a program; with -DNO_SYNC, the second.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define RECORDS 6
#define SECTOR 512
#define RECORD_SECTORS 8
#define FIRST_RECORD 16

// virtio 1.2: 4.2.2 (registers), 2.7 (split queues), 5.2.6 (requests). The first drive follows console and rng.
#define DISK 0x10003000UL
#define UART 0x10000000UL
#define FINISHER 0x100000UL
#define REGISTER(base, offset) (*(volatile u32 *)((base) + (offset)))

struct descriptor { u64 address; u32 length; u16 flags, next; };
static struct descriptor table[4] __attribute__((aligned(4096)));
static struct { u16 flags, index, ring[4]; } available __attribute__((aligned(4096)));
static volatile struct { u16 flags, index; struct { u32 id, length; } ring[4]; } used __attribute__((aligned(4096)));
static struct { u32 type, reserved; u64 sector; } request;
static volatile u8 status;
static u8 buffer[RECORD_SECTORS * SECTOR];

void *memset(void *to, int value, u64 bytes) {
  for (u64 i = 0; i < bytes; i++) ((volatile u8 *)to)[i] = (u8)value;
  return to;
}

static void say(const char *text) {
  while (*text) *(volatile u8 *)UART = (u8)*text++;
}

static void end(u32 code) {
  REGISTER(FINISHER, 0) = code << 16 | 0x3333;
  for (;;) {}
}

static void start_disk(void) {
  REGISTER(DISK, 0x70) = 0;
  REGISTER(DISK, 0x70) = 3;  // acknowledge, driver
  REGISTER(DISK, 0x24) = 0;
  REGISTER(DISK, 0x20) = 1 << 9;  // VIRTIO_BLK_F_FLUSH
  REGISTER(DISK, 0x24) = 1;
  REGISTER(DISK, 0x20) = 1;  // VIRTIO_F_VERSION_1
  REGISTER(DISK, 0x70) = 11;
  REGISTER(DISK, 0x30) = 0;
  REGISTER(DISK, 0x38) = 4;
  u64 places[3] = {(u64)table, (u64)&available, (u64)&used};
  for (int i = 0; i < 3; i++) {
    REGISTER(DISK, 0x80 + 16 * i) = (u32)places[i];
    REGISTER(DISK, 0x84 + 16 * i) = (u32)(places[i] >> 32);
  }
  REGISTER(DISK, 0x44) = 1;
  REGISTER(DISK, 0x70) = 15;  // driver ok
}

static int ask(u32 type, u64 sector, u32 bytes) {
  request.type = type;
  request.sector = sector;
  status = 255;
  u16 last = bytes ? 2 : 1;
  table[0] = (struct descriptor){(u64)&request, sizeof request, 1, 1};
  table[1] = (struct descriptor){(u64)buffer, bytes, 1, 2};
  table[last] = (struct descriptor){(u64)&status, 1, 2, 0};
  u16 before = used.index;
  available.ring[available.index % 4] = 0;
  __asm__ volatile("fence" ::: "memory");
  available.index++;
  REGISTER(DISK, 0x50) = 0;
  while (used.index == before) {}
  return status;
}

static u32 sum_of(const u8 *bytes, u32 count) {
  u32 sum = 2166136261u;  // FNV-1a
  for (u32 i = 0; i < count; i++) sum = (sum ^ bytes[i]) * 16777619u;
  return sum;
}

static void must(int failed) {
  if (failed) {
    say("the disk failed\n");
    end(7);
  }
}

static void write_record(u32 number) {
  for (u32 i = 0; i < sizeof buffer; i++) buffer[i] = (u8)(number * 31 + i * 7 + i / SECTOR);
  must(ask(1, FIRST_RECORD + number * RECORD_SECTORS, sizeof buffer));
}

static void write_header(u32 count) {
  memset(buffer, 0, SECTOR);
  *(u32 *)buffer = 0x4c4e524a;  // "JRNL"
  *(u32 *)(buffer + 4) = count;
  *(u32 *)(buffer + 8) = sum_of(buffer, 8);
  must(ask(1, count % 2, SECTOR));
}

int main(void) {
  start_disk();
  for (u32 number = 0; number < RECORDS; number++) {
    write_record(number);
#ifndef NO_BARRIER
    must(ask(4, 0, 0));
#endif
    write_header(number + 1);
#ifndef NO_SYNC
    must(ask(4, 0, 0));
#endif
    say("record ");
    char digit[] = {(char)('1' + number), '\n', 0};
    say(digit);
  }
  end(0);
}

__asm__(
    ".section .text.start\n"
    ".globl _start\n"
    "_start: la sp, stack_top\n"
    "  call main\n"
    ".bss\n"
    ".balign 16\n"
    ".space 4096\n"
    "stack_top:\n"
    ".text\n");
