// Events as descriptors: eventfd2(2), timerfd_create(2) and its kin, signalfd4(2), and epoll(7) over them
// all.
#include "guest/fs/epoll.h"
#include "guest/fs/event_counter.h"
#include "guest/fs/timer_file.h"
#include "guest/hal/time.h"
#include "guest/proc/signal_file.h"
#include "guest/syscall/waits.h"

namespace kernel {

namespace {

/// struct itimerspec.
struct TimerSpec {
  TimeSpec interval;
  TimeSpec value;
};

TimerSpec to_timer_spec(const TimerFileSetting& setting) {
  return {to_timespec(setting.interval_ns), to_timespec(setting.value_ns)};
}

constexpr usize kEpollEventsAtOnce = 256;

/// epoll_wait never goes on by itself after a signal (signal(7)).
SyscallResult wait_in_epoll(const SyscallArgs& args, u64 deadline_ns) {
  current_task().restart = Restart::kNever;
  const i32 room = args.as_int(2);
  if (room <= 0 || static_cast<usize>(room) > INT32_MAX / sizeof(EpollEvent)) {
    return Err(Errno::kEINVAL);
  }
  auto file = TRY(file_of(args.as_int(0)));
  Vector<EpollEvent> found;
  TRY(found.resize(std::min<usize>(static_cast<usize>(room), kEpollEventsAtOnce)));
  TRY(begin_temporary_mask(args.as_address(4), args[5]));
  const auto count = epoll_wait(*file, found.span(), deadline_ns);
  end_temporary_mask(count.ok() || count.error() != Errno::kEINTR);
  if (!count.ok()) {
    return Err(count.error());
  }
  TRY(copy_to_user(args.as_address(1), found.data(), count.value() * sizeof(EpollEvent)));
  return static_cast<i64>(count.value());
}

}  // namespace

SyscallResult sys_eventfd2(const SyscallArgs& args) {
  const u32 flags = args.as_uint(1);
  TRY(check_flags(flags, u32{kEventSemaphore} | kOpenNonBlock | kOpenCloseOnExec));
  return install_file(TRY(make_event_counter(args.as_uint(0), flags)), flags);
}

SyscallResult sys_timerfd_create(const SyscallArgs& args) {
  enum : i32 { kRealtime = 0, kMonotonic = 1, kBoottime = 7, kRealtimeAlarm = 8, kBoottimeAlarm = 9 };
  const u32 flags = args.as_uint(1);
  TRY(check_flags(flags, kOpenNonBlock | kOpenCloseOnExec));
  TimerFileClock clock = TimerFileClock::kMonotonic;
  switch (args.as_int(0)) {
    case kRealtimeAlarm:
    case kRealtime:
      clock = TimerFileClock::kRealtime;
      break;
    case kMonotonic:
    case kBoottime:
    case kBoottimeAlarm:
      break;
    default:
      return Err(Errno::kEINVAL);
  }
  if (args.as_int(0) >= kRealtimeAlarm && !current_process().identity.privileged()) {
    return Err(Errno::kEPERM);
  }
  return install_file(TRY(make_timer_file(clock, args.as_int(0), flags)), flags);
}

SyscallResult sys_timerfd_settime(const SyscallArgs& args) {
  enum : u32 { kAbsolute = 1, kCancelOnSet = 2 };
  TRY(check_flags(args.as_uint(1), kAbsolute | kCancelOnSet));
  const TimerFileSetting setting{.value_ns = TRY(user_timespec_ns(args.as_address(2) + sizeof(TimeSpec))),
                                 .interval_ns = TRY(user_timespec_ns(args.as_address(2)))};
  auto file = TRY(file_of(args.as_int(0)));
  const auto start = (args.as_uint(1) & kAbsolute) != 0 ? TimerStart::kAbsolute : TimerStart::kRelative;
  const TimerFileSetting before = TRY(set_timer_file(*file, setting, start));
  if (args[3] != 0) {
    TRY(put_user(args.as_address(3), to_timer_spec(before)));
  }
  return 0;
}

SyscallResult sys_timerfd_gettime(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  const TimerFileSetting setting = TRY(get_timer_file(*file));
  TRY(put_user(args.as_address(1), to_timer_spec(setting)));
  return 0;
}

SyscallResult sys_signalfd4(const SyscallArgs& args) {
  const u32 flags = args.as_uint(3);
  TRY(check_flags(flags, kOpenNonBlock | kOpenCloseOnExec));
  const SigSet wanted = TRY(user_sigset(args.as_address(1), args[2]));
  if (args.as_int(0) == -1) {
    return install_file(TRY(make_signal_file(wanted, flags)), flags);
  }
  auto file = TRY(file_of(args.as_int(0)));
  TRY(change_signal_file(*file, wanted));
  return i64{args.as_int(0)};
}

SyscallResult sys_epoll_create1(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(0), kOpenCloseOnExec));
  return install_file(TRY(make_epoll()), args.as_uint(0));
}

SyscallResult sys_epoll_ctl(const SyscallArgs& args) {
  const auto op = static_cast<EpollOp>(args.as_int(1));
  EpollEvent event{};
  if (op != EpollOp::kDelete) {
    event = TRY(get_user<EpollEvent>(args.as_address(3)));
  }
  auto epoll = TRY(file_of(args.as_int(0)));
  auto target = TRY(file_of(args.as_int(2)));
  TRY(epoll_control(*epoll, op, *target, args.as_int(2), event));
  return 0;
}

SyscallResult sys_epoll_pwait(const SyscallArgs& args) {
  const i32 milliseconds = args.as_int(3);
  return wait_in_epoll(args, milliseconds < 0 ? kNoDeadline
                             : milliseconds == 0
                                 ? 0
                                 : deadline_after(static_cast<u64>(milliseconds) * 1'000'000));
}

SyscallResult sys_epoll_pwait2(const SyscallArgs& args) {
  u64 deadline = kNoDeadline;
  if (args[3] != 0) {
    const u64 ns = TRY(user_timespec_ns(args.as_address(3)));
    deadline = ns == 0 ? 0 : deadline_after(ns);
  }
  return wait_in_epoll(args, deadline);
}

}  // namespace kernel
