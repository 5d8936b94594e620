// Copies between the kernel and the running process' memory.
//
// The only code that touches user addresses. A fault on the way goes to the page-fault hook and is
// retried when that repairs it, else the call fails with EFAULT. May sleep (a fault may read a file),
// so no spin-held state across a call. A range beyond the user half is EFAULT without being touched.
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"

namespace kernel {

KResult<void> copy_from_user(void* to, VirtAddr from, usize bytes);
KResult<void> copy_to_user(VirtAddr to, const void* from, usize bytes);
KResult<void> clear_user(VirtAddr to, usize bytes);

/// The same, returning how many bytes were copied before a fault stopped it: for short counts of read and
/// write.
usize copy_from_user_partial(void* to, VirtAddr from, usize bytes);
usize copy_to_user_partial(VirtAddr to, const void* from, usize bytes);

/// Copies up to and with the NUL and returns the length without it; a result equal to `capacity` means that
/// the first `capacity` bytes hold no NUL.
KResult<usize> strncpy_from_user(char* to, VirtAddr from, usize capacity);

template <class T>
requires std::is_trivially_copyable_v<T> KResult<T> get_user(VirtAddr from) {
  T value;
  TRY(copy_from_user(&value, from, sizeof(T)));
  return value;
}
template <class T>
requires std::is_trivially_copyable_v<T> KResult<void> put_user(VirtAddr to, const T& value) {
  return copy_to_user(to, &value, sizeof(T));
}

/// Atomic accesses to an aligned 32-bit word (EINVAL when misaligned), for futexes.
KResult<u32> load_user_u32(VirtAddr from);
/// Stores `desired` if the word equals `expected`; returns what the word was.
KResult<u32> compare_exchange_user_u32(VirtAddr at, u32 expected, u32 desired);

}  // namespace kernel
