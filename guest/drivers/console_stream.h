// The program's standard streams: a virtio-console port each, or all of them merged on the UART.
//
// Bytes pass unchanged on the ports. Input buffers are offered to the host only once somebody reads
// (determinism: what the guest executes does not depend on when the host's input arrives before that).
// Lock: each stream's own mutex.
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"
#include "guest/sched/wait.h"

namespace kernel {

class ConsoleStream : NonCopyable {
 public:
  /// Sleeps until at least one byte is there, then returns what is, up to the size; 0 is the end of input.
  /// EINTR, EIO.
  virtual KResult<usize> read(ByteSpan to) = 0;
  /// Sleeps until all is written (the host has it). A short count only when interrupted after some. EINTR,
  /// EIO.
  virtual KResult<usize> write(ConstByteSpan from) = 0;
  /// Whether read would return at once. Offers input buffers, as reading does.
  virtual bool readable() = 0;
  virtual bool writable() { return true; }
  /// True for the UART, where a person may sit; a port is a plain byte stream.
  virtual bool is_terminal() const = 0;
  /// Woken when input arrives or ends.
  WaitQueue& input_waiters() { return input_waiters_; }
  /// Called as well, for whoever waits for several files at once; may be null. Must not sleep.
  static inline void (*on_input)() = nullptr;
  /// The host's window at standard input has changed; may be null. Must not sleep.
  static inline void (*on_resize)(u16 rows, u16 columns) = nullptr;

 protected:
  ~ConsoleStream() = default;
  void wake_readers() {
    input_waiters_.wake_all();
    if (on_input != nullptr) {
      on_input();
    }
  }
  WaitQueue input_waiters_;
};

ConsoleStream& console_stdin();
ConsoleStream& console_stdout();
ConsoleStream& console_stderr();
/// The control port, or null on boards without it.
ConsoleStream* console_control();

}  // namespace kernel
