#include "guest/proc/futex.h"

#include <optional>

#include "guest/hal/user_access.h"
#include "guest/lib/hash.h"
#include "guest/proc/process.h"

namespace kernel {

namespace {

struct FutexKey {
  const void* object;
  u64 offset;
  bool operator==(const FutexKey&) const = default;
};

struct Waiter {
  ListNode node;
  FutexKey key;
  u32 bits;
  bool woken = false;
  WaitQueue* queue = nullptr;  ///< of the task that waits; one for all words it waits for
};

using Bucket = List<Waiter, &Waiter::node>;
constexpr usize kBuckets = 256;

Bucket g_buckets[kBuckets];

Bucket& bucket_of(const FutexKey& key) {
  return g_buckets[hash_combine(reinterpret_cast<u64>(key.object), key.offset) % kBuckets];
}

KResult<FutexKey> key_of(VirtAddr word, FutexScope scope) {
  if (word.value % sizeof(u32) != 0) {
    return Err(Errno::kEINVAL);
  }
  AddressSpace& space = *current_process().space;
  if (scope == FutexScope::kPrivate) {
    if (word >= kUserTop) {
      return Err(Errno::kEFAULT);
    }
    return FutexKey{&space, word.value};
  }
  const auto key = TRY(space.shared_word_key(word));
  return FutexKey{key.object, key.offset};
}

void wake(Waiter& waiter) {
  Bucket& bucket = bucket_of(waiter.key);
  bucket.erase(bucket.iterator_to(waiter));
  waiter.woken = true;
  waiter.queue->wake_all();
}

u32 wake_key(const FutexKey& key, u32 count, u32 bits) {
  Bucket& bucket = bucket_of(key);
  u32 woken = 0;
  for (auto it = bucket.begin(); it != bucket.end() && woken < count;) {
    Waiter& waiter = *it;
    ++it;
    if (waiter.key == key && (waiter.bits & bits) != 0) {
      wake(waiter);
      woken++;
    }
  }
  return woken;
}

}  // namespace

KResult<void> futex_wait(VirtAddr word, u32 expected, u32 bits, FutexScope scope, u64 deadline_ns) {
  if (bits == 0) {
    return Err(Errno::kEINVAL);
  }
  Waiter waiter;
  WaitQueue queue;
  waiter.queue = &queue;
  waiter.key = TRY(key_of(word, scope));
  waiter.bits = bits;
  bucket_of(waiter.key).push_back(waiter);
  ScopeExit leave([&waiter] {
    if (!waiter.woken) {
      Bucket& bucket = bucket_of(waiter.key);
      bucket.erase(bucket.iterator_to(waiter));
    }
  });
  // In the table first: the look at the word may sleep.
  if (TRY(load_user_u32(word)) != expected) {
    return Err(Errno::kEAGAIN);
  }
  return wait_event_until(queue, deadline_ns, [&waiter] { return waiter.woken; });
}

KResult<usize> futex_wait_multiple(Span<const FutexWord> words, u64 deadline_ns) {
  WaitQueue queue;
  Vector<Waiter> waiters;
  TRY(waiters.resize(words.size()));
  usize queued = 0;
  ScopeExit leave([&] {
    for (usize i = 0; i < queued; i++) {
      if (!waiters[i].woken) {
        Bucket& bucket = bucket_of(waiters[i].key);
        bucket.erase(bucket.iterator_to(waiters[i]));
      }
    }
  });
  const auto woken = [&]() -> std::optional<usize> {
    for (usize i = 0; i < queued; i++) {
      if (waiters[i].woken) {
        return i;
      }
    }
    return std::nullopt;
  };
  for (; queued < words.size(); queued++) {
    Waiter& waiter = waiters[queued];
    waiter.key = TRY(key_of(words[queued].word, words[queued].scope));
    waiter.bits = kFutexAnyBits;
    waiter.queue = &queue;
    bucket_of(waiter.key).push_back(waiter);
  }
  for (const FutexWord& word : words) {
    if (TRY(load_user_u32(word.word)) != word.expected) {
      // One that was woken meanwhile counts: its waker has been told so.
      const auto index = woken();
      return index ? KResult<usize>(*index) : Err(Errno::kEAGAIN);
    }
  }
  TRY(wait_event_until(queue, deadline_ns, [&] { return woken().has_value(); }));
  return *woken();
}

KResult<u32> futex_wake(VirtAddr word, u32 count, u32 bits, FutexScope scope) {
  if (bits == 0) {
    return Err(Errno::kEINVAL);
  }
  return wake_key(TRY(key_of(word, scope)), count, bits);
}

KResult<u32> futex_requeue(const RequeueRequest& request) {
  const FutexKey from = TRY(key_of(request.from, request.scope));
  const FutexKey to = TRY(key_of(request.to, request.scope));
  if (request.expected != nullptr && TRY(load_user_u32(request.from)) != *request.expected) {
    return Err(Errno::kEAGAIN);
  }
  u32 changed = wake_key(from, request.wake, kFutexAnyBits);
  if (from == to) {
    return changed;
  }
  u32 moved = 0;
  Bucket& bucket = bucket_of(from);
  for (auto it = bucket.begin(); it != bucket.end() && moved < request.move;) {
    Waiter& waiter = *it;
    ++it;
    if (waiter.key == from) {
      bucket.erase(bucket.iterator_to(waiter));
      waiter.key = to;
      bucket_of(to).push_back(waiter);
      moved++;
    }
  }
  return changed + (request.expected != nullptr ? moved : 0);
}

KResult<u32> futex_wake_op(VirtAddr word, u32 wake_count, VirtAddr word2, u32 wake2, u32 operation,
                           FutexScope scope) {
  const FutexKey key = TRY(key_of(word, scope));
  const FutexKey key2 = TRY(key_of(word2, scope));
  // The operand encoding of futex(2), FUTEX_WAKE_OP.
  constexpr u32 kShiftOperand = 8;
  const u32 op = (operation >> 28) & 0xf;
  const u32 compare = (operation >> 24) & 0xf;
  const auto compared = static_cast<i32>(sign_extend((operation >> 0) & 0xfff, 12));
  auto operand = static_cast<u32>(sign_extend((operation >> 12) & 0xfff, 12));
  if ((op & kShiftOperand) != 0) {
    operand = u32{1} << (operand & 31);
  }
  u32 old = 0;
  for (;;) {
    old = TRY(load_user_u32(word2));
    u32 fresh = 0;
    switch (op & ~kShiftOperand) {
      case 0:
        fresh = operand;
        break;
      case 1:
        fresh = old + operand;
        break;
      case 2:
        fresh = old | operand;
        break;
      case 3:
        fresh = old & ~operand;
        break;
      case 4:
        fresh = old ^ operand;
        break;
      default:
        return Err(Errno::kENOSYS);
    }
    if (TRY(compare_exchange_user_u32(word2, old, fresh)) == old) {
      break;
    }
  }
  const auto was = static_cast<i32>(old);
  bool holds = false;
  switch (compare) {
    case 0:
      holds = was == compared;
      break;
    case 1:
      holds = was != compared;
      break;
    case 2:
      holds = was < compared;
      break;
    case 3:
      holds = was <= compared;
      break;
    case 4:
      holds = was > compared;
      break;
    case 5:
      holds = was >= compared;
      break;
    default:
      return Err(Errno::kENOSYS);
  }
  u32 woken = wake_key(key, wake_count, kFutexAnyBits);
  if (holds) {
    woken += wake_key(key2, wake2, kFutexAnyBits);
  }
  return woken;
}

namespace {

constexpr u32 kFutexWaiters = 0x8000'0000;
constexpr u32 kFutexOwnerDied = 0x4000'0000;
constexpr u32 kFutexTidMask = 0x3fff'ffff;
/// A list that is longer, or loops, is left as it is.
constexpr unsigned kMaxRobustEntries = 2048;

/// struct robust_list_head.
struct RobustListHead {
  u64 first;
  i64 futex_offset;
  u64 pending;
};

KResult<void> mark_owner_dead(const Task& task, u64 entry, i64 offset, bool pending) {
  const VirtAddr word((entry & ~u64{1}) + static_cast<u64>(offset));
  for (;;) {
    const u32 value = TRY(load_user_u32(word));
    if ((value & kFutexTidMask) != task.tid()) {
      // Given up, but perhaps without having woken anybody.
      if (pending && value == 0) {
        (void)futex_wake(word, 1, kFutexAnyBits, FutexScope::kShared);
      }
      return {};
    }
    const u32 fresh = (value & kFutexWaiters) | kFutexOwnerDied;
    if (TRY(compare_exchange_user_u32(word, value, fresh)) == value) {
      if ((value & kFutexWaiters) != 0) {
        (void)futex_wake(word, 1, kFutexAnyBits, FutexScope::kShared);
        (void)futex_wake(word, 1, kFutexAnyBits, FutexScope::kPrivate);
      }
      return {};
    }
  }
}

KResult<void> walk_robust_list(const Task& task) {
  const auto head = TRY(get_user<RobustListHead>(task.robust_list));
  u64 entry = head.first;
  for (unsigned i = 0; i < kMaxRobustEntries && (entry & ~u64{1}) != task.robust_list.value; i++) {
    // The link is read first: the mutex may be reused as soon as it is free.
    const u64 next = TRY(get_user<u64>(VirtAddr(entry & ~u64{1})));
    if (entry != head.pending) {
      TRY(mark_owner_dead(task, entry, head.futex_offset, false));
    }
    entry = next;
  }
  if (head.pending != 0) {
    TRY(mark_owner_dead(task, head.pending, head.futex_offset, true));
  }
  return {};
}

}  // namespace

void release_robust_list(Task& task) { (void)walk_robust_list(task); }

}  // namespace kernel
