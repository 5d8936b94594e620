// A state machine over the bytes of a program's text: names, numbers, strings, comments, operators.
#include "bench.h"

enum state {
  kBlank,
  kName,
  kNumber,
  kFraction,
  kString,
  kEscape,
  kSlash,
  kLine,
  kBlock,
  kStar,
  kOperator,
  kStates
};

static int is_letter(int c) { return (unsigned)(c | 32) - 'a' < 26 || c == '_'; }
static int is_digit(int c) { return (unsigned)c - '0' < 10; }

static enum state begin_token(int c) {
  if (is_letter(c)) return kName;
  if (is_digit(c)) return kNumber;
  switch (c) {
    case '"':
      return kString;
    case '/':
      return kSlash;
    case ' ':
    case '\n':
      return kBlank;
    default:
      return kOperator;
  }
}

static enum state next(enum state now, int c) {
  switch (now) {
    case kName:
      return is_letter(c) || is_digit(c) ? kName : begin_token(c);
    case kNumber:
      return is_digit(c) ? kNumber : c == '.' ? kFraction : begin_token(c);
    case kFraction:
      return is_digit(c) ? kFraction : begin_token(c);
    case kString:
      return c == '\\' ? kEscape : c == '"' ? kBlank : kString;
    case kEscape:
      return kString;
    case kSlash:
      return c == '/' ? kLine : c == '*' ? kBlock : begin_token(c);
    case kLine:
      return c == '\n' ? kBlank : kLine;
    case kBlock:
      return c == '*' ? kStar : kBlock;
    case kStar:
      return c == '/' ? kBlank : c == '*' ? kStar : kBlock;
    default:
      return begin_token(c);
  }
}

static const char kText[] =
    "walk(root, 0x2f) { level = 2; /* from the root ** on */ while (level >= 0.5) {\n"
    "  entry = table[va / 4096]; // \"a leaf?\"\n"
    "  if (entry & 1 == 0) return \"no \\\"page\\\" at \\\\\"; level = level - 1; } print(3.25 * size, "
    "\"/*\"); }\n";

BENCH(lexer) {
  u64 counts[kStates] = {0}, hash = 0, state = 3;
  begin();
  for (u64 i = 0; i < rounds; i++) {
    enum state now = kBlank, was = kBlank;
    const size_t skip = next_random(&state) % 64;
    for (const char* at = kText + skip; *at != 0; at++, was = now) {
      now = next(now, *at);
      if (now != was) {
        counts[now]++;
        hash = hash * 31 + (u64)now;
      }
    }
  }
  return mix_bytes(hash, counts, sizeof(counts));
}
