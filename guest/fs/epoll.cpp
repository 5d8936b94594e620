// Readiness is asked for, not told: a wait looks at every watch. What an edge-triggered watch adds is the
// change count of the file's PollSource, which must differ from the one at the last report.
//
// Invariants: a watch is in its file's list of watches exactly while it is in its set; no set has more than
// kMaxNesting levels of others above and below it together, and none is in a circle, so a look ends and fits
// the kernel stack. The changes of a set inside another one are those of its watches together, and never
// become fewer.
#include "guest/fs/epoll.h"

#include "guest/fs/anonymous_file.h"
#include "guest/fs/poll.h"
#include "guest/hal/time.h"

namespace kernel {

namespace {

constexpr u32 kPrivateBits = kEpollExclusive | kEpollWakeUp | kEpollOneShot | kEpollEdge;
constexpr unsigned kMaxNesting = 4;

struct EpollSet;

struct EpollWatch final : FileWatch {
  EpollWatch(EpollSet& owner, File& target, i32 number) : set(owner), file(target), fd(number) {}
  void file_gone() override;

  TreeNode by_key;
  ListNode in_order;
  EpollSet& set;
  File& file;
  i32 fd;
  EpollEvent wanted{};
  u64 seen = 0;           ///< change count at the last report
  bool look_anew = true;  ///< added or changed since: what holds now is news

  /// An error or hang-up is always wanted.
  void set_wanted(const EpollEvent& event) {
    wanted = event;
    wanted.events |= kPollErr | kPollHup;
    look_anew = true;
  }
  /// Events that are reported; none once a one-shot watch has been.
  u32 listened() const { return wanted.events & ~kPrivateBits; }
  u64 changes() const;
  u32 ready() const;
};

struct WatchKey {
  const File* file;
  i32 fd;
};
struct ByKey {
  static bool less(const File* a, i32 a_fd, const File* b, i32 b_fd) { return a != b ? a < b : a_fd < b_fd; }
  bool operator()(const EpollWatch& a, const EpollWatch& b) const {
    return less(&a.file, a.fd, &b.file, b.fd);
  }
  bool operator()(const EpollWatch& a, const WatchKey& b) const { return less(&a.file, a.fd, b.file, b.fd); }
  bool operator()(const WatchKey& a, const EpollWatch& b) const { return less(a.file, a.fd, &b.file, b.fd); }
};

struct EpollSet final : FileState {
  ~EpollSet() override {
    while (!order.empty()) {
      remove(order.front());
    }
  }
  EpollWatch* find(const File& file, i32 fd) {
    const auto at = watches.find(WatchKey{&file, fd}, ByKey{});
    return at == watches.end() ? nullptr : &*at;
  }
  KResult<void> add(File& file, i32 fd, const EpollEvent& event) {
    auto watch = TRY(try_make<EpollWatch>(*this, file, fd));
    watch->set_wanted(event);
    past_changes++;
    watches.insert(*watch);
    order.push_back(*watch);
    file.watches.push_back(*watch);
    (void)watch.release();
    return {};
  }
  void change(EpollWatch& watch, const EpollEvent& event) {
    past_changes += watch.changes() + 1;
    watch.set_wanted(event);
  }
  void remove(EpollWatch& watch) {
    past_changes += watch.changes();
    watches.erase(watches.iterator_to(watch));
    order.erase(order.iterator_to(watch));
    delete &watch;  // its node in the file's list unhooks itself
  }
  usize collect(Span<EpollEvent> found);
  u64 changes() const {
    u64 sum = past_changes;
    for (const EpollWatch& watch : order) {
      sum += watch.changes();
    }
    return sum;
  }

  Tree<EpollWatch, &EpollWatch::by_key, ByKey> watches;
  List<EpollWatch, &EpollWatch::in_order> order;
  PollSource source;
  u64 past_changes = 0;  ///< of watches that are gone or were changed, and of adding and changing them
  File* self = nullptr;  ///< the file whose state this is
};

void EpollWatch::file_gone() { set.remove(*this); }

EpollSet& set_of(File& file) { return *file.state<EpollSet>(); }
bool is_epoll(const File& file);

/// Grows whenever what the watch listens to comes true anew.
u64 EpollWatch::changes() const {
  if (listened() == 0) {
    return 0;
  }
  if (is_epoll(file)) {
    return set_of(file).changes();
  }
  const PollSource* const source = file.operations().poll_source(file);
  return source == nullptr ? 0 : source->changes(listened());
}

/// Events to report now; none for an edge-triggered watch whose file is as it was.
u32 EpollWatch::ready() const {
  if (listened() == 0 || ((wanted.events & kEpollEdge) != 0 && !look_anew && changes() == seen)) {
    return 0;
  }
  return file.poll() & listened();
}

usize EpollSet::collect(Span<EpollEvent> found) {
  usize count = 0;
  usize left = 0;
  for (auto it = order.begin(); it != order.end(); ++it) {
    left++;
  }
  // Reported watches go to the end, so that with little room every one has its turn.
  for (auto it = order.begin(); left > 0 && count < found.size(); left--) {
    EpollWatch& watch = *it;
    ++it;
    const u32 events = watch.ready();
    if (events == 0) {
      continue;
    }
    found[count++] = {events, 0, watch.wanted.data};
    watch.look_anew = false;
    watch.seen = watch.changes();
    if ((watch.wanted.events & kEpollOneShot) != 0) {
      past_changes += watch.changes();
      watch.wanted.events &= kPrivateBits;
    }
    order.splice(order.end(), order, order.iterator_to(watch));
  }
  return count;
}

class EpollOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }
  u32 poll(File& file) override {
    for (const EpollWatch& watch : set_of(file).order) {
      if (watch.ready() != 0) {
        return kPollIn | kPollReadNorm;
      }
    }
    return 0;
  }
  PollSource* poll_source(File& file) override { return &set_of(file).source; }

  KResult<void> show_info(File& file, FormatSink& out) override {
    for (const EpollWatch& watch : set_of(file).order) {
      format(out, "tfd: {:8} events: {:8x} data: {:16x}  pos:{} ino:{:x} sdev:{:x}\n", watch.fd,
             watch.wanted.events, watch.wanted.data, watch.file.position(), watch.file.inode().number(),
             watch.file.inode().fs().device());
    }
    return {};
  }
};

EpollOperations& epoll_operations() {
  static EpollOperations operations;
  return operations;
}

bool is_epoll(const File& file) { return &file.operations() == &epoll_operations(); }

/// Levels of sets below and with `file`; more than kMaxNesting when `outer` is among them.
unsigned nesting(File& file, const File& outer) {
  if (&file == &outer) {
    return kMaxNesting + 1;
  }
  if (!is_epoll(file)) {
    return 0;
  }
  unsigned deepest = 0;
  for (EpollWatch& watch : set_of(file).order) {
    deepest = std::max(deepest, nesting(watch.file, outer));
  }
  return deepest + 1;
}

/// Levels of sets above `file`, which nothing but sets watches.
unsigned height_above(File& file) {
  unsigned highest = 0;
  for (FileWatch& watch : file.watches) {
    highest = std::max(highest, 1 + height_above(*static_cast<EpollWatch&>(watch).set.self));
  }
  return highest;
}

}  // namespace

KResult<RefPtr<File>> make_epoll() {
  auto set = TRY(try_make<EpollSet>());
  RefPtr<File> file =
      TRY(make_anonymous_file("[eventpoll]", kOpenReadWrite, epoll_operations(), std::move(set)));
  set_of(*file).self = file.get();
  return file;
}

KResult<void> epoll_control(File& epoll, EpollOp op, File& target, i32 fd, const EpollEvent& event) {
  if (target.operations().poll_source(target) == nullptr) {
    return Err(Errno::kEPERM);
  }
  if (!is_epoll(epoll) || &epoll == &target) {
    return Err(Errno::kEINVAL);
  }
  EpollSet& set = set_of(epoll);
  EpollWatch* const watch = set.find(target, fd);
  switch (op) {
    case EpollOp::kAdd:
      if (is_epoll(target) && height_above(epoll) + nesting(target, epoll) > kMaxNesting) {
        return Err(Errno::kELOOP);
      }
      if (watch != nullptr) {
        return Err(Errno::kEEXIST);
      }
      if ((event.events & kEpollExclusive) != 0 && is_epoll(target)) {
        return Err(Errno::kEINVAL);
      }
      TRY(set.add(target, fd, event));
      break;
    case EpollOp::kDelete:
      if (watch == nullptr) {
        return Err(Errno::kENOENT);
      }
      set.remove(*watch);
      return {};
    case EpollOp::kModify:
      if (watch == nullptr) {
        return Err(Errno::kENOENT);
      }
      if (((event.events | watch->wanted.events) & kEpollExclusive) != 0) {
        return Err(Errno::kEINVAL);
      }
      set.change(*watch, event);
      break;
    default:
      return Err(Errno::kEINVAL);
  }
  wake_pollers();  // somebody may sleep in this set already
  return {};
}

KResult<usize> epoll_wait(File& epoll, Span<EpollEvent> found, u64 deadline_ns) {
  if (!is_epoll(epoll)) {
    return Err(Errno::kEINVAL);
  }
  EpollSet& set = set_of(epoll);
  usize count = set.collect(found);
  if (count > 0 || deadline_ns <= monotonic_ns()) {
    return count;
  }
  const auto waited = wait_event_until(poll_queue(), deadline_ns, [&] {
    count = count > 0 ? count : set.collect(found);
    return count > 0;
  });
  if (!waited.ok() && waited.error() != Errno::kETIMEDOUT) {
    return Err(waited.error());
  }
  return count;
}

}  // namespace kernel
