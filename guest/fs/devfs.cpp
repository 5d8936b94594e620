#include "guest/fs/devfs.h"

#include <algorithm>

#include "guest/drivers/console_stream.h"
#include "guest/drivers/entropy.h"
#include "guest/fs/dma_file.h"
#include "guest/fs/framebuffer_file.h"
#include "guest/fs/poll.h"
#include "guest/fs/tmpfs.h"
#include "guest/fs/vfs.h"
#include "guest/mem/injection.h"

namespace kernel {

namespace {

struct CharDevice {
  u64 number;
  FileOperations* operations;
};
Vector<CharDevice>& char_devices() {
  static Vector<CharDevice> devices;
  return devices;
}

constexpr u64 kNull = make_device(1, 3);
constexpr u64 kZero = make_device(1, 5);
constexpr u64 kFull = make_device(1, 7);
constexpr u64 kRandom = make_device(1, 8);
constexpr u64 kUrandom = make_device(1, 9);
constexpr u64 kTty = make_device(5, 0);
constexpr u64 kConsole = make_device(5, 1);
constexpr u64 kPtmx = make_device(5, 2);
/// The ports of the standard streams, named as Linux names virtio ports.
constexpr u32 kPortMajor = 242;

class NullOperations final : public FileOperations {
 public:
  KResult<usize> read(File&, u64, IoBuffer&) override { return usize{0}; }
  KResult<usize> write(File&, u64, IoBuffer& buffer) override { return usize{buffer.remaining()}; }
};

/// /dev/zero and /dev/full: reads give zeroes.
class ZeroOperations final : public FileOperations {
 public:
  explicit ZeroOperations(bool full) : full_(full) {}
  KResult<usize> read(File&, u64, IoBuffer& buffer) override {
    buffer.put_zeros(buffer.remaining());
    return buffer.result();
  }
  KResult<usize> write(File&, u64, IoBuffer& buffer) override {
    if (full_) {
      return Err(Errno::kENOSPC);
    }
    return usize{buffer.remaining()};
  }
  KResult<RefPtr<File>> map(File&, bool shared, u64 offset, u64 bytes) override {
    if (full_) {
      return Err(Errno::kENODEV);
    }
    return shared ? make_shared_memory(offset + bytes) : KResult<RefPtr<File>>(RefPtr<File>());
  }

 private:
  bool full_;
};

class RandomOperations final : public FileOperations {
 public:
  KResult<usize> read(File&, u64, IoBuffer& buffer) override {
    u8 chunk[256];
    while (buffer.remaining() > 0 && !buffer.faulted()) {
      const usize part = std::min<u64>(sizeof(chunk), buffer.remaining());
      random_bytes(ByteSpan(chunk, part));
      buffer.put(chunk, part);
    }
    return buffer.result();
  }
  /// What is written stirs nothing: runs repeat from their seed.
  KResult<usize> write(File&, u64, IoBuffer& buffer) override { return usize{buffer.remaining()}; }
};

/// All streams share it: input is what changes, and only one of them has any.
PollSource& console_source() {
  static PollSource source;
  return source;
}

/// A stream of the console: bytes pass through a frame, since user memory is not the driver's to touch. The
/// frames are there from the start: who has used up all memory can still say so.
class StreamOperations final : public FileOperations {
 public:
  StreamOperations(ConsoleStream& (*input)(), ConsoleStream& (*output)()) : input_(input), output_(output) {}

  KResult<void> init() {
    read_bounce_ = input_ != nullptr ? FrameRef::adopt(TRY(alloc_frame(ZeroIt::kNo))) : FrameRef();
    write_bounce_ = output_ != nullptr ? FrameRef::adopt(TRY(alloc_frame(ZeroIt::kNo))) : FrameRef();
    return {};
  }

  bool seekable() const override { return false; }

  KResult<usize> read(File& file, u64, IoBuffer& buffer) override {
    if (input_ == nullptr) {
      return usize{0};
    }
    if (buffer.remaining() == 0) {
      return usize{0};
    }
    if (file.nonblocking() && !input_().readable()) {
      return Err(Errno::kEAGAIN);
    }
    for (;;) {
      TRY(wait_event_interruptible(input_().input_waiters(), [this] { return input_().readable(); }));
      const MutexGuard guard(read_mutex_);
      if (!input_().readable()) {
        continue;  // another reader was faster, and nobody may sleep for input with the mutex
      }
      if (is_injected_failure(FailTarget::kTransfers)) {
        return Err(Errno::kEIO);
      }
      const usize wanted = std::min<u64>(kPageBytes, buffer.remaining());
      const usize got = TRY(input_().read(ByteSpan(read_bounce_.data(), wanted)));
      buffer.put(read_bounce_.data(), got);
      return buffer.result();
    }
  }

  KResult<usize> write(File&, u64, IoBuffer& buffer) override {
    if (output_ == nullptr) {
      return Err(Errno::kEIO);
    }
    const MutexGuard guard(write_mutex_);
    usize sent = 0;
    while (buffer.remaining() > 0 && !buffer.faulted()) {
      const usize part = buffer.get(write_bounce_.data(), kPageBytes);
      const auto went = is_injected_failure(FailTarget::kTransfers)
                            ? KResult<usize>(Err(Errno::kEIO))
                            : output_().write(ConstByteSpan(write_bounce_.data(), part));
      if (!went.ok()) {
        return sent > 0 ? KResult<usize>(sent) : Err(went.error());
      }
      sent += went.value();
      if (went.value() < part) {
        return sent;
      }
    }
    return buffer.result();
  }

  PollSource* poll_source(File&) override { return &console_source(); }

  u32 poll(File&) override {
    u32 events = 0;
    if (input_ != nullptr && input_().readable()) {
      events |= kPollIn | kPollReadNorm;
    }
    if (output_ != nullptr && output_().writable()) {
      events |= kPollOut | kPollWriteNorm;
    }
    return events;
  }

 private:
  ConsoleStream& (*input_)();
  ConsoleStream& (*output_)();
  Mutex read_mutex_;  // each of its frame
  Mutex write_mutex_;
  FrameRef read_bounce_;
  FrameRef write_bounce_;
};

struct Node {
  const char* name;
  u32 mode;
  u64 device;
};
constexpr Node kNodes[] = {
    {"null", 0666, kNull},
    {"zero", 0666, kZero},
    {"full", 0666, kFull},
    {"random", 0666, kRandom},
    {"urandom", 0666, kUrandom},
    {"tty", 0666, kTty},
    {"console", 0600, kConsole},
    {"ptmx", 0666, kPtmx},
    {"vport0p0", 0666, make_device(kPortMajor, 0)},
    {"vport0p1", 0666, make_device(kPortMajor, 1)},
    {"vport0p2", 0666, make_device(kPortMajor, 2)},
};
struct Link {
  const char* name;
  const char* target;
};
constexpr Link kLinks[] = {{"fd", "/proc/self/fd"},
                           {"stdin", "/proc/self/fd/0"},
                           {"stdout", "/proc/self/fd/1"},
                           {"stderr", "/proc/self/fd/2"}};

StreamOperations& plain_console() {
  static StreamOperations console(console_stdin, console_stdout);
  return console;
}

KResult<void> register_standard_devices() {
  static NullOperations null;
  static ZeroOperations zero(false);
  static ZeroOperations full(true);
  static RandomOperations random;
  static StreamOperations input(console_stdin, nullptr);
  static StreamOperations output(nullptr, console_stdout);
  static StreamOperations error(nullptr, console_stderr);
  for (StreamOperations* const stream : {&plain_console(), &input, &output, &error}) {
    TRY(stream->init());
  }
  TRY(register_char_device(kNull, null));
  TRY(register_char_device(kZero, zero));
  TRY(register_char_device(kFull, full));
  TRY(register_char_device(kRandom, random));
  TRY(register_char_device(kUrandom, random));
  TRY(register_char_device(make_device(kPortMajor, 0), input));
  TRY(register_char_device(make_device(kPortMajor, 1), output));
  return register_char_device(make_device(kPortMajor, 2), error);
}

}  // namespace

KResult<void> register_char_device(u64 device, FileOperations& operations) {
  if (find_char_device(device).ok()) {
    return Err(Errno::kEEXIST);
  }
  return char_devices().push({device, &operations});
}

KResult<FileOperations*> find_char_device(u64 device) {
  for (const CharDevice& candidate : char_devices()) {
    if (candidate.number == device) {
      return candidate.operations;
    }
  }
  return Err(Errno::kENXIO);
}

KResult<void> add_device_node(FileSystem& devfs, StringView name, u32 mode, u64 device) {
  NewInode what{kModeChar | mode, 0, 0};
  what.rdev = device;
  TRY(devfs.root()->create(name, what));
  return {};
}

KResult<RefPtr<FileSystem>> make_devfs() {
  ConsoleStream::on_input = [] { console_source().wake(kPollIn); };
  TRY(register_standard_devices());
  RefPtr<FileSystem> fs = TRY(make_tmpfs({.type = "devtmpfs", .root_mode = 0755}));
  for (const Node& node : kNodes) {
    TRY(add_device_node(*fs, node.name, node.mode, node.device));
  }
  TRY(add_framebuffer_file(*fs));
  TRY(add_dma_file(*fs));
  for (const Link& link : kLinks) {
    NewInode what{kModeSymlink | 0777, 0, 0};
    what.target = link.target;
    TRY(fs->root()->create(link.name, what));
  }
  // Places for what is mounted below /dev.
  TRY(fs->root()->create("shm", NewInode{kModeDirectory | 01777, 0, 0}));
  TRY(fs->root()->create("pts", NewInode{kModeDirectory | 0755, 0, 0}));
  return fs;
}

FileOperations& plain_console_operations() { return plain_console(); }

KResult<ConsoleFiles> open_console_files(const FsContext& context, const bool (&terminal)[3]) {
  constexpr StringView kPorts[3] = {"/dev/vport0p0", "/dev/vport0p1", "/dev/vport0p2"};
  constexpr u32 kModes[3] = {kOpenReadOnly, kOpenWriteOnly, kOpenWriteOnly};
  ConsoleFiles files;
  for (usize i = 0; i < 3; i++) {
    // Whose terminal it becomes is for the caller to say.
    files.streams[i] =
        TRY(terminal[i] ? vfs::open(context, context.root, "/dev/console", kOpenReadWrite | kOpenNoCtty, 0)
                        : vfs::open(context, context.root, kPorts[i], kModes[i], 0));
  }
  return files;
}

}  // namespace kernel
