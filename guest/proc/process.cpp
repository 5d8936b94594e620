#include "guest/proc/process.h"

#include "guest/drivers/trace.h"
#include "guest/hal/boot_info.h"
#include "guest/hal/time.h"

namespace kernel {

namespace {

Task* g_running = nullptr;
u32 g_last_pid = 0;  // of the last task that ran, for context_switch

}  // namespace

Task* current_task_or_null() { return g_running; }

Task::~Task() = default;
Process::~Process() = default;

bool Task::is_leader() const { return tid_ == process_->pid(); }

FsContext& Task::fs() const {
  // The identity may have changed since the last look, and belongs to the process.
  fs_->context.credentials = process_->identity.effective();
  return fs_->context;
}

const FsContext& current_fs() { return current_task().fs(); }

CpuTimes Task::times() const {
  CpuTimes times = times_;
  if (this == g_running) {
    (in_user_ ? times.user : times.system) += now_ticks() - stamp_;
  }
  return times;
}

void Task::on_switch_out() {
  charge();
  rseq.disturbed = rseq.area.value != 0;
  g_running = nullptr;
  if (process_->space) {
    save_user_fp(user_frame(), fp);
  }
}

void Task::on_switch_in() {
  g_running = this;
  stamp_ = now_ticks();
  if (!process_->space) {
    return;
  }
  process_->space->activate();
  load_user_fp(user_frame(), fp);
  if (g_last_pid != process_->pid()) {
    trace(TraceEventId::k_context_switch, g_last_pid, process_->pid(), process_->space->satp());
    g_last_pid = process_->pid();
  }
}

Task* Process::leader() {
  for (Task& task : tasks_) {
    if (task.is_leader()) {
      return &task;
    }
  }
  return tasks_.empty() ? nullptr : &tasks_.front();
}

CpuTimes Process::times() {
  CpuTimes sum = ended_tasks;
  for (Task& task : tasks_) {
    sum += task.times();
  }
  return sum;
}

bool Process::randomize_layout() const {
  constexpr u32 kAddrNoRandomize = 0x0004'0000;  // personality(2)
  return (personality & kAddrNoRandomize) == 0 && boot_option("quire.aslr") != StringView("off");
}

MemoryLimits Process::memory_limits() const {
  return {.address_space = limits[Resource::kAddressSpace].soft,
          .data = limits[Resource::kData].soft,
          .stack = limits[Resource::kStack].soft,
          .locked = limits[Resource::kLockedMemory].soft,
          .may_exceed_locked = identity.privileged()};
}

}  // namespace kernel
