// Typed bytes are read by a thread of the kernel's, whether or not a program reads: control characters must
// act at once. It waits in the stream, so input is offered to the host only from the first opening on.
#include "guest/proc/console_terminal.h"

#include "guest/drivers/console_stream.h"
#include "guest/fs/devfs.h"
#include "guest/hal/boot_info.h"
#include "guest/lib/parse.h"
#include "guest/mem/frame.h"
#include "guest/proc/process.h"

namespace kernel {

namespace {

constexpr u64 kConsoleDevice = make_device(5, 1);

class ConsoleTerminal final : public Terminal {
 public:
  u64 device() const override { return kConsoleDevice; }

  KResult<void> start() {
    if (!started_) {
      started_ = true;
      TRY(Thread::spawn("console", &read_for_ever, this));
    }
    return {};
  }

 protected:
  usize room() override { return kPageBytes; }
  KResult<void> put(ConstByteSpan bytes) override {
    while (!bytes.empty()) {
      bytes = bytes.subspan(TRY(console_stdout().write(bytes)));
    }
    return {};
  }

 private:
  static void read_for_ever(void* self) {
    auto& terminal = *static_cast<ConsoleTerminal*>(self);
    u8 bytes[256];
    for (;;) {
      const auto count = console_stdin().read(ByteSpan(bytes, sizeof(bytes)));
      if (!count.ok() || count.value() == 0) {
        break;
      }
      terminal.receive(ConstByteSpan(bytes, count.value()));
    }
    terminal.hang_up();
  }

  bool started_ = false;
};

RefPtr<ConsoleTerminal>& console() {
  static RefPtr<ConsoleTerminal> terminal;
  return terminal;
}

/// "24x80".
void read_window(Terminal& terminal) {
  const StringView text = boot_option("quire.winsize").value_or("24x80");
  const usize cross = text.find('x');
  if (cross == StringView::npos) {
    return;
  }
  const auto rows = parse_number(text.substr(0, cross));
  const auto columns = parse_number(text.substr(cross + 1));
  if (rows && columns) {
    terminal.set_window({static_cast<u16>(*rows), static_cast<u16>(*columns), 0, 0});
  }
}

/// /dev/console. Without a terminal at the streams it is those streams, byte for byte.
class ConsoleOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }
  KResult<void> open(File& file) override {
    if (!console()) {
      return {};
    }
    TRY(console()->start());
    TRY(console()->opened(file));
    file.set_state(TRY(try_make<TerminalState>(RefPtr<Terminal>(console()))));
    return {};
  }
  KResult<usize> read(File& file, u64 position, IoBuffer& buffer) override {
    return console() ? console()->read(file, buffer) : plain().read(file, position, buffer);
  }
  KResult<usize> write(File& file, u64 position, IoBuffer& buffer) override {
    return console() ? console()->write(file, buffer) : plain().write(file, position, buffer);
  }
  u32 poll(File& file) override { return console() ? console()->poll() : plain().poll(file); }
  PollSource* poll_source(File& file) override {
    return console() ? &console()->source() : plain().poll_source(file);
  }
  KResult<i64> ioctl(File& file, u32 request, VirtAddr argument) override {
    return console() ? console()->ioctl(file, request, argument) : plain().ioctl(file, request, argument);
  }

 private:
  static FileOperations& plain() { return plain_console_operations(); }
};

}  // namespace

Terminal* console_terminal() { return console().get(); }

bool is_console_stream_terminal(u32 number) {
  const StringView streams = boot_option("quire.tty").value_or(StringView());
  return streams.find(static_cast<char>('0' + number)) != StringView::npos;
}

KResult<void> register_console_terminal() {
  static ConsoleOperations operations;
  TRY(register_char_device(kConsoleDevice, operations));
  if (is_console_stream_terminal(0)) {
    console() = TRY(try_make_ref<ConsoleTerminal>());
    read_window(*console());
    ConsoleStream::on_resize = [](u16 rows, u16 columns) { console()->set_window({rows, columns, 0, 0}); };
  }
  return {};
}

}  // namespace kernel
