// Sockets: making and connecting them, and their options. Messages are in messages.cpp.
#include "guest/net/socket.h"
#include "guest/syscall/messages.h"

namespace kernel {

namespace {

constexpr u32 kTypeFlags = kOpenNonBlock | kOpenCloseOnExec;  // SOCK_NONBLOCK, SOCK_CLOEXEC

SyscallResult install_socket(RefPtr<Socket> socket, u32 flags) {
  const FsCredentials who = current_process().identity.effective();
  auto file = TRY(make_socket_file(std::move(socket), flags, who));
  return install_file(std::move(file), flags);
}

/// What can fail without a connection comes first; one that cannot be handed out is closed, as its client
/// sees.
SyscallResult accept_connection(const SyscallArgs& args, u32 flags) {
  TRY(check_flags(flags, kTypeFlags));
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  FdReservation place(current_task().files());
  TRY(place.take(open_files_limit()));
  at.set_restart(at.socket->receive_timeout_ns);
  RefPtr<Socket> accepted = TRY(at.socket->accept(at.wait(0)));
  auto file = make_socket_file(accepted, flags, current_process().identity.effective());
  if (!file.ok()) {
    accepted->close();
    return Err(file.error());
  }
  if (args[1] != 0) {
    const SocketName peer = TRY(accepted->peer_name());
    TRY(put_socket_name(peer, args.as_address(1), args.as_address(2)));
  }
  const auto cloexec = (flags & kOpenCloseOnExec) != 0 ? CloseOnExec::kYes : CloseOnExec::kNo;
  return i64{place.fill(std::move(file).value(), cloexec)};
}

/// Options whose value is remembered and has no effect.
bool is_kept_option(i32 option) {
  return option == kOptionReuseAddress || option == kOptionReusePort || option == kOptionKeepAlive ||
         option == kOptionBroadcast || option == kOptionDontRoute;
}

KResult<u64> user_timeout(VirtAddr address, u32 bytes) {
  if (bytes < sizeof(TimeVal)) {
    return Err(Errno::kEINVAL);
  }
  const auto time = TRY(get_user<TimeVal>(address));
  if (time.microseconds < 0 || time.microseconds >= 1'000'000) {
    return Err(Errno::kEDOM);
  }
  return time.seconds < 0 ? KResult<u64>(u64{0}) : timeval_ns(time);
}

KResult<void> set_option(Socket& socket, i32 option, VirtAddr value, u32 bytes) {
  constexpr u32 kMinBuffer = 2304;
  constexpr u32 kMaxBuffer = 212992;  // net.core.wmem_max
  if (option == kOptionReceiveTimeout) {
    socket.receive_timeout_ns = TRY(user_timeout(value, bytes));
    return {};
  }
  if (option == kOptionSendTimeout) {
    socket.send_timeout_ns = TRY(user_timeout(value, bytes));
    return {};
  }
  if (bytes < sizeof(i32)) {
    return Err(Errno::kEINVAL);
  }
  const i32 number = TRY(get_user<i32>(value));
  if (is_kept_option(option)) {
    socket.flags_kept[option] = number != 0;
    return {};
  }
  switch (option) {
    case kOptionSendBuffer:
    case kOptionReceiveBuffer: {
      // socket(7): doubled, for the kernel's own bookkeeping.
      const u32 doubled =
          std::max(std::min(static_cast<u32>(std::max(number, 0)), kMaxBuffer) * 2, kMinBuffer * 2);
      (option == kOptionSendBuffer ? socket.send_buffer_bytes : socket.receive_buffer_bytes) = doubled;
      return {};
    }
    case kOptionPassCredentials:
      socket.pass_credentials = number != 0;
      return {};
    case kOptionLinger:
      return bytes < 2 * sizeof(i32) ? KResult<void>(Err(Errno::kEINVAL)) : KResult<void>();
    case kOptionReceiveLowWater:
      return {};
    case kOptionType:
    case kOptionError:
    case kOptionProtocol:
    case kOptionDomain:
    case kOptionAcceptsConnections:
    case kOptionPeerCredentials:
    default:
      return Err(Errno::kENOPROTOOPT);
  }
}

/// The value of an option that is one number.
KResult<i32> number_option(Socket& socket, i32 option) {
  if (is_kept_option(option)) {
    return socket.flags_kept[option] ? 1 : 0;
  }
  switch (option) {
    case kOptionType:
      return static_cast<i32>(socket.type());
    case kOptionDomain:
      return i32{socket.family()};
    case kOptionProtocol:
      return 0;
    case kOptionError:
      return socket.take_error();
    case kOptionSendBuffer:
      return static_cast<i32>(socket.send_buffer_bytes);
    case kOptionReceiveBuffer:
      return static_cast<i32>(socket.receive_buffer_bytes);
    case kOptionPassCredentials:
      return socket.pass_credentials ? 1 : 0;
    case kOptionAcceptsConnections:
      return socket.listening() ? 1 : 0;
    case kOptionReceiveLowWater:
    case kOptionSendLowWater:
      return 1;
    default:
      return Err(Errno::kENOPROTOOPT);
  }
}

/// Copies as much of a value as the caller has room for, and tells how much.
template <class T>
SyscallResult put_option(const T& value, VirtAddr to, VirtAddr length_at, i32 room) {
  const u32 bytes = std::min<u32>(static_cast<u32>(room), sizeof(T));
  TRY(copy_to_user(to, &value, bytes));
  TRY(put_user(length_at, bytes));
  return 0;
}

}  // namespace

SyscallResult sys_socket(const SyscallArgs& args) {
  const u32 flags = args.as_uint(1) & ~u32{kSocketTypeMask};
  TRY(check_flags(flags, kTypeFlags));
  auto socket = TRY(make_socket(args.as_uint(0), args.as_uint(1) & kSocketTypeMask, args.as_int(2)));
  return install_socket(std::move(socket), flags);
}

SyscallResult sys_socketpair(const SyscallArgs& args) {
  const u32 flags = args.as_uint(1) & ~u32{kSocketTypeMask};
  TRY(check_flags(flags, kTypeFlags));
  SocketPair pair = TRY(make_socket_pair(args.as_uint(0), args.as_uint(1) & kSocketTypeMask, args.as_int(2),
                                         socket_caller().credentials));
  i32 fds[2];
  fds[0] = static_cast<i32>(TRY(install_socket(std::move(pair.ends[0]), flags)));
  const auto second = install_socket(std::move(pair.ends[1]), flags);
  FdTable& files = current_task().files();
  if (!second.ok()) {
    (void)files.close(fds[0]);
    return Err(second.error());
  }
  fds[1] = static_cast<i32>(second.value());
  const auto told = copy_to_user(args.as_address(3), fds, sizeof(fds));
  if (!told.ok()) {
    (void)files.close(fds[0]);
    (void)files.close(fds[1]);
    return Err(told.error());
  }
  return 0;
}

SyscallResult sys_bind(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  const SocketName name = TRY(user_socket_name(args.as_address(1), args.as_uint(2)));
  TRY(at.socket->bind(socket_caller(), name));
  return 0;
}

SyscallResult sys_listen(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  TRY(at.socket->listen(socket_caller(), args.as_uint(1)));
  return 0;
}

SyscallResult sys_accept(const SyscallArgs& args) { return accept_connection(args, 0); }
SyscallResult sys_accept4(const SyscallArgs& args) { return accept_connection(args, args.as_uint(3)); }

SyscallResult sys_connect(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  at.set_restart(at.socket->send_timeout_ns);
  const SocketName name = TRY(user_socket_name(args.as_address(1), args.as_uint(2)));
  TRY(at.socket->connect(socket_caller(), name, at.wait(0)));
  return 0;
}

SyscallResult sys_getsockname(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  const SocketName name = TRY(at.socket->name());
  TRY(put_socket_name(name, args.as_address(1), args.as_address(2)));
  return 0;
}

SyscallResult sys_getpeername(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  const SocketName name = TRY(at.socket->peer_name());
  TRY(put_socket_name(name, args.as_address(1), args.as_address(2)));
  return 0;
}

SyscallResult sys_shutdown(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  if (args.as_int(1) < 0 || args.as_int(1) > static_cast<i32>(ShutdownHow::kBoth)) {
    return Err(Errno::kEINVAL);
  }
  TRY(at.socket->shutdown(static_cast<ShutdownHow>(args.as_int(1))));
  return 0;
}

SyscallResult sys_setsockopt(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  if (args.as_int(4) < 0) {
    return Err(Errno::kEINVAL);
  }
  if (args.as_int(1) != kLevelSocket) {
    return Err(Errno::kEOPNOTSUPP);
  }
  TRY(set_option(*at.socket, args.as_int(2), args.as_address(3), args.as_uint(4)));
  return 0;
}

SyscallResult sys_getsockopt(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  Socket& socket = *at.socket;
  const i32 room = TRY(get_user<i32>(args.as_address(4)));
  if (room < 0) {
    return Err(Errno::kEINVAL);
  }
  if (args.as_int(1) != kLevelSocket) {
    return Err(Errno::kEOPNOTSUPP);
  }
  const auto put = [&](const auto& value) {
    return put_option(value, args.as_address(3), args.as_address(4), room);
  };
  switch (args.as_int(2)) {
    case kOptionReceiveTimeout:
      return put(to_timeval(socket.receive_timeout_ns));
    case kOptionSendTimeout:
      return put(to_timeval(socket.send_timeout_ns));
    case kOptionLinger:
      return put(u64{0});
    case kOptionPeerCredentials:
      return put(TRY(socket.peer_credentials()));
    default:
      return put(TRY(number_option(socket, args.as_int(2))));
  }
}

}  // namespace kernel
