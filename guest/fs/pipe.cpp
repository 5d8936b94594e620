#include "guest/fs/pipe.h"

#include <algorithm>
#include <bit>

#include "guest/fs/anonymous_file.h"
#include "guest/fs/poll.h"
#include "guest/hal/user_access.h"
#include "guest/lib/vector.h"

namespace kernel {

namespace {

/// A ring of bytes in whole frames, which are given when bytes come and taken back when they have gone.
class Pipe : NonCopyable {
 public:
  ~Pipe() {
    for (Frame* const frame : frames_) {
      if (frame != nullptr) {
        put_frame(frame);
      }
    }
  }
  KResult<void> init(usize bytes) { return frames_.resize(bytes >> kPageShift); }

  usize capacity() const { return frames_.size() << kPageShift; }
  usize size() const { return size_; }
  usize room() const { return capacity() - size_; }

  /// Moves as many bytes as there are, at most all the buffer takes. Faults show in the buffer.
  void move_out(IoBuffer& buffer) {
    while (size_ > 0 && buffer.remaining() > 0 && !buffer.faulted()) {
      const usize offset = head_ & (kPageBytes - 1);
      const usize part = std::min<u64>({kPageBytes - offset, size_, buffer.remaining()});
      Frame*& slot = frames_[head_ >> kPageShift];
      const usize moved = buffer.put(frame_data(slot) + offset, part);
      head_ = (head_ + moved) % capacity();
      size_ -= moved;
      if (size_ == 0) {
        head_ = 0;
      }
      // A full ring may end in the frame that it began in: then newer bytes are still there.
      const bool left = is_aligned(head_, kPageBytes) && size_ <= capacity() - kPageBytes;
      if (moved != 0 && (size_ == 0 || left)) {
        put_frame(slot);
        slot = nullptr;
      }
    }
  }

  KResult<void> move_in(IoBuffer& buffer) {
    while (room() > 0 && buffer.remaining() > 0 && !buffer.faulted()) {
      const usize tail = (head_ + size_) % capacity();
      const usize offset = tail & (kPageBytes - 1);
      Frame*& slot = frames_[tail >> kPageShift];
      const usize part = std::min<u64>({kPageBytes - offset, room(), buffer.remaining()});
      if (slot == nullptr) {
        slot = TRY(alloc_frame(ZeroIt::kNo, FrameUse::kKernel));
      }
      size_ += buffer.get(frame_data(slot) + offset, part);
    }
    return {};
  }

  KResult<void> set_capacity(usize bytes) {
    if (bytes < size_) {
      return Err(Errno::kEBUSY);
    }
    Pipe fresh;
    TRY(fresh.init(bytes));
    // Copied, not moved: without memory for all of it the pipe stays as it was.
    for (usize copied = 0; copied < size_;) {
      const usize at = (head_ + copied) % capacity();
      const usize offset = at & (kPageBytes - 1);
      const usize part = std::min<u64>(kPageBytes - offset, size_ - copied);
      IoBuffer bytes_in =
          IoBuffer::kernel(ConstByteSpan(frame_data(frames_[at >> kPageShift]) + offset, part));
      TRY(fresh.move_in(bytes_in));
      copied += part;
    }
    std::swap(frames_, fresh.frames_);
    head_ = 0;
    return {};
  }

  void wake() {
    readers_queue.wake_all();
    writers_queue.wake_all();
    source.wake(kPollHup);
  }

  u32 readers = 0;
  u32 writers = 0;
  u64 reader_openings = 0;  ///< ever: an opening of a FIFO waits for one, even if it has gone again
  u64 writer_openings = 0;
  Mutex transfer_lock;  ///< over copies, which may fault and sleep
  WaitQueue readers_queue;
  WaitQueue writers_queue;
  PollSource source;

 private:
  Vector<Frame*> frames_;
  usize head_ = 0;  // of the first byte
  usize size_ = 0;
};

/// All files of one pipe share it, found by inode; it lives as long as one of them is open.
struct SharedPipe : RefCounted<SharedPipe> {
  ~SharedPipe() {
    if (inode != nullptr) {
      fifos().erase(fifos().iterator_to(*this));
    }
  }
  struct ByInode {
    bool operator()(const SharedPipe& a, const SharedPipe& b) const { return a.inode < b.inode; }
    bool operator()(const SharedPipe& a, const Inode* b) const { return a.inode < b; }
    bool operator()(const Inode* a, const SharedPipe& b) const { return a < b.inode; }
  };
  void publish(Inode& owner) {
    inode = &owner;
    fifos().insert(*this);
  }
  TreeNode node;
  Inode* inode = nullptr;  // that opening files find it by; their files keep it alive
  bool nameless = false;   // pipe2(2)'s: opening it once more, through /proc/PID/fd, waits for nobody
  Pipe pipe;

  using Fifos = Tree<SharedPipe, &SharedPipe::node, ByInode>;
  static Fifos& fifos() {
    static Fifos all;
    return all;
  }
};

struct PipeState final : FileState {
  explicit PipeState(RefPtr<SharedPipe> p) : shared(std::move(p)) {}
  RefPtr<SharedPipe> shared;
};

KResult<RefPtr<SharedPipe>> make_shared_pipe() {
  RefPtr<SharedPipe> shared = TRY(try_make_ref<SharedPipe>());
  TRY(shared->pipe.init(kDefaultPipeBytes));
  return shared;
}

Pipe& pipe_of(File& file) { return file.state<PipeState>()->shared->pipe; }

class PipeOperations : public FileOperations {
 public:
  bool seekable() const override { return false; }

  KResult<usize> read(File& file, u64, IoBuffer& buffer) override {
    Pipe& pipe = pipe_of(file);
    if (buffer.remaining() == 0) {
      return usize{0};
    }
    while (true) {
      {
        MutexGuard guard(pipe.transfer_lock);
        if (pipe.size() > 0) {
          pipe.move_out(buffer);
          break;
        }
      }
      if (pipe.writers == 0) {
        return usize{0};
      }
      if (file.nonblocking()) {
        return Err(Errno::kEAGAIN);
      }
      TRY(wait_event_interruptible(pipe.readers_queue, [&] { return pipe.size() > 0 || pipe.writers == 0; }));
    }
    pipe.writers_queue.wake_all();
    pipe.source.wake(kPollOut);
    return buffer.result();
  }

  KResult<usize> write(File& file, u64, IoBuffer& buffer) override {
    Pipe& pipe = pipe_of(file);
    // Up to kPipeBuf bytes go at once or not at all, so they wait for room for all of them.
    const bool atomic = buffer.remaining() <= kPipeBuf;
    while (buffer.remaining() > 0 && !buffer.faulted()) {
      if (pipe.readers == 0) {
        return buffer.done() > 0 ? buffer.result() : Err(Errno::kEPIPE);
      }
      const usize needed = atomic ? buffer.remaining() : 1;
      const auto moved = move_in_if(pipe, needed, buffer);
      if (moved.ok() && !moved.value()) {
        if (file.nonblocking()) {
          return buffer.done() > 0 ? buffer.result() : Err(Errno::kEAGAIN);
        }
        const auto woken = wait_event_interruptible(
            pipe.writers_queue, [&] { return pipe.room() >= needed || pipe.readers == 0; });
        if (!woken.ok()) {
          return buffer.done() > 0 ? buffer.result() : Err(woken.error());
        }
        continue;
      }
      pipe.readers_queue.wake_all();
      pipe.source.wake(kPollIn);
      if (!moved.ok()) {
        return buffer.done() > 0 ? buffer.result() : Err(moved.error());
      }
    }
    return buffer.result();
  }

  u32 poll(File& file) override {
    Pipe& pipe = pipe_of(file);
    u32 events = 0;
    if (file.readable()) {
      events |= pipe.size() > 0 ? kPollIn | kPollReadNorm : 0;
      events |= pipe.writers == 0 && pipe.writer_openings > 0 ? u32{kPollHup} : 0;
    }
    if (file.writable()) {
      events |= pipe.room() >= kPipeBuf ? kPollOut | kPollWriteNorm : 0;
      events |= pipe.readers == 0 ? u32{kPollErr} : 0;
    }
    return events;
  }

  PollSource* poll_source(File& file) override { return &pipe_of(file).source; }

  KResult<i64> ioctl(File& file, u32 request, VirtAddr argument) override {
    if (request != kIoctlBytesReadable) {
      return Err(Errno::kENOTTY);
    }
    TRY(put_user(argument, static_cast<i32>(pipe_of(file).size())));
    return 0;
  }

  KResult<void> open(File& file) override {
    count(file, 1);
    return {};
  }
  void release(File& file) override {
    count(file, ~u32{0});
    pipe_of(file).wake();
  }

 private:
  /// False: there is not enough room.
  static KResult<bool> move_in_if(Pipe& pipe, usize needed, IoBuffer& buffer) {
    MutexGuard guard(pipe.transfer_lock);
    if (pipe.room() < needed) {
      return false;
    }
    TRY(pipe.move_in(buffer));
    return true;
  }

 protected:
  static void count(File& file, u32 change) {
    Pipe& pipe = pipe_of(file);
    if (file.readable()) {
      pipe.readers += change;
      pipe.reader_openings += change == 1;
    }
    if (file.writable()) {
      pipe.writers += change;
      pipe.writer_openings += change == 1;
    }
  }
};

PipeOperations& pipe_operations() {
  static PipeOperations operations;
  return operations;
}

/// A FIFO with a name waits at opening until the other side is there (fifo(7)); after that it is a pipe.
class FifoOperations final : public PipeOperations {
 public:
  KResult<void> open(File& file) override {
    RefPtr<SharedPipe> shared = TRY(find_or_make(file.inode()));
    file.set_state(TRY(try_make<PipeState>(shared)));
    Pipe& pipe = shared->pipe;
    if (shared->nameless || (file.readable() && file.writable())) {
      count(file, 1);
      pipe.wake();
      return {};
    }
    if (file.nonblocking() && file.writable() && pipe.readers == 0) {
      return Err(Errno::kENXIO);
    }
    const u64 writer_openings = pipe.writer_openings;
    const u64 reader_openings = pipe.reader_openings;
    count(file, 1);
    pipe.wake();
    if (file.nonblocking()) {
      return {};
    }
    const auto met = file.readable()
                         ? wait_event_interruptible(
                               pipe.readers_queue,
                               [&] { return pipe.writers > 0 || pipe.writer_openings != writer_openings; })
                         : wait_event_interruptible(pipe.writers_queue, [&] {
                             return pipe.readers > 0 || pipe.reader_openings != reader_openings;
                           });
    if (!met.ok()) {
      count(file, ~u32{0});
      pipe.wake();
    }
    return met;
  }

 private:
  static KResult<RefPtr<SharedPipe>> find_or_make(Inode& inode) {
    auto& fifos = SharedPipe::fifos();
    const auto at = fifos.find(&inode, SharedPipe::ByInode());
    if (at != fifos.end()) {
      return RefPtr<SharedPipe>(&*at);
    }
    RefPtr<SharedPipe> shared = TRY(make_shared_pipe());
    shared->publish(inode);
    return shared;
  }
};

KResult<RefPtr<Mount>> pipe_mount() {
  static RefPtr<Mount> mount;
  if (!mount) {
    mount = TRY(make_internal_mount("pipefs", kPipefsMagic));
  }
  return RefPtr<Mount>(mount);
}

KResult<SharedPipe*> require_pipe(File& file) {
  if (&file.operations() != &pipe_operations() && &file.operations() != &fifo_operations()) {
    return Err(Errno::kEBADF);
  }
  return file.state<PipeState>()->shared.get();
}

}  // namespace

FileOperations& fifo_operations() {
  static FifoOperations operations;
  return operations;
}

KResult<PipeEnds> make_pipe(u32 flags, const FsCredentials& who) {
  RefPtr<Mount> mount = TRY(pipe_mount());
  RefPtr<SharedPipe> shared = TRY(make_shared_pipe());
  RefPtr<Inode> inode = TRY(try_make_ref<Inode>(mount->fs(), kModeFifo | 0600, who.uid, who.gid));
  shared->publish(*inode);
  shared->nameless = true;
  char name[32];
  const StringView shown = format_into(name, "pipe:[{}]", inode->number());
  const Path path = TRY(internal_path(mount, std::move(inode), shown));
  const u32 status = flags & kOpenNonBlock;
  auto reader_state = TRY(try_make<PipeState>(shared));
  auto writer_state = TRY(try_make<PipeState>(shared));
  PipeEnds ends;
  ends.reader =
      TRY(File::open_with(path, kOpenReadOnly | status, pipe_operations(), std::move(reader_state)));
  ends.writer =
      TRY(File::open_with(path, kOpenWriteOnly | status, pipe_operations(), std::move(writer_state)));
  return ends;
}

KResult<usize> pipe_capacity(File& file) { return TRY(require_pipe(file))->pipe.capacity(); }

KResult<usize> set_pipe_capacity(File& file, usize bytes, const FsCredentials& who) {
  Pipe& pipe = TRY(require_pipe(file))->pipe;
  if (bytes > (usize{1} << 31)) {
    return Err(Errno::kEINVAL);
  }
  const usize rounded = std::bit_ceil(std::max<usize>(bytes, kPageBytes));
  if (rounded > kMaxPipeBytes && !who.privileged()) {
    return Err(Errno::kEPERM);
  }
  TRY(pipe.set_capacity(rounded));
  pipe.wake();
  return rounded;
}

}  // namespace kernel
