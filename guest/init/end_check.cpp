#include "guest/init/end_check.h"

#include "guest/fs/file.h"
#include "guest/hal/page_table.h"
#include "guest/lib/log.h"
#include "guest/mem/frame.h"
#include "guest/mem/injection.h"
#include "guest/mem/kernel_space.h"
#include "guest/mem/vmalloc.h"
#include "guest/proc/exit.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"
#include "guest/proc/sysv_shm.h"
#include "guest/vm/address_space.h"
#include "guest/vm/check.h"

namespace kernel {

namespace {

/// Kills every other process and waits until each has been reaped.
void end_others() {
  Process& self = process_table().first();
  while (process_table().process_count() > 1) {
    process_table().for_each([&self](Process& process) {
      if (&process != &self) {
        end_process(process, wait_status_signaled(kSIGKILL, false));
      }
    });
    wait_event(self.child_events, [&self] {
      for (const Process& child : self.children()) {
        if (child.state == ProcessState::kZombie) {
          return true;
        }
      }
      return false;
    });
    reap_orphans(self);
  }
  yield();  // the last task that ended is let go by the next thread
}

void require(StringView what, u64 found, u64 allowed) {
  if (found != allowed) {
    panic("check at the end: {} {}, expected {}", found, what, allowed);
  }
}

}  // namespace

void check_at_end() {
  stop_injecting();
  end_others();
  remove_shared_segments();
  require("address spaces", AddressSpace::all().size(), 0);
  require("open files", File::live(), 0);
  require("tasks", process_table().task_count(), 1);
  const MemoryStats& memory = memory_stats();
  require("anonymous frames", memory.used_for(FrameUse::kAnon), 0);
  require("frames of page tables", memory.used_for(FrameUse::kPageTable), kernel_page_table().table_frames());
  require("vmalloc areas", vmalloc_stats().areas, 0);
  require("frames of vmalloc areas", memory.used_for(FrameUse::kVmalloc), 0);
  check_vmalloc();
  require("committed pages", commit_state().committed_pages, 0);
  if (!check_memory(Pins::kNone).ok()) {
    panic("check at the end: no memory to count frames");
  }
  log_info("check at the end: nothing leaked");
}

}  // namespace kernel
