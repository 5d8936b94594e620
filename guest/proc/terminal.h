// Terminal: what programs talk to through /dev/tty, /dev/console and /dev/pts/N (tty(4), ioctl_tty(2)).
//
// A line discipline between a device (a console stream, the master of a pseudo-terminal) and the processes of
// at most one session, one group of which is in the foreground. Invariants: session() is 0 or the session of
// a process whose terminal() this is; background groups neither read nor, with TOSTOP, write. Lock: the
// terminal's; it is dropped while a device takes bytes, under `write_lock`.
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/line_discipline.h"
#include "guest/fs/poll.h"

namespace kernel {

class Process;

class Terminal : public RefCounted<Terminal>, private LineEvents {
 public:
  Terminal() : line_(*this) {}
  virtual ~Terminal() = default;

  /// Its number, as /proc/PID/stat's tty_nr shows it.
  virtual u64 device() const = 0;

  // --- for programs ---
  /// EIO in an orphaned background group, EINTR, EAGAIN; 0 is the end of file or a hang-up.
  KResult<usize> read(File& file, IoBuffer& buffer);
  KResult<usize> write(File& file, IoBuffer& buffer);
  KResult<i64> ioctl(File& file, u32 request, VirtAddr argument);
  u32 poll();
  PollSource& source() { return source_; }
  /// An opening: the first terminal of a session leader becomes its controlling one, unless O_NOCTTY. EIO.
  KResult<void> opened(const File& file);

  // --- for the device ---
  /// Bytes that were typed.
  void receive(ConstByteSpan bytes) { line_.receive(bytes); }
  /// The other end is gone: readers see the end, writers EIO, the session SIGHUP.
  void hang_up();
  bool hung_up() const { return hung_up_; }
  void set_window(const WindowSize& size);
  const WindowSize& window() const { return window_; }
  void wake_writers();

  // --- sessions ---
  u32 session() const { return session_; }
  u32 foreground() const { return foreground_; }
  /// Becomes the controlling terminal of a session leader, its group the foreground.
  void control(Process& leader);
  /// The session leader ends, or gives the terminal up.
  void leave_session(Process& leader);

 protected:
  /// Room for output now, in bytes; the master of a pseudo-terminal may be slow.
  virtual usize room() = 0;
  /// Takes at most room() bytes. May sleep.
  virtual KResult<void> put(ConstByteSpan bytes) = 0;
  /// Echoes come from here: what does not fit is lost.
  void transmit(ConstByteSpan bytes) final;
  /// Output that waits was thrown away (TCFLSH).
  virtual void flush_output() {}
  /// Programs have read or thrown away input: there may be room for more.
  virtual void input_taken() {}
  /// The number of bytes not yet taken by the device.
  virtual usize queued_output() { return 0; }
  LineDiscipline& line() { return line_; }

 private:
  void send_signal(i32 signo) final;
  void readable() final;
  void output_restarted() final { wake_writers(); }

  KResult<void> check_foreground(i32 signo);
  KResult<void> wait_for_input(const File& file);
  bool input_ready() const;
  KResult<usize> put_user_bytes(File& file, ConstByteSpan bytes);
  KResult<void> set_termios(u32 request, VirtAddr argument);
  KResult<i64> controlling_ioctl(u32 request, VirtAddr argument);

  LineDiscipline line_;
  PollSource source_;
  WaitQueue readers_;
  WaitQueue writers_;
  Mutex write_lock_;
  WindowSize window_{};
  u32 session_ = 0;
  u32 foreground_ = 0;
  bool hung_up_ = false;
};

/// Operations of a terminal's files; their state is a TerminalState.
struct TerminalState final : FileState {
  explicit TerminalState(RefPtr<Terminal> of) : terminal(std::move(of)) {}
  RefPtr<Terminal> terminal;
};
FileOperations& terminal_operations();

/// /dev/tty, /dev/ptmx, /dev/console and the file system of /dev/pts. Once, at boot, before /dev is made.
KResult<void> register_terminals();

/// Whether no process of `group` has a parent in another group of its session: nobody could continue it.
bool is_orphaned_group(u32 group, u32 session, const Process* without = nullptr);

}  // namespace kernel
