#include "guest/fs/line_discipline.h"

#include <algorithm>

#include "quire/arch/linux/signal.h"

namespace kernel {

namespace {

constexpr u8 kBackspace = 8;
constexpr u8 kDelete = 0x7f;
constexpr usize kTabColumns = 8;

bool is_control(u8 byte) { return byte < 0x20 || byte == kDelete; }
bool is_continuation(u8 byte) { return (byte & 0xc0) == 0x80; }
bool is_word(u8 byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         byte == '_' || byte >= 0x80;
}
u8 to_upper(u8 byte) { return byte >= 'a' && byte <= 'z' ? static_cast<u8>(byte - 'a' + 'A') : byte; }
u8 to_lower(u8 byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<u8>(byte - 'A' + 'a') : byte; }

}  // namespace

Termios default_termios() {
  Termios termios{};
  termios.input = kInputCrToNl | kInputFlowControl;
  termios.output = kOutputProcess | kOutputNlToCrNl;
  termios.control = kControlDefault;
  termios.local = kLocalSignals | kLocalCanonical | kLocalEcho | kLocalEchoErase | kLocalEchoKill |
                  kLocalEchoControl | kLocalEchoKillErase | kLocalExtended;
  constexpr u8 kDefaults[] = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0};
  std::copy(std::begin(kDefaults), std::end(kDefaults), termios.characters);
  return termios;
}

void LineDiscipline::set_termios(const Termios& termios) {
  const bool was_canonical = canonical();
  termios_ = termios;
  if (was_canonical && !canonical()) {
    // What was being typed can be read at once.
    ready_ += edit_;
    ready_bytes_ += edit_;
    edit_ = 0;
  } else if (!was_canonical && canonical() && ready_ > 0 && (entry(ready_ - 1) & kLineEnd) == 0) {
    // What came before counts as a line.
    entry(ready_ - 1) |= kLineEnd;
    lines_++;
  }
  if (!input(kInputFlowControl) && output_stopped_) {
    set_output_stopped(false);
  }
}

// --- input ---

void LineDiscipline::receive(ConstByteSpan bytes) {
  for (const u8 byte : bytes) {
    receive_one(byte);
  }
}

void LineDiscipline::receive_one(u8 byte) {
  if (input(kInputStrip)) {
    byte &= 0x7f;
  }
  if (literal_next_) {
    literal_next_ = false;
    append(byte);
    echo_control(byte);
    return;
  }
  if (byte == '\r' && input(kInputIgnoreCr)) {
    return;
  }
  if (byte == '\r' && input(kInputCrToNl)) {
    byte = '\n';
  } else if (byte == '\n' && input(kInputNlToCr)) {
    byte = '\r';
  }
  if (input(kInputLowerCase) && local(kLocalExtended)) {
    byte = to_lower(byte);
  }
  if (input(kInputFlowControl)) {
    if (is(byte, kCharStart) || is(byte, kCharStop)) {
      set_output_stopped(is(byte, kCharStop));
      return;
    }
    if (output_stopped_ && input(kInputAnyRestarts)) {
      set_output_stopped(false);
    }
  }
  if (local(kLocalSignals) && receive_signal(byte)) {
    return;
  }
  if (canonical() && edit(byte)) {
    return;
  }
  if (full()) {
    if (input(kInputBell)) {
      send("\a");
    }
    return;
  }
  append(byte);
  echo(byte);
}

bool LineDiscipline::receive_signal(u8 byte) {
  const i32 signo = is(byte, kCharInterrupt) ? i32{kSIGINT}
                    : is(byte, kCharQuit)    ? i32{kSIGQUIT}
                    : is(byte, kCharSuspend) ? i32{kSIGTSTP}
                                             : 0;
  if (signo == 0) {
    return false;
  }
  if (!local(kLocalNoFlush)) {
    flush_input();
  }
  set_output_stopped(false);
  echo_control(byte);
  events_.send_signal(signo);
  return true;
}

/// Canonical mode: bytes that change the line or end it.
bool LineDiscipline::edit(u8 byte) {
  if (is(byte, kCharErase)) {
    erase_one(false);
    return true;
  }
  if (is(byte, kCharKill)) {
    erase_line();
    return true;
  }
  if (local(kLocalExtended)) {
    if (is(byte, kCharWordErase)) {
      erase_word();
      return true;
    }
    if (is(byte, kCharLiteralNext)) {
      literal_next_ = true;
      if (local(kLocalEcho) && local(kLocalEchoControl)) {
        send("^\b");
      }
      return true;
    }
    if (is(byte, kCharReprint) && local(kLocalEcho)) {
      reprint();
      return true;
    }
  }
  if (is(byte, kCharEof)) {
    append(kNoByte | kLineEnd);
    finish_line();
    return true;
  }
  if (byte == '\n' || is(byte, kCharEol) || (is(byte, kCharEol2) && local(kLocalExtended))) {
    if (byte == '\n' && !local(kLocalEcho) && local(kLocalEchoNl)) {
      send("\n");
    } else if (local(kLocalEcho)) {
      echo(byte);
    }
    append(byte | kLineEnd);
    finish_line();
    return true;
  }
  return false;
}

/// A line end always finds room: bytes leave one entry free for it.
void LineDiscipline::append(u16 value) {
  if (ready_ + edit_ >= kCapacity) {
    return;
  }
  if (edit_ == 0) {
    line_column_ = column_;
  }
  entry(ready_ + edit_) = value;
  if (canonical()) {
    edit_++;
  } else {
    ready_++;
    ready_bytes_++;
    events_.readable();
  }
}

void LineDiscipline::finish_line() {
  for (usize i = 0; i < edit_; i++) {
    const u16 value = entry(ready_ + i);
    lines_ += (value & kLineEnd) != 0;
    ready_bytes_ += (value & kNoByte) == 0;
  }
  ready_ += edit_;
  edit_ = 0;
  events_.readable();
}

void LineDiscipline::flush_input() {
  head_ = ready_ = edit_ = lines_ = ready_bytes_ = 0;
  literal_next_ = false;
}

usize LineDiscipline::take(ByteSpan out) {
  usize moved = 0;
  while (ready_ > 0) {
    const u16 value = entry(0);
    const bool end = canonical() && (value & kLineEnd) != 0;
    if ((value & kNoByte) == 0) {
      if (moved == out.size()) {
        break;
      }
      out[moved++] = static_cast<u8>(value);
      ready_bytes_--;
    }
    head_ = (head_ + 1) % kCapacity;
    ready_--;
    lines_ -= (value & kLineEnd) != 0 ? 1 : 0;
    if (end) {
      break;
    }
  }
  return moved;
}

// --- editing ---

/// Columns that the entries [from, to) of the edited line take, the first at line_column_.
usize LineDiscipline::width_on_screen(usize from, usize to) {
  usize column = line_column_;
  usize start = column;
  for (usize i = 0; i < to; i++) {
    if (i == from) {
      start = column;
    }
    const u8 byte = static_cast<u8>(entry(ready_ + i));
    if (byte == '\t') {
      column += kTabColumns - column % kTabColumns;
    } else if (is_control(byte)) {
      column += local(kLocalEchoControl) ? 2 : 0;
    } else if (!(input(kInputUtf8) && is_continuation(byte))) {
      column++;
    }
  }
  return to == from ? 0 : column - start;
}

void LineDiscipline::erase_one(bool quiet) {
  if (edit_ == 0) {
    return;
  }
  usize at = edit_ - 1;
  while (input(kInputUtf8) && at > 0 && is_continuation(static_cast<u8>(entry(ready_ + at)))) {
    at--;
  }
  const usize columns = width_on_screen(at, edit_);
  const u8 erase = termios_.characters[kCharErase];
  edit_ = at;
  if (!local(kLocalEcho) || quiet) {
    return;
  }
  if (!local(kLocalEchoErase)) {
    echo(erase);
    return;
  }
  for (usize i = 0; i < columns; i++) {
    send("\b \b");
  }
  column_ -= std::min(columns, column_);
}

void LineDiscipline::erase_word() {
  const auto last = [this] { return static_cast<u8>(entry(ready_ + edit_ - 1)); };
  while (edit_ > 0 && !is_word(last())) {
    erase_one(false);
  }
  while (edit_ > 0 && is_word(last())) {
    erase_one(false);
  }
}

void LineDiscipline::erase_line() {
  if (local(kLocalEcho) && local(kLocalEchoKill) && local(kLocalEchoKillErase) && local(kLocalEchoErase)) {
    while (edit_ > 0) {
      erase_one(false);
    }
    return;
  }
  edit_ = 0;
  if (local(kLocalEcho)) {
    echo(termios_.characters[kCharKill]);
    if (local(kLocalEchoKill)) {
      send("\n");
    }
  }
}

void LineDiscipline::reprint() {
  echo_control(termios_.characters[kCharReprint]);
  send("\n");
  for (usize i = 0; i < edit_; i++) {
    echo(static_cast<u8>(entry(ready_ + i)));
  }
}

// --- echo and output ---

void LineDiscipline::echo(u8 byte) {
  if (!local(kLocalEcho)) {
    return;
  }
  if (is_control(byte) && byte != '\n' && byte != '\t' && local(kLocalEchoControl)) {
    echo_control(byte);
    return;
  }
  const char text[] = {static_cast<char>(byte)};
  send(StringView(text, 1));
}

/// "^C", where control characters are shown.
void LineDiscipline::echo_control(u8 byte) {
  if (!local(kLocalEcho)) {
    return;
  }
  if (!is_control(byte) || !local(kLocalEchoControl)) {
    const char text[] = {static_cast<char>(byte)};
    send(StringView(text, 1));
    return;
  }
  const char text[] = {'^', static_cast<char>(byte ^ 0x40)};
  send(StringView(text, 2));
}

void LineDiscipline::send(StringView text) {
  u8 made[64];
  ConstByteSpan left(reinterpret_cast<const u8*>(text.data()), text.size());
  while (!left.empty()) {
    const Processed done = process_output(left, made);
    events_.transmit(ConstByteSpan(made, done.made));
    left = left.subspan(done.taken);
  }
}

void LineDiscipline::advance_column(u8 byte) {
  if (byte == '\n' || byte == '\r') {
    column_ = 0;
  } else if (byte == kBackspace) {
    column_ -= column_ > 0 ? 1 : 0;
  } else if (byte == '\t') {
    column_ += kTabColumns - column_ % kTabColumns;
  } else if (!is_control(byte) && !(input(kInputUtf8) && is_continuation(byte))) {
    column_++;
  }
}

LineDiscipline::Processed LineDiscipline::process_output(ConstByteSpan in, ByteSpan out) {
  Processed done;
  const auto output = [this](u32 mode) { return (termios_.output & mode) != 0; };
  while (done.taken < in.size() && out.size() - done.made >= kTabColumns) {
    u8 byte = in[done.taken++];
    if (!output(kOutputProcess)) {
      out[done.made++] = byte;
      continue;
    }
    if (byte == '\n') {
      if (output(kOutputNlToCrNl)) {
        out[done.made++] = '\r';
      }
      const usize keep = column_;
      advance_column(byte);
      column_ = output(kOutputNlToCrNl | kOutputNlReturns) ? 0 : keep;
      out[done.made++] = byte;
      continue;
    }
    if (byte == '\r' && output(kOutputNoCrAtStart) && column_ == 0) {
      continue;
    }
    if (byte == '\r' && output(kOutputCrToNl)) {
      byte = '\n';
    }
    if (byte == '\t' && (termios_.output & kOutputTabs) == kOutputTabs) {
      const usize spaces = kTabColumns - column_ % kTabColumns;
      std::fill_n(out.data() + done.made, spaces, u8{' '});
      done.made += spaces;
      column_ += spaces;
      continue;
    }
    byte = output(kOutputUpperCase) ? to_upper(byte) : byte;
    out[done.made++] = byte;
    advance_column(byte);
  }
  return done;
}

void LineDiscipline::set_output_stopped(bool stopped) {
  const bool restarts = output_stopped_ && !stopped;
  output_stopped_ = stopped;
  if (restarts) {
    events_.output_restarted();
  }
}

}  // namespace kernel
