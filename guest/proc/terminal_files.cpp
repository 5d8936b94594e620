// The device files of terminals: /dev/tty is the caller's controlling one, /dev/console the console stream.
#include "guest/drivers/console_stream.h"
#include "guest/fs/devfs.h"
#include "guest/hal/boot_info.h"
#include "guest/lib/parse.h"
#include "guest/mem/frame.h"
#include "guest/proc/console_terminal.h"
#include "guest/proc/process.h"
#include "guest/proc/pty.h"
#include "guest/proc/terminal.h"

namespace kernel {

namespace {

constexpr u64 kTtyDevice = make_device(5, 0);

class TerminalOperations : public FileOperations {
 public:
  bool seekable() const override { return false; }
  KResult<usize> read(File& file, u64, IoBuffer& buffer) override { return of(file).read(file, buffer); }
  KResult<usize> write(File& file, u64, IoBuffer& buffer) override { return of(file).write(file, buffer); }
  u32 poll(File& file) override { return of(file).poll(); }
  PollSource* poll_source(File& file) override { return &of(file).source(); }
  KResult<i64> ioctl(File& file, u32 request, VirtAddr argument) override {
    return of(file).ioctl(file, request, argument);
  }

 private:
  static Terminal& of(File& file) { return *file.state<TerminalState>()->terminal; }
};

/// /dev/tty: whichever terminal controls the process that opens it.
class ControllingOperations final : public TerminalOperations {
 public:
  KResult<void> open(File& file) override {
    const Task* const task = current_task_or_null();
    if (task == nullptr || !task->process().terminal) {
      return Err(Errno::kENXIO);
    }
    file.set_state(TRY(try_make<TerminalState>(task->process().terminal)));
    return {};
  }
};

}  // namespace

FileOperations& terminal_operations() {
  static TerminalOperations operations;
  return operations;
}

KResult<void> register_terminals() {
  static ControllingOperations controlling;
  TRY(register_char_device(kTtyDevice, controlling));
  TRY(register_console_terminal());
  return register_ptys();
}

}  // namespace kernel
