// Invariants: a pseudo-terminal has its number, and its entry in /dev/pts, from the opening of its master
// until that is closed; output that the master has not read stays in a ring of kRingBytes, and writers wait.
// Input that the line discipline has no room for stays in waiting_, and nothing overtakes it; writers of the
// master wait when that is full too.
#include "guest/proc/pty.h"

#include <algorithm>

#include "guest/fs/devfs.h"
#include "guest/fs/vfs.h"
#include "guest/hal/user_access.h"
#include "guest/lib/parse.h"
#include "guest/proc/process.h"
#include "guest/proc/terminal.h"

namespace kernel {

namespace {

constexpr u32 kSlaveMajor = 136;
constexpr u64 kMasterDevice = make_device(5, 2);
constexpr u32 kMaxPtys = 1024;
constexpr u32 kDevptsMagic = 0x1cd1;
constexpr u32 kTtyGroup = 5;
constexpr usize kRingBytes = 16384;
constexpr usize kWaitingBytes = 16384;

class Pty final : public Terminal {
 public:
  Pty(u32 number, RefPtr<Inode> inode) : number_(number), inode_(std::move(inode)) {}

  u64 device() const override { return make_device(kSlaveMajor, number_); }
  u32 number() const { return number_; }
  const RefPtr<Inode>& inode() const { return inode_; }
  KResult<void> init() {
    TRY(waiting_.resize(kWaitingBytes));
    return ring_.resize(kRingBytes);
  }

  // --- the master's side ---
  PollSource master_source;
  WaitQueue master_readers;
  bool locked = true;
  u32 slaves = 0;  ///< open ones
  bool slave_was_open = false;
  usize queued() const { return size_; }
  /// Bytes that the slave has written.
  void take(IoBuffer& buffer) {
    while (size_ > 0 && buffer.remaining() > 0 && !buffer.faulted()) {
      const usize part = std::min<u64>({kRingBytes - head_, size_, buffer.remaining()});
      const usize moved = buffer.put(ring_.data() + head_, part);
      head_ = (head_ + moved) % kRingBytes;
      size_ -= moved;
    }
    wake_writers();
  }
  WaitQueue master_writers;
  usize promised = 0;  ///< room for bytes that are on their way from a program's memory, which may sleep
  usize input_room() const { return kWaitingBytes - waiting_size_ - promised; }
  /// Takes at most input_room() bytes as typed.
  void give(ConstByteSpan bytes) {
    for (const u8 byte : bytes) {
      waiting_[(waiting_head_ + waiting_size_++) % kWaitingBytes] = byte;
    }
    feed();
  }

 protected:
  usize room() override { return kRingBytes - size_; }
  KResult<void> put(ConstByteSpan bytes) override {
    for (const u8 byte : bytes) {
      ring_[(head_ + size_) % kRingBytes] = byte;
      size_++;
    }
    master_readers.wake_all();
    master_source.wake(kPollIn);
    return {};
  }
  void flush_output() override {
    head_ = size_ = 0;
    wake_writers();
  }
  usize queued_output() override { return size_; }
  void input_taken() override {
    if (waiting_size_ > 0) {
      feed();
      master_writers.wake_all();
      master_source.wake(kPollOut);
    }
  }

 private:
  /// A line too long to end is the line discipline's to cut, since nobody could read it away.
  bool input_full() { return line().full() && (!line().canonical() || line().has_line()); }
  void feed() {
    while (waiting_size_ > 0 && !input_full()) {
      const u8 byte = waiting_[waiting_head_];
      waiting_head_ = (waiting_head_ + 1) % kWaitingBytes;
      waiting_size_--;
      receive(ConstByteSpan(&byte, 1));
    }
  }

  Vector<u8> waiting_;
  usize waiting_head_ = 0;
  usize waiting_size_ = 0;
  u32 number_;
  RefPtr<Inode> inode_;
  Vector<u8> ring_;
  usize head_ = 0;
  usize size_ = 0;
};

/// All whose master is open, by number; null where there is none.
Vector<RefPtr<Pty>>& ptys() {
  static Vector<RefPtr<Pty>> all;
  return all;
}

RefPtr<Pty> find_pty(u32 number) { return number < ptys().size() ? ptys()[number] : RefPtr<Pty>(); }

// --- the slave: /dev/pts/N ---

class SlaveOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }
  KResult<void> open(File& file) override {
    RefPtr<Pty> pty = find_pty(device_minor(file.inode().rdev()));
    if (!pty || pty->locked) {
      return Err(Errno::kEIO);
    }
    TRY(pty->opened(file));
    file.set_state(TRY(try_make<TerminalState>(RefPtr<Terminal>(pty))));
    pty->slaves++;
    pty->slave_was_open = true;
    return {};
  }
  void release(File& file) override {
    Pty& pty = of(file);
    if (--pty.slaves == 0) {
      pty.master_readers.wake_all();
      pty.master_source.wake(kPollHup);
    }
  }
  KResult<usize> read(File& file, u64, IoBuffer& buffer) override { return of(file).read(file, buffer); }
  KResult<usize> write(File& file, u64, IoBuffer& buffer) override { return of(file).write(file, buffer); }
  u32 poll(File& file) override { return of(file).poll(); }
  PollSource* poll_source(File& file) override { return &of(file).source(); }
  KResult<i64> ioctl(File& file, u32 request, VirtAddr argument) override {
    return of(file).ioctl(file, request, argument);
  }

 private:
  static Pty& of(File& file) { return static_cast<Pty&>(*file.state<TerminalState>()->terminal); }
};

SlaveOperations& slave_operations() {
  static SlaveOperations operations;
  return operations;
}

class SlaveInode final : public Inode {
 public:
  SlaveInode(FileSystem& fs, u32 number, u32 uid) : Inode(fs, kModeChar | 0620, uid, kTtyGroup) {
    rdev_ = make_device(kSlaveMajor, number);
  }
  KResult<FileOperations*> operations() override { return &slave_operations(); }
  bool is_current() const override {
    const RefPtr<Pty> pty = find_pty(device_minor(rdev()));
    return pty && pty->inode() == this;
  }
};

// --- /dev/pts ---

class DevptsRoot final : public Inode {
 public:
  explicit DevptsRoot(FileSystem& fs) : Inode(fs, kModeDirectory | 0755, 0, 0) {}
  KResult<RefPtr<Inode>> lookup(StringView name) override {
    const auto number = parse_number(name);
    RefPtr<Pty> pty = number && *number < kMaxPtys ? find_pty(static_cast<u32>(*number)) : RefPtr<Pty>();
    return pty ? KResult<RefPtr<Inode>>(pty->inode()) : Err(Errno::kENOENT);
  }
  KResult<u64> read_directory(u64 position, DirectorySink& sink) override {
    for (; position < ptys().size(); position++) {
      char text[16];
      const RefPtr<Pty>& pty = ptys()[position];
      if (pty && !sink.entry(format_into(text, "{}", position), pty->inode()->number(),
                             mode_to_dirent_type(kModeChar), position + 1)) {
        break;
      }
    }
    return position;
  }
};

class Devpts final : public FileSystem {
 public:
  StringView type() const override { return "devpts"; }
  RefPtr<Inode> root() override { return root_; }
  StatFs stat() const override {
    StatFs stat{};
    stat.type = kDevptsMagic;
    stat.bsize = stat.frsize = kPageBytes;
    stat.namelen = kNameMax;
    return stat;
  }
  KResult<void> show_options(FormatSink& out) const override {
    out.put(",gid=5,mode=620,ptmxmode=000");
    return {};
  }
  KResult<void> init() {
    root_ = TRY(try_make_ref<DevptsRoot>(*this));
    return {};
  }

 private:
  RefPtr<Inode> root_;
};

RefPtr<Devpts>& devpts() {
  static RefPtr<Devpts> fs;
  return fs;
}

// --- the master: /dev/ptmx ---

struct MasterState final : FileState {
  explicit MasterState(RefPtr<Pty> of) : pty(std::move(of)) {}
  RefPtr<Pty> pty;
};

KResult<RefPtr<Pty>> make_pty(u32 uid) {
  u32 number = 0;
  while (number < ptys().size() && ptys()[number]) {
    number++;
  }
  if (number >= kMaxPtys) {
    return Err(Errno::kENOSPC);
  }
  if (number == ptys().size()) {
    TRY(ptys().push(RefPtr<Pty>()));
  }
  RefPtr<Inode> inode = TRY(try_make_ref<SlaveInode>(*devpts(), number, uid));
  auto pty = TRY(try_make_ref<Pty>(number, std::move(inode)));
  TRY(pty->init());
  ptys()[number] = pty;
  return pty;
}

class MasterOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }

  KResult<void> open(File& file) override {
    if (!devpts()) {
      return Err(Errno::kENODEV);
    }
    RefPtr<Pty> pty = TRY(make_pty(current_fs().credentials.uid));
    auto state = try_make<MasterState>(pty);
    if (!state.ok()) {
      ptys()[pty->number()].reset();
      return Err(state.error());
    }
    file.set_state(std::move(state).value());
    return {};
  }

  void release(File& file) override {
    const RefPtr<Pty> pty = file.state<MasterState>()->pty;
    ptys()[pty->number()].reset();
    pty->hang_up();
  }

  /// What the slave wrote; EIO once the last slave has been closed (as on Linux).
  KResult<usize> read(File& file, u64, IoBuffer& buffer) override {
    Pty& pty = of(file);
    const auto ended = [&] { return pty.slaves == 0 && pty.slave_was_open; };
    if (buffer.remaining() == 0) {
      return usize{0};
    }
    if (pty.queued() == 0 && !ended() && file.nonblocking()) {
      return Err(Errno::kEAGAIN);
    }
    TRY(wait_event_interruptible(pty.master_readers, [&] { return pty.queued() > 0 || ended(); }));
    if (pty.queued() == 0) {
      return Err(Errno::kEIO);
    }
    pty.take(buffer);
    return buffer.result();
  }

  KResult<usize> write(File& file, u64, IoBuffer& buffer) override {
    Pty& pty = of(file);
    u8 piece[256];
    while (buffer.remaining() > 0 && !buffer.faulted()) {
      if (pty.input_room() == 0 && file.nonblocking()) {
        return buffer.done() > 0 ? buffer.result() : Err(Errno::kEAGAIN);
      }
      const auto waited =
          wait_event_interruptible(pty.master_writers, [&pty] { return pty.input_room() > 0; });
      if (!waited.ok()) {
        return buffer.done() > 0 ? buffer.result() : Err(waited.error());
      }
      const usize most = std::min(sizeof(piece), pty.input_room());
      pty.promised += most;
      const usize count = buffer.get(piece, most);
      pty.promised -= most;
      pty.give(ConstByteSpan(piece, count));
      // A line without an end is cut for ever, so that there is always room: others have their turn all the
      // same.
      if (const auto more = give_way(); !more.ok()) {
        return buffer.done() > 0 ? buffer.result() : Err(more.error());
      }
    }
    return buffer.result();
  }

  u32 poll(File& file) override {
    Pty& pty = of(file);
    u32 events = pty.input_room() > 0 ? kPollOut | kPollWriteNorm : u32{0};
    events |= pty.queued() > 0 ? kPollIn | kPollReadNorm : 0;
    events |= pty.slaves == 0 && pty.slave_was_open ? u32{kPollHup} : 0;
    return events;
  }
  PollSource* poll_source(File& file) override { return &of(file).master_source; }

  KResult<i64> ioctl(File& file, u32 request, VirtAddr argument) override {
    Pty& pty = of(file);
    switch (request) {
      case kTiocGetPtyNumber:
        TRY(put_user(argument, pty.number()));
        return 0;
      case kTiocLockPty:
        pty.locked = TRY(get_user<i32>(argument)) != 0;
        return 0;
      case kTiocGetPtyLock:
        TRY(put_user(argument, i32{pty.locked ? 1 : 0}));
        return 0;
      case kTiocInQueue:
        TRY(put_user(argument, static_cast<i32>(pty.queued())));
        return 0;
      case kTiocPtyPeer:
        return open_peer(pty, static_cast<u32>(argument.value));
      case kTiocGetGroup:
        TRY(put_user(argument, pty.foreground()));
        return 0;
      case kTiocGetSession:
        TRY(put_user(argument, pty.session()));
        return 0;
      default:
        return pty.ioctl(file, request, argument);
    }
  }

 private:
  static Pty& of(File& file) { return *file.state<MasterState>()->pty; }

  /// The slave without its name, for containers whose /dev/pts is another one.
  static KResult<i64> open_peer(Pty& pty, u32 flags) {
    const FsContext& context = current_fs();
    char name[32];
    auto file =
        TRY(vfs::open(context, context.root, format_into(name, "/dev/pts/{}", pty.number()), flags, 0));
    Task& task = current_task();
    const auto cloexec = (flags & kOpenCloseOnExec) != 0 ? CloseOnExec::kYes : CloseOnExec::kNo;
    return i64{TRY(
        task.files().install(std::move(file), cloexec, task.process().limits[Resource::kOpenFiles].soft))};
  }
};

}  // namespace

KResult<void> register_ptys() {
  static MasterOperations operations;
  return register_char_device(kMasterDevice, operations);
}

KResult<RefPtr<FileSystem>> make_devpts() {
  devpts() = TRY(try_make_ref<Devpts>());
  TRY(devpts()->init());
  return RefPtr<FileSystem>(devpts());
}

}  // namespace kernel
