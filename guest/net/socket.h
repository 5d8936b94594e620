// Socket: one end of a conversation, apart from the descriptors that lead to it (socket(7)).
//
// A family implements the operations; what is common to all (options, time-outs, the file) is here.
// Lock: each socket's own; what a family's operation changes it changes without sleeping, so that it is
// atomic (kernel code is not preempted), and user memory is copied under `receive_lock` or before.
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/path.h"
#include "guest/fs/poll.h"
#include "quire/arch/linux/socket.h"

namespace kernel {

struct SocketName {
  SocketAddress address{};
  u32 bytes = 0;  ///< 0: none
};

/// A message to send, and where a received one goes.
struct SocketMessage {
  explicit SocketMessage(IoBuffer& buffer, u32 message_flags = 0) : data(buffer), flags(message_flags) {}

  IoBuffer& data;
  u32 flags;                        ///< MessageFlag
  SocketName name;                  ///< to whom, or from whom
  Vector<RefPtr<File>> files;       ///< SCM_RIGHTS
  SocketCredentials credentials{};  ///< of the sender
  bool has_credentials = false;     ///< receiving: the sender's are known
  u32 result_flags = 0;             ///< receiving: kMessageTruncated
  usize whole_bytes = 0;            ///< receiving: of a packet that did not fit
};

/// Who makes a call, for families that look at files and identities.
struct SocketCaller {
  const FsContext& fs;
  SocketCredentials credentials;
  u32 user = 0;                  ///< with whom files that it sends count
  u64 max_travelling = ~u64{0};  ///< of them
};

class Socket : public RefCounted<Socket> {
 public:
  Socket(u16 family, u32 type) : family_(family), type_(type) {}
  virtual ~Socket() = default;

  u16 family() const { return family_; }
  u32 type() const { return type_; }

  virtual KResult<void> bind(const SocketCaller&, const SocketName&) { return Err(Errno::kEOPNOTSUPP); }
  virtual KResult<void> listen(const SocketCaller&, u32 /*backlog*/) { return Err(Errno::kEOPNOTSUPP); }
  /// Waits unless `wait` is no.
  enum class Wait : u8 { kNo, kYes };
  virtual KResult<RefPtr<Socket>> accept(Wait) { return Err(Errno::kEOPNOTSUPP); }
  virtual KResult<void> connect(const SocketCaller&, const SocketName&, Wait) {
    return Err(Errno::kEOPNOTSUPP);
  }
  virtual KResult<usize> send(const SocketCaller&, SocketMessage&, Wait) { return Err(Errno::kEOPNOTSUPP); }
  virtual KResult<usize> receive(SocketMessage&, Wait) { return Err(Errno::kEOPNOTSUPP); }
  virtual KResult<void> shutdown(ShutdownHow) { return Err(Errno::kEOPNOTSUPP); }
  virtual KResult<SocketName> name() const { return SocketName{}; }
  virtual KResult<SocketName> peer_name() const { return Err(Errno::kENOTCONN); }
  virtual KResult<SocketCredentials> peer_credentials() const { return Err(Errno::kENOTCONN); }
  virtual u32 poll() = 0;
  virtual bool listening() const { return false; }
  virtual u64 unread_bytes() const { return 0; }
  virtual u64 unsent_bytes() const { return 0; }
  /// The last descriptor is gone.
  virtual void close() {}

  /// SO_ERROR: tells once.
  i32 take_error() { return std::exchange(error_, 0); }

  // --- options; in ns, 0: for ever ---
  u64 receive_timeout_ns = 0;
  u64 send_timeout_ns = 0;
  u32 send_buffer_bytes = 212992;  ///< net.core.wmem_default
  u32 receive_buffer_bytes = 212992;
  bool pass_credentials = false;
  bool flags_kept[64] = {};  ///< options that are remembered and have no effect, by number

  PollSource source;

 protected:
  i32 error_ = 0;

 private:
  u16 family_;
  u32 type_;
};

/// EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, ENOMEM. `type` without flags.
KResult<RefPtr<Socket>> make_socket(u32 family, u32 type, i32 protocol);
struct SocketPair {
  RefPtr<Socket> ends[2];
};
/// EOPNOTSUPP for families without pairs.
KResult<SocketPair> make_socket_pair(u32 family, u32 type, i32 protocol, const SocketCredentials& who);

/// An opening of the socket; `flags`: kOpenNonBlock.
KResult<RefPtr<File>> make_socket_file(RefPtr<Socket> socket, u32 flags, const FsCredentials& who);
/// ENOTSOCK.
KResult<Socket*> socket_of(File& file);
/// What read and write on a socket pass on; set by the layer that knows the caller.
void set_socket_caller(SocketCaller (*current)());

/// When a wait of the socket ends: kNoDeadline without a time-out.
u64 socket_deadline(u64 timeout_ns);

/// Waits at `queue` until `ready`. EAGAIN when it may not wait or the deadline is over, EINTR.
template <class Ready>
KResult<void> wait_for_socket(WaitQueue& queue, Socket::Wait wait, u64 deadline_ns, Ready ready) {
  if (wait == Socket::Wait::kNo) {
    return ready() ? KResult<void>() : Err(Errno::kEAGAIN);
  }
  auto waited = wait_event_until(queue, deadline_ns, ready);
  return !waited.ok() && waited.error() == Errno::kETIMEDOUT ? Err(Errno::kEAGAIN) : std::move(waited);
}

}  // namespace kernel
