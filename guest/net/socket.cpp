#include "guest/net/socket.h"

#include "guest/fs/anonymous_file.h"
#include "guest/hal/time.h"
#include "guest/hal/user_access.h"
#include "guest/net/unix_socket.h"

namespace kernel {

namespace {

constexpr u32 kSockFsMagic = 0x534f'434b;

SocketCaller (*g_caller)() = nullptr;

struct SocketState final : FileState {
  explicit SocketState(RefPtr<Socket> of) : socket(std::move(of)) {}
  RefPtr<Socket> socket;
};

Socket& behind(File& file) { return *file.state<SocketState>()->socket; }
Socket::Wait wait_of(const File& file) { return file.nonblocking() ? Socket::Wait::kNo : Socket::Wait::kYes; }

class SocketOperations final : public FileOperations {
 public:
  bool seekable() const override { return false; }
  void release(File& file) override { behind(file).close(); }

  KResult<usize> read(File& file, u64, IoBuffer& buffer) override {
    SocketMessage message(buffer);
    return behind(file).receive(message, wait_of(file));
  }
  KResult<usize> write(File& file, u64, IoBuffer& buffer) override {
    const SocketCaller caller = g_caller();
    SocketMessage message(buffer);
    message.credentials = caller.credentials;
    return behind(file).send(caller, message, wait_of(file));
  }
  u32 poll(File& file) override { return behind(file).poll(); }
  PollSource* poll_source(File& file) override { return &behind(file).source; }

  KResult<i64> ioctl(File& file, u32 request, VirtAddr argument) override {
    const Socket& socket = behind(file);
    switch (request) {
      case kIoctlBytesReadable:
        if (socket.listening()) {
          return Err(Errno::kEINVAL);
        }
        TRY(put_user(argument, static_cast<i32>(socket.unread_bytes())));
        return 0;
      case kIoctlBytesUnsent:
        TRY(put_user(argument, static_cast<i32>(socket.unsent_bytes())));
        return 0;
      default:
        return Err(Errno::kENOTTY);
    }
  }
};

SocketOperations& socket_operations() {
  static SocketOperations operations;
  return operations;
}

}  // namespace

void set_socket_caller(SocketCaller (*current)()) { g_caller = current; }

u64 socket_deadline(u64 timeout_ns) {
  u64 deadline = 0;
  if (timeout_ns == 0) {
    return kNoDeadline;
  }
  return __builtin_add_overflow(monotonic_ns(), timeout_ns, &deadline) ? kNoDeadline - 1 : deadline;
}

KResult<RefPtr<Socket>> make_socket(u32 family, u32 type, i32 protocol) {
  switch (family) {
    case kFamilyUnix:
      return make_unix_socket(type, protocol);
    default:
      return Err(Errno::kEAFNOSUPPORT);
  }
}

KResult<SocketPair> make_socket_pair(u32 family, u32 type, i32 protocol, const SocketCredentials& who) {
  switch (family) {
    case kFamilyUnix:
      return make_unix_pair(type, protocol, who);
    default:
      return Err(Errno::kEAFNOSUPPORT);
  }
}

KResult<RefPtr<File>> make_socket_file(RefPtr<Socket> socket, u32 flags, const FsCredentials& who) {
  static RefPtr<Mount> mount;
  if (!mount) {
    mount = TRY(make_internal_mount("sockfs", kSockFsMagic));
  }
  auto state = TRY(try_make<SocketState>(std::move(socket)));
  RefPtr<Inode> inode = TRY(try_make_ref<Inode>(mount->fs(), kModeSocket | 0777, who.uid, who.gid));
  char name[32];
  const StringView shown = format_into(name, "socket:[{}]", inode->number());
  Path path = TRY(internal_path(mount, std::move(inode), shown));
  return File::open_with(std::move(path), kOpenReadWrite | (flags & kOpenNonBlock), socket_operations(),
                         std::move(state));
}

KResult<Socket*> socket_of(File& file) {
  if (&file.operations() != &socket_operations()) {
    return Err(Errno::kENOTSOCK);
  }
  return &behind(file);
}

}  // namespace kernel
