// The hart's part: sleeping, time, user memory, randomness and console streams, in the smallest form.
#include <algorithm>
#include <cstring>

#include "guest/drivers/console_stream.h"
#include "guest/drivers/entropy.h"
#include "guest/drivers/trace.h"
#include "guest/hal/time.h"
#include "guest/hal/user_access.h"
#include "guest/sched/wait.h"
#include "tests/unit/guest/support/kernel/host_kernel.h"

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  if (kernel::host::g_fail_new_after > 0 && --kernel::host::g_fail_new_after == 0) {
    return nullptr;
  }
  return ::operator new(bytes);
}

namespace kernel {

namespace trace_detail {
volatile u64* g_port = nullptr;
volatile u64 g_record[kTraceArgs];
}  // namespace trace_detail

// --- a thread for each of the host's (turns.h), which never really sleeps ---

Thread::~Thread() {}
Thread& current_thread() {
  static thread_local Thread thread;
  return thread;
}
KResult<void> give_way() { return {}; }
KResult<void> WaitQueue::wait(Interruptible, u64) {
  if (!host::g_on_sleep) {
    panic("a test slept");
  }
  return host::g_on_sleep();
}
Thread* WaitQueue::wake_one() { return nullptr; }
void WaitQueue::wake_all() {}

u64 monotonic_ns() { return host::g_now_ns; }

// --- user memory ---

namespace {

template <class Move>
usize copy(VirtAddr user, usize bytes, Access access, Move move) {
  usize done = 0;
  while (done < bytes) {
    const VirtAddr at = user + done;
    if (host::g_user_space == nullptr || at.value >= kSv39UserTop) {
      break;
    }
    const auto found = host::access_user(*host::g_user_space, at, access, FaultOrigin::kUserCopy);
    if (found.byte == nullptr) {
      break;
    }
    const usize part = std::min<usize>(bytes - done, kPageBytes - (at.value & (kPageBytes - 1)));
    move(found.byte, done, part);
    done += part;
  }
  return done;
}

}  // namespace

usize copy_from_user_partial(void* to, VirtAddr from, usize bytes) {
  return copy(from, bytes, Access::kRead,
              [&](u8* user, usize done, usize part) { memcpy(static_cast<u8*>(to) + done, user, part); });
}
usize copy_to_user_partial(VirtAddr to, const void* from, usize bytes) {
  return copy(to, bytes, Access::kWrite, [&](u8* user, usize done, usize part) {
    memcpy(user, static_cast<const u8*>(from) + done, part);
  });
}
KResult<usize> strncpy_from_user(char* to, VirtAddr from, usize capacity) {
  for (usize length = 0; length < capacity; length++) {
    if (copy_from_user_partial(to + length, from + length, 1) == 0) {
      return Err(Errno::kEFAULT);
    }
    if (to[length] == '\0') {
      return length;
    }
  }
  return capacity;
}
KResult<void> copy_from_user(void* to, VirtAddr from, usize bytes) {
  return copy_from_user_partial(to, from, bytes) == bytes ? KResult<void>() : Err(Errno::kEFAULT);
}
KResult<void> copy_to_user(VirtAddr to, const void* from, usize bytes) {
  return copy_to_user_partial(to, from, bytes) == bytes ? KResult<void>() : Err(Errno::kEFAULT);
}

// --- drivers ---

void random_bytes(ByteSpan to) {
  static Prng prng(1);
  prng.fill(to);
}

namespace {

class NoStream final : public ConsoleStream {
 public:
  KResult<usize> read(ByteSpan) override { return usize{0}; }
  KResult<usize> write(ConstByteSpan from) override { return from.size(); }
  bool readable() override { return true; }
  bool is_terminal() const override { return false; }
};
NoStream& no_stream() {
  static NoStream stream;
  return stream;
}

}  // namespace

ConsoleStream& console_stdin() { return no_stream(); }
ConsoleStream& console_stdout() { return no_stream(); }
ConsoleStream& console_stderr() { return no_stream(); }

}  // namespace kernel
