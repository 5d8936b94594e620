#include "guest/proc/terminal.h"

#include "guest/hal/time.h"
#include "guest/hal/user_access.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"

namespace kernel {

namespace {

constexpr usize kPieceBytes = 512;
constexpr u64 kNsPerTenth = 100'000'000;
constexpr u32 kSpeed = 38400;

bool is_blocked_or_ignored(i32 signo) {
  const Task& task = current_task();
  return (task.blocked() & sig_bit(signo)) != 0 || task.process().actions->of(signo).handler == kSigIgnore;
}

}  // namespace

bool is_orphaned_group(u32 group, u32 session, const Process* without) {
  bool orphaned = true;
  process_table().for_each([&](Process& process) {
    if (process.group != group || &process == without || process.state == ProcessState::kZombie) {
      return;
    }
    const Process* const parent = process.parent();
    if (parent != nullptr && parent != without && parent != &process_table().first() &&
        parent->group != group && parent->session == session) {
      orphaned = false;
    }
  });
  return orphaned;
}

// --- job control ---

/// A background process that reads, writes or changes the terminal: its group is stopped, and the call comes
/// again.
KResult<void> Terminal::check_foreground(i32 signo) {
  Process& self = current_process();
  if (self.terminal != this || foreground_ == 0 || self.group == foreground_) {
    return {};
  }
  if (is_blocked_or_ignored(signo)) {
    return signo == kSIGTTIN ? KResult<void>(Err(Errno::kEIO)) : KResult<void>();
  }
  if (is_orphaned_group(self.group, self.session)) {
    return Err(Errno::kEIO);
  }
  send_to_group(self.group, signal_from_kernel(signo));
  current_task().restart = Restart::kAlways;
  return Err(Errno::kEINTR);
}

void Terminal::send_signal(i32 signo) {
  if (foreground_ != 0) {
    send_to_group(foreground_, signal_from_kernel(signo));
  }
}

void Terminal::control(Process& leader) {
  leader.terminal = RefPtr<Terminal>(this);
  session_ = leader.session;
  foreground_ = leader.group;
}

KResult<void> Terminal::opened(const File& file) {
  if (hung_up_) {
    return Err(Errno::kEIO);
  }
  Task* const task = current_task_or_null();
  if (task == nullptr || (file.flags() & kOpenNoCtty) != 0) {
    return {};
  }
  Process& self = task->process();
  if (self.session == self.pid() && !self.terminal && session_ == 0) {
    control(self);
  }
  return {};
}

void Terminal::leave_session(Process& leader) {
  if (session_ == 0 || leader.terminal != this) {
    return;
  }
  const u32 left = session_;
  const u32 group = foreground_;
  session_ = foreground_ = 0;
  RefPtr<Terminal> keep(this);
  process_table().for_each([&](Process& process) {
    if (process.session == left && process.terminal == this) {
      process.terminal.reset();
    }
  });
  if (group != 0) {
    send_to_group(group, signal_from_kernel(kSIGHUP));
    send_to_group(group, signal_from_kernel(kSIGCONT));
  }
}

void Terminal::hang_up() {
  if (hung_up_) {
    return;
  }
  hung_up_ = true;
  Process* const leader = session_ == 0 ? nullptr : process_table().find(session_);
  if (leader != nullptr && leader->terminal == this && leader->group != foreground_) {
    (void)send_to_process(*leader, signal_from_kernel(kSIGHUP));
    (void)send_to_process(*leader, signal_from_kernel(kSIGCONT));
  }
  if (leader != nullptr) {
    leave_session(*leader);
  }
  readers_.wake_all();
  wake_writers();
  source_.wake(kPollHup);
}

void Terminal::set_window(const WindowSize& size) {
  const bool changed = memcmp(&size, &window_, sizeof(size)) != 0;
  window_ = size;
  if (changed && foreground_ != 0) {
    send_to_group(foreground_, signal_from_kernel(kSIGWINCH));
  }
}

// --- reading ---

void Terminal::readable() {
  readers_.wake_all();
  source_.wake(kPollIn);
}

bool Terminal::input_ready() const {
  if (line_.canonical()) {
    return line_.has_line();
  }
  const u8 min = line_.termios().characters[kCharMin];
  const u8 time = line_.termios().characters[kCharTime];
  return line_.available() >= (time == 0 && min != 0 ? min : 1);
}

/// termios(3), "Canonical and noncanonical mode": MIN and TIME. Success with nothing there is a time-out.
KResult<void> Terminal::wait_for_input(const File& file) {
  const Termios& termios = line_.termios();
  const auto gone = [this] { return hung_up_; };
  if (line_.canonical()) {
    if (file.nonblocking() && !line_.has_line() && !gone()) {
      return Err(Errno::kEAGAIN);
    }
    return wait_event_interruptible(
        readers_, [&] { return gone() || (line_.canonical() ? line_.has_line() : line_.available() > 0); });
  }
  const u8 min = termios.characters[kCharMin];
  const u64 between_ns = termios.characters[kCharTime] * kNsPerTenth;
  if (file.nonblocking()) {
    return line_.available() > 0 || gone() || min == 0 ? KResult<void>() : KResult<void>(Err(Errno::kEAGAIN));
  }
  if (min == 0 && between_ns == 0) {
    return {};
  }
  // With MIN the clock starts at the first byte, and anew at each; without, at once.
  for (;;) {
    const usize before = line_.available();
    if (gone() || before >= std::max<usize>(min, 1)) {
      return {};
    }
    const u64 deadline =
        between_ns != 0 && (min == 0 || before > 0) ? monotonic_ns() + between_ns : kNoDeadline;
    const auto woken =
        wait_event_until(readers_, deadline, [&] { return gone() || line_.available() != before; });
    if (!woken.ok()) {
      return woken.error() == Errno::kETIMEDOUT ? KResult<void>() : woken;
    }
  }
}

KResult<usize> Terminal::read(File& file, IoBuffer& buffer) {
  TRY(check_foreground(kSIGTTIN));
  if (buffer.remaining() == 0) {
    return usize{0};
  }
  TRY(wait_for_input(file));
  // One line at most, else whatever is there.
  Vector<u8> piece;
  TRY(piece.resize(std::min<u64>(LineDiscipline::kCapacity, buffer.remaining())));
  buffer.put(piece.data(), line_.take(piece.span()));
  input_taken();
  return buffer.result();
}

// --- writing ---

void Terminal::wake_writers() {
  writers_.wake_all();
  source_.wake(kPollOut);
}

void Terminal::transmit(ConstByteSpan bytes) {
  const usize fits = std::min(bytes.size(), room());
  if (fits > 0) {
    (void)put(bytes.subspan(0, fits));
  }
}

/// Processes and sends bytes; returns how many of them went.
KResult<usize> Terminal::put_user_bytes(File& file, ConstByteSpan bytes) {
  usize sent = 0;
  u8 processed[kPieceBytes];
  while (sent < bytes.size()) {
    constexpr usize kMinRoom = 8;  // one byte may become a tab's worth of spaces
    const auto can_go_on = [this] { return hung_up_ || (!line_.output_stopped() && room() >= kMinRoom); };
    if (!can_go_on()) {
      if (file.nonblocking()) {
        return sent > 0 ? KResult<usize>(sent) : Err(Errno::kEAGAIN);
      }
      const auto woken = wait_event_interruptible(writers_, can_go_on);
      if (!woken.ok()) {
        return sent > 0 ? KResult<usize>(sent) : Err(woken.error());
      }
    }
    if (hung_up_) {
      return Err(Errno::kEIO);
    }
    const auto done =
        line_.process_output(bytes.subspan(sent), ByteSpan(processed, std::min(sizeof(processed), room())));
    const auto went = put(ConstByteSpan(processed, done.made));
    if (!went.ok()) {
      return sent > 0 ? KResult<usize>(sent) : Err(went.error());
    }
    sent += done.taken;
  }
  return sent;
}

KResult<usize> Terminal::write(File& file, IoBuffer& buffer) {
  if ((line_.termios().local & kLocalStopOutput) != 0) {
    TRY(check_foreground(kSIGTTOU));
  }
  if (hung_up_) {
    return Err(Errno::kEIO);
  }
  // Writers take turns, so that their bytes do not mix.
  MutexGuard guard(write_lock_);
  u8 piece[kPieceBytes];
  usize sent = 0;
  while (buffer.remaining() > 0 && !buffer.faulted()) {
    const usize count = buffer.get(piece, sizeof(piece));
    const auto went = put_user_bytes(file, ConstByteSpan(piece, count));
    if (!went.ok()) {
      return sent > 0 ? KResult<usize>(sent) : Err(went.error());
    }
    sent += went.value();
    if (went.value() < count) {
      return sent;
    }
  }
  return buffer.faulted() && sent == 0 ? KResult<usize>(Err(Errno::kEFAULT)) : KResult<usize>(sent);
}

u32 Terminal::poll() {
  u32 events = 0;
  if (input_ready() || hung_up_) {
    events |= kPollIn | kPollReadNorm;
  }
  if (hung_up_) {
    events |= kPollHup;
  }
  constexpr usize kWorthwhile = 256;
  if (hung_up_ || (!line_.output_stopped() && room() >= kWorthwhile)) {
    events |= kPollOut | kPollWriteNorm;
  }
  return events;
}

// --- requests ---

KResult<void> Terminal::set_termios(u32 request, VirtAddr argument) {
  TRY(check_foreground(kSIGTTOU));
  const Termios fresh =
      TRY(get_user<Termios>(argument));  // termios2 begins with it; its speeds mean nothing here
  const bool flush = request == kTcSetsFlush || request == kTcSetsFlush2;
  const bool drain = flush || request == kTcSetsWait || request == kTcSetsWait2;
  if (drain) {
    TRY(wait_event_interruptible(writers_, [this] { return hung_up_ || queued_output() == 0; }));
  }
  if (flush) {
    line_.flush_input();
  }
  line_.set_termios(fresh);
  input_taken();
  if (input_ready()) {
    readable();
  }
  return {};
}

KResult<i64> Terminal::controlling_ioctl(u32 request, VirtAddr argument) {
  Process& self = current_process();
  if (request == kTiocSetControlling) {
    if (self.session == self.pid() && session_ == self.session) {
      return 0;
    }
    if (self.session != self.pid() || self.terminal) {
      return Err(Errno::kEPERM);
    }
    if (session_ != 0) {
      // Stealing another session's terminal is root's, and only when asked for.
      if (argument.value != 1 || !self.identity.privileged()) {
        return Err(Errno::kEPERM);
      }
      const u32 robbed = session_;
      process_table().for_each([&](Process& process) {
        if (process.session == robbed && process.terminal == this) {
          process.terminal.reset();
        }
      });
    }
    control(self);
    return 0;
  }
  if (self.terminal != this) {
    return Err(Errno::kENOTTY);
  }
  switch (request) {
    case kTiocGiveUpControlling:
      if (self.session == self.pid()) {
        leave_session(self);
      } else {
        self.terminal.reset();
      }
      return 0;
    case kTiocGetGroup:
      TRY(put_user(argument, foreground_));
      return 0;
    case kTiocGetSession:
      TRY(put_user(argument, session_));
      return 0;
    default: {  // kTiocSetGroup
      TRY(check_foreground(kSIGTTOU));
      const i32 group = TRY(get_user<i32>(argument));
      if (session_ != self.session) {
        return Err(Errno::kENOTTY);
      }
      if (group < 0) {
        return Err(Errno::kEINVAL);
      }
      if (!process_table().group_in_session(static_cast<u32>(group), session_)) {
        return Err(process_table().find(static_cast<u32>(group)) == nullptr ? Errno::kESRCH : Errno::kEPERM);
      }
      foreground_ = static_cast<u32>(group);
      return 0;
    }
  }
}

KResult<i64> Terminal::ioctl(File&, u32 request, VirtAddr argument) {
  if (hung_up_) {
    return Err(Errno::kEIO);
  }
  switch (request) {
    case kTcGets:
      TRY(put_user(argument, line_.termios()));
      return 0;
    case kTcGets2:
      TRY(put_user(argument, Termios2{line_.termios(), kSpeed, kSpeed}));
      return 0;
    case kTcSets:
    case kTcSetsWait:
    case kTcSetsFlush:
    case kTcSets2:
    case kTcSetsWait2:
    case kTcSetsFlush2:
      TRY(set_termios(request, argument));
      return 0;
    case kTiocGetWindow:
      TRY(put_user(argument, window_));
      return 0;
    case kTiocSetWindow: {
      const auto size = TRY(get_user<WindowSize>(argument));
      set_window(size);
      return 0;
    }
    case kTiocSetControlling:
    case kTiocGiveUpControlling:
    case kTiocGetGroup:
    case kTiocSetGroup:
    case kTiocGetSession:
      return controlling_ioctl(request, argument);
    case kTiocInQueue:
      TRY(put_user(argument, static_cast<i32>(line_.available())));
      return 0;
    case kTiocOutQueue:
      TRY(put_user(argument, static_cast<i32>(queued_output())));
      return 0;
    case kTcXonc: {
      enum : u64 { kOutputOff = 0, kOutputOn = 1, kInputOff = 2, kInputOn = 3 };
      TRY(check_foreground(kSIGTTOU));
      if (argument.value > kInputOn) {
        return Err(Errno::kEINVAL);
      }
      if (argument.value <= kOutputOn) {
        line_.set_output_stopped(argument.value == kOutputOff);
      }
      return 0;
    }
    case kTcFlush: {
      TRY(check_foreground(kSIGTTOU));
      if (argument.value > static_cast<u64>(FlushQueue::kBoth)) {
        return Err(Errno::kEINVAL);
      }
      const auto which = static_cast<FlushQueue>(argument.value);
      if (which != FlushQueue::kOutput) {
        line_.flush_input();
        input_taken();
      }
      if (which != FlushQueue::kInput) {
        flush_output();
      }
      return 0;
    }
    case kTcSendBreak:
    case kTcSendBreakPosix:
      // tcdrain(3) is TCSBRK with an argument.
      TRY(wait_event_interruptible(writers_, [this] { return hung_up_ || queued_output() == 0; }));
      return 0;
    case kTiocExclusive:
    case kTiocNoExclusive:
      return 0;
    default:
      return Err(Errno::kENOTTY);
  }
}

}  // namespace kernel
