// Whose signals are read is decided when it is read: those of the reading task and its process.
#include "guest/proc/signal_file.h"

#include "guest/fs/anonymous_file.h"
#include "guest/fs/poll.h"
#include "guest/proc/process.h"
#include "guest/proc/signal.h"

namespace kernel {

namespace {

/// struct signalfd_siginfo.
struct SignalRecord {
  u32 signo;
  i32 error;
  i32 code;
  u32 pid;
  u32 uid;
  i32 fd;
  u32 timer_id;
  u32 band;
  u32 overrun;
  u32 trap;
  i32 status;
  i32 integer;
  u64 pointer;
  u64 user_time;
  u64 system_time;
  u64 address;
  u16 address_bits;
  u16 pad0;
  i32 syscall;
  u64 call_address;
  u32 arch;
  u8 pad[28];
};
static_assert(sizeof(SignalRecord) == 128);

SignalRecord to_record(const SigInfo& info) {
  SignalRecord record{};
  record.signo = static_cast<u32>(info.signo);
  record.error = info.error;
  record.code = info.code;
  if (info.code == kSiTimer) {
    record.timer_id = static_cast<u32>(info.timer.timer_id);
    record.overrun = static_cast<u32>(info.timer.overrun);
    record.pointer = info.timer.value;
    record.integer = static_cast<i32>(info.timer.value);
  } else if (info.code > 0 && info.code != kSiKernel && info.signo == kSIGCHLD) {
    record.pid = static_cast<u32>(info.child.pid);
    record.uid = info.child.uid;
    record.status = info.child.status;
    record.user_time = static_cast<u64>(info.child.user_ticks);
    record.system_time = static_cast<u64>(info.child.system_ticks);
  } else if (info.code > 0 && (kSynchronousSignals & sig_bit(info.signo)) != 0) {
    record.address = info.fault.address;
  } else {
    record.pid = static_cast<u32>(info.sender.pid);
    record.uid = info.sender.uid;
    if (info.code < 0 && info.code != kSiTkill) {
      record.pointer = info.sender.value;
      record.integer = static_cast<i32>(info.sender.value);
    }
  }
  return record;
}

struct SignalState final : FileState {
  SigSet wanted = 0;
};

SigSet pending_of(const Task& task) { return task.pending.set() | task.process().pending.set(); }

class SignalOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }

  KResult<usize> read(File& file, u64, IoBuffer& buffer) override {
    if (buffer.remaining() < sizeof(SignalRecord)) {
      return Err(Errno::kEINVAL);
    }
    const SigSet wanted = file.state<SignalState>()->wanted;
    Task& task = current_task();
    if ((pending_of(task) & wanted) == 0) {
      if (file.nonblocking()) {
        return Err(Errno::kEAGAIN);
      }
      TRY(wait_event_interruptible(poll_queue(), [&] { return (pending_of(task) & wanted) != 0; }));
    }
    SigInfo info;
    while (buffer.remaining() >= sizeof(SignalRecord) && !buffer.faulted() &&
           (task.pending.take(wanted, info) || task.process().pending.take(wanted, info))) {
      const SignalRecord record = to_record(info);
      buffer.put(&record, sizeof(record));
    }
    task.update_interrupt();
    return buffer.result();
  }

  u32 poll(File& file) override {
    return (pending_of(current_task()) & file.state<SignalState>()->wanted) != 0 ? u32{kPollIn} : 0;
  }
  PollSource* poll_source(File&) override { return &signal_arrivals(); }

  KResult<void> show_info(File& file, FormatSink& out) override {
    format(out, "sigmask:\t{:016x}\n", file.state<SignalState>()->wanted);
    return {};
  }
};

SignalOperations& signal_operations() {
  static SignalOperations operations;
  return operations;
}

}  // namespace

KResult<RefPtr<File>> make_signal_file(SigSet wanted, u32 flags) {
  auto state = TRY(try_make<SignalState>());
  state->wanted = wanted & ~kUnblockableSignals;
  return make_anonymous_file("[signalfd]", kOpenReadWrite | (flags & kOpenNonBlock), signal_operations(),
                             std::move(state));
}

KResult<void> change_signal_file(File& file, SigSet wanted) {
  if (&file.operations() != &signal_operations()) {
    return Err(Errno::kEINVAL);
  }
  file.state<SignalState>()->wanted = wanted & ~kUnblockableSignals;
  wake_pollers();
  return {};
}

}  // namespace kernel
