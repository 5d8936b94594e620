// What calls on sockets share: the socket behind a descriptor, names in user memory.
#pragma once

#include "guest/net/socket.h"
#include "guest/syscall/arguments.h"

namespace kernel {

struct SocketFile {
  RefPtr<File> file;
  Socket* socket = nullptr;

  /// EBADF, ENOTSOCK.
  static KResult<SocketFile> get(i32 fd);
  Socket::Wait wait(u32 message_flags) const {
    return file->nonblocking() || (message_flags & kMessageDontWait) != 0 ? Socket::Wait::kNo
                                                                          : Socket::Wait::kYes;
  }
  /// signal(7): a call on a socket with a time-out is never restarted.
  void set_restart(u64 timeout_ns) const {
    current_task().restart = timeout_ns != 0 ? Restart::kNever : Restart::kAlways;
  }
};

/// The running process as a user of sockets.
SocketCaller socket_caller();

/// A struct sockaddr. EINVAL for a bad length, EFAULT.
KResult<SocketName> user_socket_name(VirtAddr address, u32 bytes);
/// Writes as much of a name as there is room for, and its whole length (accept(2)).
KResult<void> put_socket_name(const SocketName& name, VirtAddr to, VirtAddr length_at);

}  // namespace kernel
