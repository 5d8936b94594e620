// Unix sockets made, connected and closed; see unix_socket_impl.h.
#include "guest/net/unix_socket.h"

#include <algorithm>

#include "guest/net/unix_socket_impl.h"

namespace kernel {

namespace {

constexpr u32 kMaxBacklog = 4096;  ///< net.core.somaxconn

}  // namespace

KResult<void> UnixSocket::listen(const SocketCaller& caller, u32 backlog) {
  if (is_datagram()) {
    return Err(Errno::kEOPNOTSUPP);
  }
  if (!bound_ || peer_) {
    return Err(Errno::kEINVAL);
  }
  listening_ = true;
  backlog_ = std::min(backlog, kMaxBacklog);
  own_credentials_ = caller.credentials;
  writers_.wake_all();
  return {};
}

KResult<RefPtr<Socket>> UnixSocket::accept(Wait wait) {
  if (is_datagram()) {
    return Err(Errno::kEOPNOTSUPP);
  }
  if (!listening_) {
    return Err(Errno::kEINVAL);
  }
  TRY(wait_for_socket(readers_, wait, socket_deadline(receive_timeout_ns),
                      [this] { return !pending_.empty() || read_shut_; }));
  if (pending_.empty()) {
    return Err(Errno::kEINVAL);
  }
  RefPtr<UnixSocket> accepted = pending_[0];
  pending_.erase(0);
  writers_.wake_all();
  return RefPtr<Socket>(std::move(accepted));
}

KResult<void> UnixSocket::connect_to_listener(UnixSocket& listener, const SocketCaller& caller, Wait wait) {
  auto server = TRY(try_make_ref<UnixSocket>(type()));
  const auto refused = [&] { return listener.closed_ || !listener.listening_ || listener.read_shut_; };
  TRY(wait_for_socket(listener.writers_, wait, socket_deadline(send_timeout_ns),
                      [&] { return refused() || listener.pending_.size() <= listener.backlog_; }));
  if (refused()) {
    return Err(Errno::kECONNREFUSED);
  }
  if (peer_) {
    return Err(Errno::kEISCONN);
  }
  TRY(listener.pending_.push(server));
  server->peer_ = RefPtr<UnixSocket>(this);
  server->name_ = listener.name_;
  server->peer_credentials_ = caller.credentials;
  server->pass_credentials = listener.pass_credentials;
  server->was_connected_ = was_connected_ = true;
  peer_ = std::move(server);
  peer_credentials_ = listener.own_credentials_;
  listener.readers_.wake_all();
  listener.source.wake(kPollIn);
  source.wake(kPollOut);
  return {};
}

KResult<void> UnixSocket::connect(const SocketCaller& caller, const SocketName& name, Wait wait) {
  if (is_datagram()) {
    if (name.bytes >= kAddressHeaderBytes && name.address.family == kFamilyUnspecified) {
      peer_.reset();
      return {};
    }
    RefPtr<UnixSocket> target = TRY(find_target(caller, name));
    if (target->peer_ && target->peer_ != this) {
      return Err(Errno::kEPERM);
    }
    peer_ = std::move(target);
    return {};
  }
  if (listening_) {
    return Err(Errno::kEINVAL);
  }
  if (peer_) {
    return Err(Errno::kEISCONN);
  }
  const RefPtr<UnixSocket> listener = TRY(find_target(caller, name));
  if (!listener->listening_) {
    return Err(Errno::kECONNREFUSED);
  }
  return connect_to_listener(*listener, caller, wait);
}

void UnixSocket::join(UnixSocket& a, UnixSocket& b, const SocketCredentials& who) {
  a.peer_ = RefPtr<UnixSocket>(&b);
  b.peer_ = RefPtr<UnixSocket>(&a);
  a.peer_credentials_ = b.peer_credentials_ = who;
  a.was_connected_ = b.was_connected_ = true;
}

KResult<void> UnixSocket::shutdown(ShutdownHow how) {
  if (!is_datagram() && !peer_ && !listening_) {
    return Err(Errno::kENOTCONN);
  }
  const bool read = how != ShutdownHow::kWrite;
  const bool write = how != ShutdownHow::kRead;
  read_shut_ |= read;
  write_shut_ |= write;
  if (peer_ && !is_datagram()) {
    peer_->read_shut_ |= write;
    peer_->write_shut_ |= read;
    peer_->woken();
  } else if (peer_) {
    peer_->writers_.wake_all();  // a sender of this socket may wait for room there
  }
  woken();
  return {};
}

void UnixSocket::close() {
  if (closed_) {
    return;
  }
  closed_ = true;
  give_up_name();
  const bool unread = !queue_.empty();
  const RefPtr<UnixSocket> peer = std::move(peer_);
  if (peer && !is_datagram()) {
    peer->read_shut_ = peer->write_shut_ = true;
    if (unread) {
      peer->error_ = static_cast<i32>(Errno::kECONNRESET);
    }
  }
  for (const RefPtr<UnixSocket>& never_accepted : pending_) {
    if (never_accepted->peer_) {
      never_accepted->peer_->error_ = static_cast<i32>(Errno::kECONNRESET);
    }
    never_accepted->close();
  }
  pending_.clear();
  queue_.clear();
  woken();
  if (peer) {
    peer->woken();
  }
}

u32 UnixSocket::poll() {
  u32 events = error_ != 0 ? u32{kPollErr} : 0;
  if (listening_) {
    return events | (pending_.empty() ? 0 : kPollIn | kPollReadNorm);
  }
  if (!queue_.empty() || read_shut_) {
    events |= kPollIn | kPollReadNorm;
  }
  if (read_shut_) {
    events |= kPollReadHup;
  }
  const bool unconnected = !is_datagram() && !was_connected_;
  if (unconnected || (read_shut_ && write_shut_)) {
    events |= kPollHup;
  }
  // As Linux counts: a quarter of the buffer must be free of what is under way.
  const bool room = unsent_ * 4 <= send_buffer_bytes &&
                    !(is_datagram() && peer_ && peer_->queue_.packets() >= kMaxQueuedDatagrams);
  return events | (room ? kPollOut | kPollWriteNorm | kPollWriteBand : 0);
}

namespace {

KResult<void> check_kind(u32 type, i32 protocol) {
  if (protocol != 0 && protocol != kFamilyUnix) {
    return Err(Errno::kEPROTONOSUPPORT);
  }
  return type == kSocketStream || type == kSocketDatagram || type == kSocketSeqPacket
             ? KResult<void>()
             : KResult<void>(Err(Errno::kESOCKTNOSUPPORT));
}

}  // namespace

KResult<RefPtr<Socket>> make_unix_socket(u32 type, i32 protocol) {
  // Linux makes a datagram socket of a raw one (unix(7)).
  type = type == kSocketRaw ? u32{kSocketDatagram} : type;
  TRY(check_kind(type, protocol));
  return RefPtr<Socket>(TRY(try_make_ref<UnixSocket>(type)));
}

KResult<SocketPair> make_unix_pair(u32 type, i32 protocol, const SocketCredentials& who) {
  type = type == kSocketRaw ? u32{kSocketDatagram} : type;
  TRY(check_kind(type, protocol));
  auto first = TRY(try_make_ref<UnixSocket>(type));
  auto second = TRY(try_make_ref<UnixSocket>(type));
  UnixSocket::join(*first, *second, who);
  SocketPair pair;
  pair.ends[0] = RefPtr<Socket>(std::move(first));
  pair.ends[1] = RefPtr<Socket>(std::move(second));
  return pair;
}

}  // namespace kernel
