// A guest that uses the disk of slot 2 as the test asks, by letters on its UART, and answers with the status byte.
//
//   r N   read sector N: "status first-byte"      w N C  fill sector N with the character C
//   f     flush                                   q      end with 0
#include "virtio_driver.h"

static u8 get(void) {
  while ((UART[5] & 1) == 0) {
  }
  return UART[0];
}
static u64 get_number(void) {
  u64 value = 0;
  u8 c = get();
  while (c == ' ') c = get();
  for (; c >= '0' && c <= '9'; c = get()) value = value * 10 + (u64)(c - '0');
  return value;
}

// The status byte of a request for one sector, or for none.
static u8 request(u32 type, u64 sector, u16 flags) {
  u8 *status = buffer + 16;
  *(u64 *)buffer = type;
  *(u64 *)(buffer + 8) = sector;
  *status = 0xee;
  desc[0] = part((u64)buffer, 16, NEXT, type == 4 ? 2 : 1);
  desc[1] = part((u64)buffer + 512, 512, (u16)(NEXT | flags), 2);
  desc[2] = part((u64)status, 1, WRITE, 0);
  offer(0), notify(0);
  while (*(volatile u8 *)status == 0xee) {
  }
  return *status;
}

static void begin(void) {
  dev = (volatile u32 *)SLOT(2);
  start(~0UL & ~(1UL << 29));
  set_up(0);
  go();
  put("ready\n");
  for (;;) {
    u8 what = get();
    u64 sector = what == 'r' || what == 'w' ? get_number() : 0;
    if (what == 'r') {
      put_number(request(0, sector, WRITE)), put(" "), put_number(buffer[512]), put("\n");
    } else if (what == 'w') {
      memset(buffer + 512, get(), 512);
      put_number(request(1, sector, 0)), put("\n");
    } else if (what == 'f') {
      put_number(request(4, 0, 0)), put("\n");
    } else if (what == 'q') {
      end(0);
    }
  }
}
