// The end of tasks and processes, and waiting for children (_exit(2), wait(2)).
#pragma once

#include "guest/proc/process.h"

namespace kernel {

/// Ends the running task; the process with it when it is the last one. `wait_status` counts when the task is
/// the leader and nothing else has ended the process.
[[noreturn]] void exit_task(i32 wait_status);
/// Ends the running process.
[[noreturn]] void exit_process(i32 wait_status);
/// Gives back the memory of the running process; its last task goes on in the kernel's half.
void release_memory(Process& process);

/// getrusage(2), as far as it is known here.
struct Usage {
  CpuTimes times;
  u64 minor_faults = 0;
  u64 major_faults = 0;
  u64 peak_rss_pages = 0;
};
Usage usage_of(Process& process);

enum WaitOption : u32 {
  kWaitNoHang = 1,
  kWaitStopped = 2,
  kWaitExited = 4,
  kWaitContinued = 8,
  kWaitNoWait = 0x0100'0000,
  kWaitNoThread = 0x2000'0000,
  kWaitAll = 0x4000'0000,
  kWaitClone = 0x8000'0000,
};

struct WaitRequest {
  enum class Who : u8 { kAny, kPid, kGroup } who = Who::kAny;
  u32 id = 0;
  u32 options = 0;
};
struct WaitResult {
  u32 pid = 0;  ///< 0: nothing to report (WNOHANG)
  u32 uid = 0;
  i32 status = 0;  ///< wait status word
  i32 code = 0;    ///< CLD_*
  Usage usage;
};
/// Waits for a child of the running process. ECHILD, EINTR.
KResult<WaitResult> wait_for_child(const WaitRequest& request);
/// Takes every zombie child of the first process; returns how many children it still has.
void reap_orphans(Process& process);

}  // namespace kernel
