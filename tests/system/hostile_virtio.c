// A guest whose virtio drivers lie: every rule of the rings broken, one after the other, on every device; and on shares
// every rule of 9P (hostile_9p.h).
//
// After each attack the device must be as usable as after power-on: it is reset and asked for something honest
// where its kind can be asked (entropy, a sector, a file). One line an attack and device goes to the UART. Ends through
// the finisher: 0 when all devices came through, 1 else. SLOTS says how many slots are plugged. With FLOOD it
// names as much work as the rules allow instead, for ever.
#include "virtio_driver.h"

static struct desc table[QUEUE] __attribute__((aligned(4096)));
static u32 kind;
static u64 seed = 88172645463325252UL;

static u64 any(void) {  // xorshift
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return seed;
}

#ifndef FLOOD
#include "hostile_9p.h"

static u32 queues(void) {
  u32 count = 0;
  for (;; ++count) {
    dev[QUEUE_SEL] = count;
    if (dev[QUEUE_MAX] == 0) return count;
  }
}

// --- the attacks: each prepares queue `q` and rings ------------------------------------------------

static void ahead(u32 q) { avail.idx = 0x8000; notify(q); }
static void loop(u32 q) {
  desc[0] = part((u64)buffer, 1, NEXT, 1);
  desc[1] = part((u64)buffer, 1, NEXT, 0);
  offer(0), notify(q);
}
static void next_outside(u32 q) { desc[0] = part((u64)buffer, 1, NEXT, 0xffff); offer(0), notify(q); }
static void head_outside(u32 q) { offer(0xffff), notify(q); }
static void buffer_outside(u32 q) {
  static const u64 kPlaces[] = {0, 0x1000, 0x10001000, 0x100000, RAM_BASE - 1, ~0UL, ~0UL - 15, 1UL << 55};
  for (u32 i = 0; i < 16; ++i) {
    desc[i] = part(kPlaces[i / 2], 4096, i % 2 ? WRITE : 0, 0);
    offer((u16)i), notify(q);
  }
}
static void wrong_order(u32 q) {
  desc[0] = part((u64)buffer, 16, WRITE | NEXT, 1);
  desc[1] = part((u64)buffer, 16, 0, 0);
  offer(0), notify(q);
}
static void too_long(u32 q) {
  for (u16 i = 0; i < QUEUE; ++i) desc[i] = part((u64)buffer, ~0U, i + 1 < QUEUE ? NEXT : 0, (u16)(i + 1));
  offer(0), notify(q);
}
static void empty(u32 q) {
  for (u16 i = 0; i < QUEUE; ++i) desc[i] = part((u64)buffer, 0, (u16)((i % 2 ? WRITE : 0)), 0), offer(i);
  notify(q);
}
static void indirect_nested(u32 q) {
  table[0] = part((u64)table, 16, INDIRECT, 0);
  desc[0] = part((u64)table, 16, INDIRECT, 0);
  offer(0), notify(q);
}
static void indirect_length(u32 q) {
  static const u32 kLengths[] = {0, 1, 17, ~0U, 0xfffffff0};
  for (u16 i = 0; i < 5; ++i) desc[i] = part((u64)table, kLengths[i], INDIRECT, 0), offer(i), notify(q);
}
static void indirect_loop(u32 q) {
  for (u16 i = 0; i < QUEUE; ++i) table[i] = part((u64)buffer, 1, NEXT, (u16)((i + 1) % QUEUE));
  desc[0] = part((u64)table, sizeof table, INDIRECT, 0);
  offer(0), notify(q);
}
static void indirect_outside(u32 q) { desc[0] = part(0x1000, 64, INDIRECT, 0); offer(0), notify(q); }
static void rings_outside(u32 q) {
  set_up_at(q, QUEUE, 0x10001000, 0x100000, ~0UL - 4095);
  notify(q);
}
// What the device writes lands in the rings it reads.
static void rings_over_each_other(u32 q) {
  dev[QUEUE_SEL] = q;
  dev[QUEUE_READY] = 0;
  memset(buffer, 0, 4096);
  set_up_at(q, QUEUE, (u64)buffer, (u64)buffer, (u64)buffer);
  ((u16 *)buffer)[1] = QUEUE;
  notify(q);
}
static void data_over_rings(u32 q) {
  desc[0] = part((u64)desc, 1024, WRITE, 0);
  desc[1] = part((u64)&avail, sizeof avail, WRITE, 0);
  desc[2] = part((u64)&used, sizeof used, WRITE, 0);
  for (u16 i = 0; i < 3; ++i) offer(i);
  notify(q);
}
static void bad_sizes(u32 q) {
  static const u32 kSizes[] = {0, 3, 512, 32768, 65536, ~0U};
  for (u32 i = 0; i < 6; ++i) {
    start(~0UL);
    set_up_at(q, kSizes[i], (u64)desc + i, (u64)&avail, (u64)&used);
    go(), notify(q);
  }
}
static void no_negotiation(u32 q) {
  dev[STATUS] = 0;
  set_up(q);
  offer(0), notify(q);
  dev[STATUS] = 4;
  notify(q);
}
static void queues_that_are_not(u32 q) {
  dev[QUEUE_SEL] = ~0U;
  dev[QUEUE_NUM] = 8;
  dev[QUEUE_READY] = 1;
  notify(~0U), notify(q + 1000);
}
// Well-formed chains, bytes of a header that are anything, and any shape.
static void noise(u32 q) {
  for (u32 round = 0; round < 300; ++round) {
    if (dev[STATUS] & NEEDS_RESET) start(~0UL), set_up(q), go();
    u16 count = (u16)(1 + any() % 5);
    u16 readable = (u16)(any() % 6);
    for (u32 i = 0; i < 64; i += 8) *(u64 *)(buffer + i) = any() & any();
    *(u32 *)buffer = (u32)(any() % 20);
    for (u16 i = 0; i < count; ++i) {
      u64 place = any() % 16 ? (u64)buffer + any() % 32768 * (i > 0) : any();
      u32 len = any() % 3 ? (u32)(any() % 2048) : i == 0 ? 16 : 512;
      desc[i] = part(place, len, (u16)((i + 1 < count ? NEXT : 0) | (i < readable ? 0 : WRITE)), (u16)(i + 1));
    }
    offer((u16)(any() % 8 ? 0 : any()));
    notify(q);
  }
}
static void registers(u32 q) {
  for (u32 round = 0; round < 2000; ++round) {
    u32 reg = (u32)(any() % 64);
    if (any() % 2) dev[reg] = (u32)(any() % 4 ? any() % 64 : any());
    else (void)dev[reg];
    ((volatile u8 *)dev)[0x100 + any() % 0xf00] = (u8)any();
  }
  notify(q);
}

static const struct { const char *name; void (*run)(u32 q); } kAttacks[] = {
  {"available index far ahead", ahead}, {"loop", loop}, {"next outside", next_outside}, {"head outside", head_outside},
  {"buffer outside of RAM", buffer_outside}, {"writable before readable", wrong_order}, {"over 4 GiB", too_long},
  {"empty buffers", empty}, {"nested indirect", indirect_nested}, {"indirect length", indirect_length},
  {"indirect loop", indirect_loop}, {"indirect outside of RAM", indirect_outside}, {"rings outside of RAM", rings_outside},
  {"rings over each other", rings_over_each_other}, {"data over the rings", data_over_rings}, {"sizes", bad_sizes},
  {"no negotiation", no_negotiation}, {"queues that are not", queues_that_are_not}, {"noise", noise},
  {"registers", registers},
};

// An honest request; 1 when it is answered as it must be, or the kind knows none.
static int still_works(void) {
  start(~0UL & ~(1UL << 29));
  if (dev[STATUS] != 11) return 0;
  set_up(0);
  go();
  if (kind == 4) {  // entropy
    desc[0] = part((u64)buffer, 8, WRITE, 0);
    *(volatile u64 *)buffer = 0;
    offer(0), notify(0);
    return used.idx == 1 && used.ring[0].len == 8 && *(volatile u64 *)buffer != 0;
  }
  if (kind == 2) {  // a disk whose sector 1 begins with "honest"
    *(u64 *)buffer = 0;
    *(u64 *)(buffer + 8) = 1;
    buffer[600] = 0xff;
    desc[0] = part((u64)buffer, 16, NEXT, 1);
    desc[1] = part((u64)buffer + 1024, 512, NEXT | WRITE, 2);
    desc[2] = part((u64)buffer + 600, 1, WRITE, 0);
    offer(0), notify(0);
    return used.idx == 1 && buffer[600] == 0 && buffer[1024] == 'h' && buffer[1029] == 't';
  }
  if (kind == NINEP) return ninep_still_works();
  return (dev[STATUS] & NEEDS_RESET) == 0;
}

static void report(u32 slot, const char *attack, const char *what) {
  put("slot "), put_number(slot), put(" kind "), put_number(kind), put(": "), put(attack);
  put(what ? ": BROKEN, " : ": ok"), put(what ? what : ""), put("\n");
  if (what) end(1);
}

static void attack_share(u32 slot) {
  for (u32 i = 0; i < sizeof kMessages / sizeof kMessages[0]; ++i) {
    broken = 0;
    must(still_works() && !session(), "before");
    kMessages[i].run();
    if (dev[STATUS] & NEEDS_RESET) must(0, "the device wants a reset");
    reply_room = MESSAGE_BYTES;
    must(still_works(), "after");
    report(slot, kMessages[i].name, broken);
  }
}

static void attack_device(u32 slot) {
  int bad = 0;
  for (u32 i = 0; i < sizeof kAttacks / sizeof kAttacks[0]; ++i) {
    for (u32 q = 0, count = queues(); q < count; ++q) {
      start(~0UL);
      set_up(q);
      go();
      kAttacks[i].run(q);
      dev[STATUS] = 0;
      if (dev[STATUS] != 0 || dev[INT_STATUS] != 0) bad = 1;
    }
    if (!still_works()) bad = 1;
    report(slot, kAttacks[i].name, bad ? "after" : 0);
  }
  if (kind == NINEP) attack_share(slot);
}

#else

// As much as the rules allow: every chain names 4 GiB, every descriptor the same memory.
static void flood(u32 q) {
  u64 piece = 64UL << 20;
  start(~0UL);
  set_up(q);
  go();
  for (u16 i = 0; i < QUEUE; ++i) desc[i] = part(RAM_BASE, (u32)piece - 1, i + 1 < QUEUE ? NEXT : 0, (u16)(i + 1));
  for (u16 i = 0; i < QUEUE; ++i) avail.ring[i] = 0;
  avail.idx = QUEUE;
  notify(q);
}

#endif

static void begin(void) {
#ifdef FLOOD
  dev = (volatile u32 *)SLOT(0);  // the console; port 1 transmits through queue 5
  put("flooding\n");
  for (;;) flood(5), notify(5);
#else
  for (u32 slot = 0; slot < SLOTS; ++slot) {
    dev = (volatile u32 *)SLOT(slot);
    kind = dev[DEVICE_ID];
    if (dev[MAGIC] != 0x74726976 || kind == 0) end(2);
    attack_device(slot);
  }
  put_number(SLOTS), put(" devices came through\n");
  end(0);
#endif
}
