// The line discipline of a terminal (termios(3)): what becomes of each byte that comes in or goes out.
//
// Pure: bytes, echoes and signals go through LineEvents, so it is tested on the host. Invariants: in
// canonical mode the bytes of a line become readable with its end, and can be edited before; entries_ holds
// at most kCapacity bytes, the rest is dropped with a bell, as on Linux. Lock: the terminal's; nothing sleeps
// here but LineEvents::transmit.
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"
#include "quire/arch/linux/termios.h"

namespace kernel {

/// What a line discipline asks of its terminal.
class LineEvents {
 public:
  /// Bytes for the device, processed: echoes.
  virtual void transmit(ConstByteSpan bytes) = 0;
  /// SIGINT, SIGQUIT or SIGTSTP for the foreground group.
  virtual void send_signal(i32 signo) = 0;
  /// Something can be read now.
  virtual void readable() = 0;
  /// Output may go on (it was stopped by the STOP character).
  virtual void output_restarted() = 0;

 protected:
  ~LineEvents() = default;
};

Termios default_termios();

class LineDiscipline {
 public:
  static constexpr usize kCapacity = 4096;
  explicit LineDiscipline(LineEvents& events) : events_(events) {}

  const Termios& termios() const { return termios_; }
  void set_termios(const Termios& termios);

  /// Bytes from the device.
  void receive(ConstByteSpan bytes);
  /// Output processing: fills `out` from `in`; says how much of each was used. `out` must hold at least 8
  /// bytes.
  struct Processed {
    usize taken = 0;
    usize made = 0;
  };
  Processed process_output(ConstByteSpan in, ByteSpan out);
  bool output_stopped() const { return output_stopped_; }
  void set_output_stopped(bool stopped);

  bool canonical() const { return (termios_.local & kLocalCanonical) != 0; }
  /// Bytes a read could have now: of finished lines, or all.
  usize available() const { return canonical() ? ready_bytes_ : ready_ + edit_; }
  /// Whether a read ends at once: a line, or an end of file, is there.
  bool has_line() const { return lines_ > 0; }
  /// Moves at most out.size() bytes, in canonical mode of one line; 0 with has_line() before: end of file.
  usize take(ByteSpan out);
  void flush_input();
  bool full() const { return ready_ + edit_ >= kCapacity - 1; }

 private:
  enum EntryFlag : u16 { kLineEnd = 0x100, kNoByte = 0x200 };
  u16& entry(usize index) { return entries_[(head_ + index) % kCapacity]; }
  void receive_one(u8 byte);
  bool receive_signal(u8 byte);
  bool edit(u8 byte);
  void append(u16 entry);
  void finish_line();
  void erase_one(bool quiet);
  void erase_word();
  void erase_line();
  void reprint();
  void echo(u8 byte);
  void echo_control(u8 byte);
  void send(StringView text);
  bool is(u8 byte, ControlCharacter which) const {
    return byte == termios_.characters[which] && byte != 0;  // 0 is _POSIX_VDISABLE
  }
  bool local(u32 mode) const { return (termios_.local & mode) != 0; }
  bool input(u32 mode) const { return (termios_.input & mode) != 0; }
  void advance_column(u8 byte);
  usize width_on_screen(usize from, usize to);

  LineEvents& events_;
  Termios termios_ = default_termios();
  u16 entries_[kCapacity] = {};
  usize head_ = 0;
  usize ready_ = 0;        // entries of finished lines (canonical), or all
  usize edit_ = 0;         // entries behind them, of the line that is being typed
  usize lines_ = 0;        // line ends among the ready entries
  usize ready_bytes_ = 0;  // ready entries that are bytes
  usize column_ = 0;       // of the cursor, as far as it is known
  usize line_column_ = 0;  // where the line that is being typed began
  bool literal_next_ = false;
  bool output_stopped_ = false;
};

}  // namespace kernel
