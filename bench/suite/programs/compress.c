// Compresses 128 KiB of text a round by replacing what was there before (hash chains), expands it and
// compares.
#include "bench.h"

enum { kBytes = 128 << 10, kHashBits = 13, kTries = 8, kLeast = 4, kMost = 255 };

static u32 last[1 << kHashBits], before[kBytes];

static u32 hash(const u8* at) {
  u32 word;
  memcpy(&word, at, 4);
  return word * 2654435761u >> (32 - kHashBits);
}

static u32 common(const u8* a, const u8* b, u32 most) {
  u32 length = 0;
  while (length < most && a[length] == b[length]) length++;
  return length;
}

static void enter(const u8* in, u32 at) {
  const u32 slot = hash(in + at);
  before[at] = last[slot];
  last[slot] = at + 1;
}

/// A count and so many literals, or 0 and a match: length, distance (3 bytes).
static u32 pack(const u8* in, u8* out) {
  u32 at = 0, used = 0, literals = 0;
  memset(last, 0, sizeof(last));
  while (at + kMost < kBytes) {
    u32 best = 0, from = 0;
    u32 candidate = last[hash(in + at)];
    for (int tries = kTries; candidate != 0 && tries > 0; tries--, candidate = before[candidate - 1]) {
      const u32 length = common(in + at, in + candidate - 1, kMost);
      if (length > best) best = length, from = candidate - 1;
    }
    const u32 step = best >= kLeast ? best : 1;
    if (literals > 0 && (step > 1 || literals == kMost)) {
      out[used++] = (u8)literals;
      memcpy(out + used, in + at - literals, literals);
      used += literals;
      literals = 0;
    }
    if (step > 1) {
      const u32 distance = at - from;
      const u8 match[] = {0, (u8)step, (u8)distance, (u8)(distance >> 8), (u8)(distance >> 16)};
      memcpy(out + used, match, sizeof(match));
      used += sizeof(match);
    } else {
      literals++;
    }
    for (u32 i = 0; i < step; i++) enter(in, at + i);
    at += step;
  }
  for (u32 from = at - literals; from < kBytes;) {
    const u32 count = kBytes - from < kMost ? kBytes - from : kMost;
    out[used++] = (u8)count;
    memcpy(out + used, in + from, count);
    used += count;
    from += count;
  }
  return used;
}

static u32 unpack(const u8* in, u32 bytes, u8* out) {
  u32 at = 0;
  for (u32 i = 0; i < bytes;) {
    const u32 count = in[i++];
    if (count != 0) {
      memcpy(out + at, in + i, count);
      at += count;
      i += count;
      continue;
    }
    const u32 distance = in[i + 1] | (u32)in[i + 2] << 8 | (u32)in[i + 3] << 16;
    for (u32 length = in[i]; length > 0; length--, at++) out[at] = out[at - distance];
    i += 4;
  }
  return at;
}

BENCH(compress) {
  u8 *const text = grab(kBytes), *const packed = grab(2 * kBytes), *const again = grab(kBytes + kMost);
  u64 sum = 0;
  write_text((char*)text, kBytes);
  begin();
  for (u64 i = 0; i < rounds; i++) {
    text[i * 977 % kBytes] ^= 1;
    const u32 bytes = pack(text, packed);
    expect(unpack(packed, bytes, again) == kBytes && memcmp(text, again, kBytes) == 0,
           "what was expanded again");
    sum = mix(sum, bytes);
  }
  return mix_bytes(sum, packed, 4096);
}
