// Integer code of the kind that fills ordinary programs: linked lists, a state machine over text,
// small matrices, CRC, a hash table and a sort. Everything fits the first-level caches.
#include <stddef.h>
#include <stdint.h>

static uint64_t random_state = 88172645463325252ULL;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

struct Node {
  struct Node* next;
  int32_t key;
  int32_t value;
};

static struct Node nodes[256];

static struct Node* build_list(void) {
  struct Node* head = NULL;
  for (size_t i = 0; i < 256; i++) {
    nodes[i] = (struct Node){head, (int32_t)(next_random() & 0xffff), (int32_t)i};
    head = &nodes[i];
  }
  return head;
}

static struct Node* reverse(struct Node* list) {
  struct Node* done = NULL;
  while (list) {
    struct Node* next = list->next;
    list->next = done;
    done = list;
    list = next;
  }
  return done;
}

static struct Node* merge(struct Node* a, struct Node* b) {
  struct Node head = {NULL, 0, 0}, *tail = &head;
  while (a && b) {
    struct Node** least = a->key <= b->key ? &a : &b;
    tail->next = *least;
    tail = *least;
    *least = (*least)->next;
  }
  tail->next = a ? a : b;
  return head.next;
}

static struct Node* sort_list(struct Node* list) {
  if (!list || !list->next) return list;
  struct Node *slow = list, *fast = list->next;
  while (fast && fast->next) {
    slow = slow->next;
    fast = fast->next->next;
  }
  struct Node* half = slow->next;
  slow->next = NULL;
  return merge(sort_list(list), sort_list(half));
}

static uint32_t list_work(void) {
  struct Node* list = sort_list(reverse(build_list()));
  uint32_t sum = 0;
  for (; list; list = list->next) sum = sum * 31 + (uint32_t)list->key;
  return sum;
}

enum State { kStart, kSign, kInteger, kPoint, kFraction, kWord, kError };

static uint32_t state_work(const char* text) {
  uint32_t counts[7] = {0};
  enum State state = kStart;
  for (; *text; text++) {
    const char c = *text;
    const int digit = c >= '0' && c <= '9';
    if (c == ' ') {
      counts[state]++;
      state = kStart;
      continue;
    }
    switch (state) {
      case kStart: state = digit ? kInteger : c == '-' || c == '+' ? kSign : c == '.' ? kPoint : kWord; break;
      case kSign: state = digit ? kInteger : c == '.' ? kPoint : kError; break;
      case kInteger: state = digit ? kInteger : c == '.' ? kFraction : kError; break;
      case kPoint: state = digit ? kFraction : kError; break;
      case kFraction: state = digit ? kFraction : kError; break;
      case kWord: state = digit ? kError : kWord; break;
      case kError: break;
    }
  }
  uint32_t sum = 0;
  for (int i = 0; i < 7; i++) sum = sum * 17 + counts[i];
  return sum;
}

enum { kSide = 12 };

static uint32_t matrix_work(void) {
  static int32_t a[kSide][kSide], b[kSide][kSide], c[kSide][kSide];
  for (int i = 0; i < kSide; i++)
    for (int j = 0; j < kSide; j++) {
      a[i][j] = (int32_t)(next_random() & 0xff);
      b[i][j] = i * j - 7;
    }
  for (int i = 0; i < kSide; i++)
    for (int j = 0; j < kSide; j++) {
      int32_t sum = 0;
      for (int k = 0; k < kSide; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  uint32_t sum = 0;
  for (int i = 0; i < kSide; i++) sum += (uint32_t)c[i][(i * 5) % kSide];
  return sum;
}

static uint16_t crc16(uint32_t data, uint16_t crc) {
  for (int i = 0; i < 32; i++) {
    const uint32_t carry = (data ^ crc) & 1;
    crc >>= 1;
    if (carry) crc ^= 0xa001;
    data >>= 1;
  }
  return crc;
}

static uint32_t hash_work(void) {
  static uint32_t keys[512];
  static uint16_t hits[512];
  for (int i = 0; i < 512; i++) keys[i] = 0;
  for (int i = 0; i < 700; i++) {
    const uint32_t key = (uint32_t)(next_random() % 300) + 1;
    uint32_t slot = (key * 2654435761U) >> 23;
    while (keys[slot] && keys[slot] != key) slot = (slot + 1) & 511;
    keys[slot] = key;
    hits[slot]++;
  }
  uint32_t sum = 0;
  for (int i = 0; i < 512; i++) sum += keys[i] * hits[i];
  return sum;
}

volatile uint64_t result;  // keeps the work alive

int main(void) {
  static const char text[] = "5012 1234 -874 +122 35.54400 .1234500 -110.700 +0.64400 word x1 T0.3e-1F -T.T++Tq 1T3.4e4z ";
  uint16_t crc = 0;
  for (int round = 0; round < ROUNDS; round++) {
    crc = crc16(list_work(), crc);
    for (int i = 0; i < 8; i++) crc = crc16(state_work(text), crc);
    crc = crc16(matrix_work(), crc);
    crc = crc16(hash_work(), crc);
  }
  result = crc;
  return 0;
}
