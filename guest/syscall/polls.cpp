// ppoll(2) and pselect6(2): waiting for several descriptors at once.
#include "guest/fs/poll.h"
#include "guest/hal/time.h"
#include "guest/proc/process.h"
#include "guest/syscall/waits.h"

namespace kernel {

namespace {

constexpr u32 kAlwaysReported = kPollErr | kPollHup | kPollNval;

u32 events_of(i32 fd, u32 wanted) {
  auto file = file_of(fd);
  return file.ok() ? file.value()->poll() & (wanted | kAlwaysReported) : u32{kPollNval};
}

/// The deadline of a call with a time-out; a null pointer is none.
KResult<u64> call_deadline(VirtAddr timeout) {
  Task& task = current_task();
  task.restart = Restart::kNoHandler;
  if (task.resume_deadline_ns != 0) {
    return task.resume_deadline_ns;
  }
  if (timeout.value == 0) {
    return kNoDeadline;
  }
  const u64 ns = TRY(user_timespec_ns(timeout));
  // A deadline of 0 would read as "none": one that has passed does as well.
  task.resume_deadline_ns = ns == 0 ? 1 : deadline_after(ns);
  return task.resume_deadline_ns;
}

/// The time that is left, for the caller's timespec.
void report_remaining(VirtAddr timeout, u64 deadline_ns) {
  if (timeout.value == 0) {
    return;
  }
  const u64 now = monotonic_ns();
  (void)put_user(timeout, to_timespec(deadline_ns > now ? deadline_ns - now : 0));
}

/// Sleeps until `look()` finds something, the deadline or a signal. A time-out is success with nothing found.
template <class Look>
KResult<void> wait_for_events(u64 deadline_ns, Look look) {
  if (look() || deadline_ns <= monotonic_ns()) {
    return {};
  }
  const auto waited = wait_event_until(poll_queue(), deadline_ns, look);
  return waited.ok() || waited.error() == Errno::kETIMEDOUT ? KResult<void>()
                                                            : KResult<void>(Err(waited.error()));
}

/// A descriptor set of select(2): one bit a descriptor, in words of 64.
class DescriptorSet {
 public:
  KResult<void> read(VirtAddr address, u32 count) {
    address_ = address;
    TRY(in_.resize(words(count)));
    TRY(out_.resize(words(count)));
    if (address.value != 0) {
      TRY(copy_from_user(in_.data(), address, words(count) * sizeof(u64)));
    }
    return {};
  }
  bool has(u32 fd) const { return address_.value != 0 && bit(in_[fd / 64], fd % 64); }
  void set(u32 fd) { out_[fd / 64] |= u64{1} << (fd % 64); }
  void clear() { std::fill(out_.begin(), out_.end(), 0); }
  KResult<void> write() const {
    return address_.value == 0 ? KResult<void>()
                               : copy_to_user(address_, out_.data(), out_.size() * sizeof(u64));
  }

 private:
  static usize words(u32 count) { return (count + 63) / 64; }
  VirtAddr address_{};
  Vector<u64> in_;
  Vector<u64> out_;
};

constexpr u32 kSelectRead = kPollIn | kPollReadNorm | kPollReadBand | kPollHup | kPollErr;
constexpr u32 kSelectWrite = kPollOut | kPollWriteNorm | kPollWriteBand | kPollErr;
constexpr u32 kSelectExcept = kPollPri;

struct Selection {
  DescriptorSet sets[3];
  u32 count = 0;  ///< descriptors looked at
  i64 ready = 0;

  KResult<void> check() const {
    for (u32 fd = 0; fd < count; fd++) {
      if (wanted(fd) != 0) {
        TRY(file_of(static_cast<i32>(fd)));
      }
    }
    return {};
  }
  u32 wanted(u32 fd) const {
    constexpr u32 kEvents[3] = {kSelectRead, kSelectWrite, kSelectExcept};
    u32 events = 0;
    for (int i = 0; i < 3; i++) {
      events |= sets[i].has(fd) ? kEvents[i] : 0;
    }
    return events;
  }
  bool look() {
    constexpr u32 kEvents[3] = {kSelectRead, kSelectWrite, kSelectExcept};
    ready = 0;
    for (DescriptorSet& set : sets) {
      set.clear();
    }
    for (u32 fd = 0; fd < count; fd++) {
      const u32 events = wanted(fd) == 0 ? 0 : events_of(static_cast<i32>(fd), wanted(fd));
      for (int i = 0; i < 3; i++) {
        if (sets[i].has(fd) && (events & kEvents[i]) != 0) {
          sets[i].set(fd);
          ready++;
        }
      }
    }
    return ready > 0;
  }
};

}  // namespace

SyscallResult sys_ppoll(const SyscallArgs& args) {
  const u32 count = args.as_uint(1);
  if (count > open_files_limit()) {
    return Err(Errno::kEINVAL);
  }
  Vector<PollFd> fds;
  TRY(fds.resize(count));
  TRY(copy_from_user(fds.data(), args.as_address(0), count * sizeof(PollFd)));
  const u64 deadline = TRY(call_deadline(args.as_address(2)));
  TRY(begin_temporary_mask(args.as_address(3), args[4]));
  i64 ready = 0;
  const auto result = wait_for_events(deadline, [&] {
    ready = 0;
    for (PollFd& fd : fds) {
      fd.revents = fd.fd < 0 ? 0 : static_cast<u16>(events_of(fd.fd, fd.events));
      ready += fd.revents != 0 ? 1 : 0;
    }
    return ready > 0;
  });
  end_temporary_mask(result.ok());
  report_remaining(args.as_address(2), deadline);
  TRY(result);
  TRY(copy_to_user(args.as_address(0), fds.data(), count * sizeof(PollFd)));
  return ready;
}

SyscallResult sys_pselect6(const SyscallArgs& args) {
  if (args.as_int(0) < 0) {
    return Err(Errno::kEINVAL);
  }
  Selection selection;
  // Above the table nothing is open: those bits are not looked at (select(2), BUGS).
  selection.count =
      std::min<u32>(args.as_uint(0), static_cast<u32>(align_up(current_task().files().capacity(), 64)));
  for (unsigned i = 0; i < 3; i++) {
    TRY(selection.sets[i].read(args.as_address(i + 1), selection.count));
  }
  TRY(selection.check());
  const u64 deadline = TRY(call_deadline(args.as_address(4)));
  if (args[5] != 0) {
    struct MaskArgument {
      u64 set;
      u64 bytes;
    };
    const auto mask = TRY(get_user<MaskArgument>(args.as_address(5)));
    TRY(begin_temporary_mask(VirtAddr(mask.set), mask.bytes));
  }
  const auto result = wait_for_events(deadline, [&selection] { return selection.look(); });
  end_temporary_mask(result.ok());
  report_remaining(args.as_address(4), deadline);
  TRY(result);
  for (const DescriptorSet& set : selection.sets) {
    TRY(set.write());
  }
  return selection.ready;
}

}  // namespace kernel
