#include "guest/fs/flusher.h"

#include "guest/fs/vfs.h"
#include "guest/hal/time.h"
#include "guest/sched/thread.h"
#include "guest/sched/wait.h"

namespace kernel {

namespace {

constexpr u64 kNsPerCentisec = 10'000'000;

u64 g_expire_centisecs = 3000;
WaitQueue g_work;
u64 g_dirty_since_ns = 0;  // 0: nothing is dirty

void flush_for_ever(void*) {
  for (;;) {
    wait_event(g_work, [] { return g_dirty_since_ns != 0; });
    (void)sleep_until(g_dirty_since_ns + g_expire_centisecs * kNsPerCentisec, Interruptible::kNo);
    g_dirty_since_ns = 0;
    (void)vfs::sync_all();  // what failed stays dirty, for fsync to report
  }
}

}  // namespace

KResult<void> start_flusher() {
  TRY(Thread::spawn("flusher", &flush_for_ever, nullptr));
  return {};
}

void note_dirty_page() {
  if (g_dirty_since_ns == 0) {
    g_dirty_since_ns = monotonic_ns();
    g_work.wake_all();
  }
}

u64 dirty_expire_centisecs() { return g_expire_centisecs; }
void set_dirty_expire_centisecs(u64 centisecs) { g_expire_centisecs = centisecs; }

}  // namespace kernel
