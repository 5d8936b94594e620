// The compiler turns such loops into calls of memcpy and memset, which are these: the build sets
// -fno-tree-loop-distribute-patterns for this file.
#include "guest/lib/memory_ops.h"

namespace kernel {

namespace {

using Word [[gnu::may_alias]] = u64;
constexpr usize kWord = sizeof(Word);
constexpr usize kTurn = 8 * kWord;

usize address_of(const void* p) { return reinterpret_cast<usize>(p); }
bool share_alignment(const void* a, const void* b) { return ((address_of(a) ^ address_of(b)) % kWord) == 0; }

void copy_words(Word*& to, const Word*& from, usize& bytes) {
  for (; bytes >= kTurn; bytes -= kTurn, to += 8, from += 8) {
    const Word a = from[0], b = from[1], c = from[2], d = from[3];
    const Word e = from[4], f = from[5], g = from[6], h = from[7];
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
    to[4] = e, to[5] = f, to[6] = g, to[7] = h;
  }
  for (; bytes >= kWord; bytes -= kWord) {
    *to++ = *from++;
  }
}

/// To an aligned place from one that is not: each aligned word is read once, and none without a byte of the
/// range in it. Bytes of such a word that lie outside of the range are shifted away.
[[gnu::no_sanitize_address]] void copy_shifted_words(Word*& to, const u8*& from, usize& bytes) {
  const usize offset = address_of(from) % kWord;
  const usize low_bits = 8 * offset;
  const Word* word = reinterpret_cast<const Word*>(from - offset);
  for (Word low = *word; bytes >= kWord; bytes -= kWord, from += kWord) {
    const Word high = *++word;
    *to++ = low >> low_bits | high << (64 - low_bits);
    low = high;
  }
}

}  // namespace

void copy_memory(void* to, const void* from, usize bytes) {
  u8* out = static_cast<u8*>(to);
  const u8* in = static_cast<const u8*>(from);
  if (bytes >= 2 * kWord) {
    for (; address_of(out) % kWord != 0; bytes--) {
      *out++ = *in++;
    }
    Word* out_words = reinterpret_cast<Word*>(out);
    if (share_alignment(out, in)) {
      const Word* in_words = reinterpret_cast<const Word*>(in);
      copy_words(out_words, in_words, bytes);
      in = reinterpret_cast<const u8*>(in_words);
    } else {
      copy_shifted_words(out_words, in, bytes);
    }
    out = reinterpret_cast<u8*>(out_words);
  }
  for (; bytes > 0; bytes--) {
    *out++ = *in++;
  }
}

void move_memory(void* to, const void* from, usize bytes) {
  u8* out = static_cast<u8*>(to);
  const u8* in = static_cast<const u8*>(from);
  if (address_of(out) - address_of(in) >= bytes) {
    // Front to back is safe: `to` lies below `from` or wholly behind it.
    copy_memory(to, from, bytes);
    return;
  }
  out += bytes;
  in += bytes;
  if (share_alignment(out, in)) {
    for (; bytes > 0 && address_of(out) % kWord != 0; bytes--) {
      *--out = *--in;
    }
    for (; bytes >= kWord; bytes -= kWord) {
      out -= kWord;
      in -= kWord;
      *reinterpret_cast<Word*>(out) = *reinterpret_cast<const Word*>(in);
    }
  }
  for (; bytes > 0; bytes--) {
    *--out = *--in;
  }
}

void fill_memory(void* to, u8 value, usize bytes) {
  u8* out = static_cast<u8*>(to);
  if (bytes >= 2 * kWord) {
    for (; address_of(out) % kWord != 0; bytes--) {
      *out++ = value;
    }
    const Word pattern = value * u64{0x0101'0101'0101'0101};
    Word* words = reinterpret_cast<Word*>(out);
    for (; bytes >= kTurn; bytes -= kTurn, words += 8) {
      words[0] = pattern, words[1] = pattern, words[2] = pattern, words[3] = pattern;
      words[4] = pattern, words[5] = pattern, words[6] = pattern, words[7] = pattern;
    }
    for (; bytes >= kWord; bytes -= kWord) {
      *words++ = pattern;
    }
    out = reinterpret_cast<u8*>(words);
  }
  for (; bytes > 0; bytes--) {
    *out++ = value;
  }
}

int compare_memory(const void* a, const void* b, usize bytes) {
  const u8* left = static_cast<const u8*>(a);
  const u8* right = static_cast<const u8*>(b);
  if (share_alignment(a, b)) {
    while (bytes > 0 && address_of(left) % kWord != 0 && *left == *right) {
      left++, right++, bytes--;
    }
    while (bytes >= kWord && address_of(left) % kWord == 0 &&
           *reinterpret_cast<const Word*>(left) == *reinterpret_cast<const Word*>(right)) {
      left += kWord, right += kWord, bytes -= kWord;
    }
  }
  for (; bytes > 0; bytes--, left++, right++) {
    if (*left != *right) {
      return *left - *right;
    }
  }
  return 0;
}

void copy_page(void* to, const void* from) { copy_memory(to, from, 4096); }

}  // namespace kernel
