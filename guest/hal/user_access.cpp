#include "guest/hal/user_access.h"

#include "quire/arch/sv39.h"

namespace kernel {

namespace {
struct WordOrFault {
  u64 value;
  u64 faulted;
};
}  // namespace

// user_copy.S
extern "C" {
u64 user_copy(u64 to, u64 from, u64 bytes);
u64 user_clear(u64 to, u64 bytes);
WordOrFault user_string(char* to, u64 from, u64 capacity);
WordOrFault user_load_u32(u64 from);
WordOrFault user_compare_exchange_u32(u64 at, u32 expected, u32 desired);
}

namespace {

bool in_user_half(VirtAddr start, usize bytes) {
  return bytes <= kSv39UserTop && start.value <= kSv39UserTop - bytes;
}
u64 raw(const void* p) { return reinterpret_cast<u64>(p); }

}  // namespace

usize copy_from_user_partial(void* to, VirtAddr from, usize bytes) {
  return in_user_half(from, bytes) ? bytes - user_copy(raw(to), from.value, bytes) : 0;
}
usize copy_to_user_partial(VirtAddr to, const void* from, usize bytes) {
  return in_user_half(to, bytes) ? bytes - user_copy(to.value, raw(from), bytes) : 0;
}

KResult<void> copy_from_user(void* to, VirtAddr from, usize bytes) {
  if (!in_user_half(from, bytes) || user_copy(raw(to), from.value, bytes) != 0) {
    return Err(Errno::kEFAULT);
  }
  return {};
}
KResult<void> copy_to_user(VirtAddr to, const void* from, usize bytes) {
  if (!in_user_half(to, bytes) || user_copy(to.value, raw(from), bytes) != 0) {
    return Err(Errno::kEFAULT);
  }
  return {};
}
KResult<void> clear_user(VirtAddr to, usize bytes) {
  if (!in_user_half(to, bytes) || user_clear(to.value, bytes) != 0) {
    return Err(Errno::kEFAULT);
  }
  return {};
}

KResult<usize> strncpy_from_user(char* to, VirtAddr from, usize capacity) {
  if (from.value >= kSv39UserTop) {
    return Err(Errno::kEFAULT);
  }
  const usize below_top = kSv39UserTop - from.value;
  const WordOrFault copied = user_string(to, from.value, capacity < below_top ? capacity : below_top);
  // A string that runs into the end of the user half has no NUL where it could be read.
  if (copied.faulted != 0 || (copied.value == below_top && below_top < capacity)) {
    return Err(Errno::kEFAULT);
  }
  return copied.value;
}

KResult<u32> load_user_u32(VirtAddr from) {
  if (!is_aligned(from.value, 4)) {
    return Err(Errno::kEINVAL);
  }
  if (!in_user_half(from, 4)) {
    return Err(Errno::kEFAULT);
  }
  const WordOrFault word = user_load_u32(from.value);
  if (word.faulted != 0) {
    return Err(Errno::kEFAULT);
  }
  return static_cast<u32>(word.value);
}

KResult<u32> compare_exchange_user_u32(VirtAddr at, u32 expected, u32 desired) {
  if (!is_aligned(at.value, 4)) {
    return Err(Errno::kEINVAL);
  }
  if (!in_user_half(at, 4)) {
    return Err(Errno::kEFAULT);
  }
  const WordOrFault old = user_compare_exchange_u32(at.value, expected, desired);
  if (old.faulted != 0) {
    return Err(Errno::kEFAULT);
  }
  return static_cast<u32>(old.value);
}

}  // namespace kernel
