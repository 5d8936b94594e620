// Expiries are counted when somebody looks: the hart's timer fires once, and again only after a read or a
// new setting, so a timer that nobody reads costs nothing.
#include "guest/fs/timer_file.h"

#include "guest/drivers/rtc.h"
#include "guest/fs/anonymous_file.h"
#include "guest/fs/poll.h"
#include "guest/hal/time.h"
#include "guest/sched/timer.h"

namespace kernel {

namespace {

struct TimerState final : FileState {
  TimerState(TimerFileClock which, i32 id) : clock(which), clock_id(id) {}

  u64 deadline_ns = 0;  ///< of the next expiry that was not counted, on the monotonic clock; 0: none
  u64 interval_ns = 0;
  u64 expiries = 0;  ///< counted and not read
  TimerFileClock clock;
  i32 clock_id;
  u32 set_flags = 0;  ///< only shown
  PollSource source;
  WaitQueue readers;
  Timer timer{[](Timer&, void* self) { static_cast<TimerState*>(self)->fire(); }, this};

  void fire() {
    count();
    readers.wake_all();
    source.wake(kPollIn);
  }
  /// Takes what has expired by now into `expiries`.
  void count() {
    const u64 now = monotonic_ns();
    if (deadline_ns == 0 || now < deadline_ns) {
      return;
    }
    if (interval_ns == 0) {
      expiries++;
      deadline_ns = 0;
      return;
    }
    const u64 times = 1 + (now - deadline_ns) / interval_ns;
    expiries += times;
    deadline_ns += times * interval_ns;
  }
  void arm() {
    timer.cancel();
    if (deadline_ns != 0) {
      timer.arm(deadline_ns);
    }
  }
  u64 remaining_ns() const {
    if (deadline_ns == 0) {
      return 0;
    }
    const u64 now = monotonic_ns();
    return deadline_ns > now ? deadline_ns - now : 1;
  }
};

TimerState& state_of(File& file) { return *file.state<TimerState>(); }

class TimerOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }

  KResult<usize> read(File& file, u64, IoBuffer& buffer) override {
    TimerState& timer = state_of(file);
    if (buffer.remaining() < sizeof(u64)) {
      return Err(Errno::kEINVAL);
    }
    timer.count();
    if (timer.expiries == 0 && file.nonblocking()) {
      return Err(Errno::kEAGAIN);
    }
    TRY(wait_event_interruptible(timer.readers, [&] { return timer.expiries > 0; }));
    timer.count();
    const u64 taken = std::exchange(timer.expiries, 0);
    timer.arm();
    buffer.put(&taken, sizeof(taken));
    return buffer.result();
  }

  u32 poll(File& file) override {
    state_of(file).count();
    return state_of(file).expiries > 0 ? kPollIn | kPollReadNorm : 0;
  }
  PollSource* poll_source(File& file) override { return &state_of(file).source; }

  KResult<void> show_info(File& file, FormatSink& out) override {
    constexpr u64 kNsPerSecond = 1'000'000'000;
    const TimerState& timer = state_of(file);
    const auto show = [&out](StringView name, u64 ns) {
      format(out, "{}: ({}, {})\n", name, ns / kNsPerSecond, ns % kNsPerSecond);
    };
    format(out, "clockid: {}\nticks: {}\nsettime flags: 0{}\n", timer.clock_id, timer.expiries,
           timer.set_flags);
    show("it_value", timer.remaining_ns());
    show("it_interval", timer.interval_ns);
    return {};
  }
};

TimerOperations& timer_operations() {
  static TimerOperations operations;
  return operations;
}

KResult<TimerState*> require_timer(File& file) {
  if (&file.operations() != &timer_operations()) {
    return Err(Errno::kEINVAL);
  }
  return &state_of(file);
}

/// A moment of the timer's clock on the monotonic one; never 0, which stands for none.
u64 to_monotonic(TimerFileClock clock, u64 moment_ns) {
  const u64 now = clock == TimerFileClock::kRealtime ? realtime_ns() : monotonic_ns();
  const u64 ahead = moment_ns > now ? moment_ns - now : 0;
  u64 deadline = 0;
  return __builtin_add_overflow(monotonic_ns(), ahead, &deadline) ? ~u64{0} - 1 : std::max<u64>(deadline, 1);
}

}  // namespace

KResult<RefPtr<File>> make_timer_file(TimerFileClock clock, i32 clock_id, u32 flags) {
  auto state = TRY(try_make<TimerState>(clock, clock_id));
  return make_anonymous_file("[timerfd]", kOpenReadOnly | kOpenReadWrite | (flags & kOpenNonBlock),
                             timer_operations(), std::move(state));
}

KResult<TimerFileSetting> set_timer_file(File& file, const TimerFileSetting& setting, TimerStart start) {
  TimerState& timer = *TRY(require_timer(file));
  const TimerFileSetting before = TRY(get_timer_file(file));
  timer.expiries = 0;
  timer.interval_ns = setting.interval_ns;
  timer.set_flags = start == TimerStart::kAbsolute ? 1 : 0;
  timer.deadline_ns = 0;
  if (setting.value_ns != 0 && start == TimerStart::kAbsolute) {
    timer.deadline_ns = to_monotonic(timer.clock, setting.value_ns);
  } else if (setting.value_ns != 0) {
    timer.deadline_ns =
        to_monotonic(TimerFileClock::kMonotonic,
                     setting.value_ns > ~monotonic_ns() ? ~u64{0} - 1 : monotonic_ns() + setting.value_ns);
  }
  timer.arm();
  return before;
}

KResult<TimerFileSetting> get_timer_file(File& file) {
  TimerState& timer = *TRY(require_timer(file));
  timer.count();
  return TimerFileSetting{.value_ns = timer.remaining_ns(), .interval_ns = timer.interval_ns};
}

}  // namespace kernel
