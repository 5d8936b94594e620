// A matcher of regular expressions that tries and goes back: literals, '.', classes, '*', '+', '?', '|',
// groups.
#include "bench.h"

enum kind { kByte, kAny, kClass, kSplit, kGo, kMatch };
struct node {
  enum kind kind;
  u8 byte;            // kByte
  u64 set[4];         // kClass
  int first, second;  // kSplit: first is tried first; kGo: first
};
struct pattern {
  struct node nodes[64];
  int count;
  const char* at;
};

static int alternatives(struct pattern* p);

static int add(struct pattern* p, enum kind kind) {
  p->nodes[p->count] = (struct node){.kind = kind};
  return p->count++;
}

static void read_class(struct pattern* p, struct node* node) {
  node->kind = kClass;
  for (; *p->at != ']'; p->at++) {
    const u8 low = (u8)*p->at, high = p->at[1] == '-' ? (u8)p->at[2] : low;
    for (int byte = low; byte <= high; byte++) node->set[byte / 64] |= (u64)1 << byte % 64;
    if (p->at[1] == '-') p->at += 2;
  }
  p->at++;
}

static void atom(struct pattern* p) {
  const char byte = *p->at++;
  if (byte == '(') {
    alternatives(p);
    p->at++;
  } else if (byte == '[') {
    read_class(p, &p->nodes[add(p, kClass)]);
  } else if (byte == '.') {
    add(p, kAny);
  } else {
    p->nodes[add(p, kByte)].byte = (u8)byte;
  }
}

/// Makes room for a node before those from `start` on, and moves what they lead to.
static void insert_split(struct pattern* p, int start) {
  for (int i = p->count++; i > start; i--) {
    p->nodes[i] = p->nodes[i - 1];
    if (p->nodes[i].kind == kSplit || p->nodes[i].kind == kGo) p->nodes[i].first++, p->nodes[i].second++;
  }
  p->nodes[start] = (struct node){.kind = kSplit, .first = start + 1};
}

static void repeated(struct pattern* p) {
  const int start = p->count;
  atom(p);
  const char sign = *p->at;
  if (sign != '*' && sign != '+' && sign != '?') return;
  p->at++;
  if (sign == '+') {
    const int split = add(p, kSplit);
    p->nodes[split].first = start;
    p->nodes[split].second = split + 1;
    return;
  }
  insert_split(p, start);
  if (sign == '*') p->nodes[add(p, kGo)].first = start;
  p->nodes[start].second = p->count;
}

static int alternatives(struct pattern* p) {
  const int start = p->count;
  while (*p->at != 0 && *p->at != ')' && *p->at != '|') repeated(p);
  if (*p->at == '|') {
    insert_split(p, start);
    const int skip = add(p, kGo);
    p->nodes[start].second = p->count;
    p->at++;
    alternatives(p);
    p->nodes[skip].first = p->count;
  }
  return start;
}

static struct pattern compile(const char* text) {
  struct pattern p = {.at = text};
  alternatives(&p);
  add(&p, kMatch);
  return p;
}

/// Where a match that begins at `at` ends; null: there is none.
static const char* match(const struct pattern* p, int index, const char* at) {
  for (;;) {
    const struct node* node = &p->nodes[index];
    const u8 byte = (u8)*at;
    switch (node->kind) {
      case kMatch:
        return at;
      case kGo:
        index = node->first;
        continue;
      case kSplit: {
        const char* const end = match(p, node->first, at);
        if (end != NULL) return end;
        index = node->second;
        continue;
      }
      case kByte:
        if (byte != node->byte) return NULL;
        break;
      case kAny:
        if (byte == 0 || byte == '\n') return NULL;
        break;
      case kClass:
        if (!(node->set[byte / 64] >> byte % 64 & 1)) return NULL;
        break;
    }
    index++;
    at++;
  }
}

BENCH(matcher) {
  enum { kBytes = 4096 };
  static const char* const kPatterns[] = {"(page|frame)s?( [a-z]+)* dirty", "[a-m]+t[n-z]*e .*root",
                                          "w(a|al|alk)k? (is|to)", "l.v.l.?( and)? "};
  struct pattern patterns[4];
  char* const text = grab(kBytes);
  u64 sum = 0;
  write_text(text, kBytes);
  for (int i = 0; i < 4; i++) patterns[i] = compile(kPatterns[i]);
  const struct pattern known = compile("a(b|cd)*e+f?");
  expect(match(&known, 0, "abcdbeeg") != NULL && match(&known, 0, "abccde") == NULL,
         "patterns whose matches are known");
  begin();
  for (u64 i = 0; i < rounds; i++) {
    for (const char* at = text; *at != 0; at++) {
      const char* const end = match(&patterns[i % 4], 0, at);
      if (end != NULL) sum = mix(sum, (u64)(end - text));
    }
  }
  return sum;
}
