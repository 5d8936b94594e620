#include "guest/proc/process_file.h"

#include "guest/fs/anonymous_file.h"
#include "guest/proc/process_table.h"

namespace kernel {

namespace {

struct ProcessFileState final : FileState {
  explicit ProcessFileState(Process& of) : process(&of) {}
  RefPtr<Process> process;
};

Process& process_behind(const File& file) { return *file.state<ProcessFileState>()->process; }
bool is_reaped(const Process& process) { return process_table().find(process.pid()) != &process; }

class ProcessOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }
  u32 poll(File& file) override {
    const Process& process = process_behind(file);
    if (process.state != ProcessState::kZombie) {
      return 0;
    }
    return kPollIn | kPollReadNorm | (is_reaped(process) ? u32{kPollHup} : 0);
  }
  PollSource* poll_source(File& file) override { return &process_behind(file).end_source; }

  KResult<void> show_info(File& file, FormatSink& out) override {
    const Process& process = process_behind(file);
    const i32 pid = is_reaped(process) ? -1 : static_cast<i32>(process.pid());
    format(out, "Pid:\t{}\nNSpid:\t{}\n", pid, pid);
    return {};
  }
};

ProcessOperations& process_operations() {
  static ProcessOperations operations;
  return operations;
}

}  // namespace

KResult<RefPtr<File>> make_process_file(Process& process, u32 flags) {
  auto state = TRY(try_make<ProcessFileState>(process));
  return make_anonymous_file("[pidfd]", kOpenReadWrite | (flags & kOpenNonBlock), process_operations(),
                             std::move(state));
}

bool is_process_file(const File& file) { return &file.operations() == &process_operations(); }

KResult<Process*> process_of_file(const File& file) {
  if (!is_process_file(file)) {
    return Err(Errno::kEBADF);
  }
  Process& process = process_behind(file);
  return is_reaped(process) ? KResult<Process*>(Err(Errno::kESRCH)) : KResult<Process*>(&process);
}

}  // namespace kernel
