// The host is trusted to mean well, not to be free of mistakes: every length is checked, and a request that
// cannot be served is answered with an errno.
#include "guest/init/control_server.h"

#include "guest/drivers/console_stream.h"
#include "guest/fs/vfs.h"
#include "guest/init/program.h"
#include "guest/lib/log.h"
#include "guest/lib/string.h"
#include "quire/arch/bootinfo.h"

namespace kernel {

namespace {

constexpr u8 kStatusBroken = 255;
/// Strings of a spawn request are kept in memory at once.
constexpr u64 kMaxSpawnBytes = u64{1} << 20;
constexpr usize kChunkBytes = 32768;

class ControlServer {
 public:
  explicit ControlServer(ConsoleStream& port) : port_(port) {}

  u8 serve() {
    for (;;) {
      ControlHeader header;
      if (!read_exactly(ByteSpan(reinterpret_cast<u8*>(&header), sizeof(header))).ok()) {
        return 0;  // the host has closed the port
      }
      if (header.magic != kControlMagic) {
        log_error("control port: not a request");
        return kStatusBroken;
      }
      if (header.type == static_cast<u32>(ControlType::kPowerOff)) {
        return static_cast<u8>(header.result);
      }
      left_ = header.length_bytes;
      const auto result = answer(header);
      if (!skip_rest().ok()) {
        return kStatusBroken;
      }
      header.result = result.ok() ? static_cast<i32>(result.value()) : -static_cast<i32>(result.error());
      header.length_bytes = 0;
      if (!write_all(object_bytes(header)).ok()) {
        return kStatusBroken;
      }
    }
  }

 private:
  KResult<u32> answer(const ControlHeader& header) {
    switch (static_cast<ControlType>(header.type)) {
      case ControlType::kPutFile:
        return put_file();
      case ControlType::kSpawn:
        return spawn(header.token);
      default:
        return Err(Errno::kENOSYS);
    }
  }

  KResult<void> read_exactly(ByteSpan to) {
    while (!to.empty()) {
      const usize count = TRY(port_.read(to));
      if (count == 0) {
        return Err(Errno::kEPIPE);
      }
      to = to.subspan(count);
    }
    return {};
  }

  /// Part of the payload of the request being answered. EINVAL beyond its end.
  KResult<void> read_payload(ByteSpan to) {
    if (to.size() > left_) {
      return Err(Errno::kEINVAL);
    }
    left_ -= to.size();
    return read_exactly(to);
  }

  KResult<void> skip_rest() {
    u8 chunk[256];
    while (left_ > 0) {
      TRY(read_payload(ByteSpan(chunk, std::min<u64>(left_, sizeof(chunk)))));
    }
    return {};
  }

  KResult<void> write_all(ConstByteSpan from) {
    while (!from.empty()) {
      from = from.subspan(TRY(port_.write(from)));
    }
    return {};
  }

  static FsContext context() {
    FsContext context;
    context.root = context.cwd = root_path();
    context.umask = 0;
    return context;
  }

  static KResult<void> make_parents(StringView path) {
    const FsContext fs = context();
    for (usize slash = path.find('/', 1); slash != StringView::npos; slash = path.find('/', slash + 1)) {
      const auto made = vfs::mkdir(fs, fs.root, path.substr(0, slash), 0755);
      if (!made.ok() && made.error() != Errno::kEEXIST) {
        return Err(made.error());
      }
    }
    return {};
  }

  KResult<u32> put_file() {
    ControlPutFile file;
    TRY(read_payload(ByteSpan(reinterpret_cast<u8*>(&file), sizeof(file))));
    if (file.path_bytes == 0 || file.path_bytes >= kPathMax) {
      return Err(Errno::kENAMETOOLONG);
    }
    Vector<char> path_bytes;
    TRY(path_bytes.resize(file.path_bytes));
    TRY(read_payload(ByteSpan(reinterpret_cast<u8*>(path_bytes.data()), path_bytes.size())));
    const StringView path(path_bytes.data(), path_bytes.size());
    if (path.front() != '/' || path.find('\0') != StringView::npos) {
      return Err(Errno::kEINVAL);
    }
    TRY(make_parents(path));
    const FsContext fs = context();
    if (mode_is(file.mode, kModeDirectory)) {
      const auto made = vfs::mkdir(fs, fs.root, path, file.mode & kModeAllPermissions);
      return made.ok() || made.error() == Errno::kEEXIST ? KResult<u32>(0) : KResult<u32>(Err(made.error()));
    }
    // Replaced, not rewritten: a running program keeps the old file.
    (void)vfs::unlink(fs, fs.root, path);
    auto target = TRY(vfs::open(fs, fs.root, path, kOpenWriteOnly | kOpenCreate | kOpenExclusive,
                                file.mode & kModeAllPermissions));
    Vector<u8> chunk;
    TRY(chunk.resize(kChunkBytes));
    while (left_ > 0) {
      const ByteSpan part(chunk.data(), std::min<u64>(left_, kChunkBytes));
      TRY(read_payload(part));
      auto buffer = IoBuffer::kernel(ConstByteSpan(part));
      while (buffer.remaining() > 0) {
        TRY(target->write(buffer));
      }
    }
    return 0;
  }

  KResult<u32> spawn(u32 token) {
    if (left_ > kMaxSpawnBytes) {
      return Err(Errno::kE2BIG);
    }
    Vector<u8> payload;
    TRY(payload.resize(left_));
    TRY(read_payload(payload.span()));
    const RunRequest request = TRY(RunRequest::parse(payload.span()));
    return start_program(request, token);
  }

  ConsoleStream& port_;
  u64 left_ = 0;
};

}  // namespace

u8 serve_control_port() {
  ConsoleStream* const port = console_control();
  if (port == nullptr) {
    log_error("no program to run and no control port");
    return kStatusBroken;
  }
  return ControlServer(*port).serve();
}

}  // namespace kernel
