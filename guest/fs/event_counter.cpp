// Invariant: the counter never reaches ~0: a write that would lift it there waits.
#include "guest/fs/event_counter.h"

#include "guest/fs/anonymous_file.h"
#include "guest/fs/poll.h"

namespace kernel {

namespace {

constexpr u64 kCounterEnd = ~u64{0};

struct EventState final : FileState {
  u64 count = 0;
  u32 id = 0;
  bool semaphore = false;
  PollSource source;
  WaitQueue waiters;
};

EventState& state_of(File& file) { return *file.state<EventState>(); }

class EventOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }

  KResult<usize> read(File& file, u64, IoBuffer& buffer) override {
    EventState& event = state_of(file);
    if (buffer.remaining() < sizeof(u64)) {
      return Err(Errno::kEINVAL);
    }
    if (event.count == 0 && file.nonblocking()) {
      return Err(Errno::kEAGAIN);
    }
    TRY(wait_event_interruptible(event.waiters, [&] { return event.count > 0; }));
    const u64 taken = event.semaphore ? 1 : event.count;
    event.count -= taken;
    changed(event, kPollOut);
    buffer.put(&taken, sizeof(taken));
    return buffer.result();
  }

  KResult<usize> write(File& file, u64, IoBuffer& buffer) override {
    EventState& event = state_of(file);
    u64 added = 0;
    if (buffer.remaining() < sizeof(added)) {
      return Err(Errno::kEINVAL);
    }
    buffer.limit(sizeof(added));
    if (buffer.get(&added, sizeof(added)) < sizeof(added)) {
      return Err(Errno::kEFAULT);
    }
    if (added == kCounterEnd) {
      return Err(Errno::kEINVAL);
    }
    const auto fits = [&] { return kCounterEnd - event.count > added; };
    if (!fits() && file.nonblocking()) {
      return Err(Errno::kEAGAIN);
    }
    TRY(wait_event_interruptible(event.waiters, fits));
    event.count += added;
    changed(event, kPollIn);
    return buffer.result();
  }

  u32 poll(File& file) override {
    const u64 count = state_of(file).count;
    return (count > 0 ? kPollIn | kPollReadNorm : 0) |
           (count < kCounterEnd - 1 ? kPollOut | kPollWriteNorm : 0);
  }
  PollSource* poll_source(File& file) override { return &state_of(file).source; }

  KResult<void> show_info(File& file, FormatSink& out) override {
    const EventState& event = state_of(file);
    char text[20];
    const StringView digits = format_into(text, "{:x}", event.count);
    out.put("eventfd-count: ");
    for (usize i = digits.size(); i < 16; i++) {
      out.put(" ");
    }
    format(out, "{}\neventfd-id: {}\neventfd-semaphore: {}\n", digits, event.id, event.semaphore ? 1 : 0);
    return {};
  }

 private:
  static void changed(EventState& event, u32 events) {
    event.waiters.wake_all();
    event.source.wake(events);
  }
};

}  // namespace

KResult<RefPtr<File>> make_event_counter(u32 initial, u32 flags) {
  static EventOperations operations;
  static u32 last_id = 0;
  auto state = TRY(try_make<EventState>());
  state->count = initial;
  state->semaphore = (flags & kEventSemaphore) != 0;
  state->id = last_id++;
  return make_anonymous_file("[eventfd]", kOpenReadWrite | (flags & kOpenNonBlock), operations,
                             std::move(state));
}

}  // namespace kernel
