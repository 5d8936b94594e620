// Sending on Unix sockets: when there is room, and what a message is charged (unix(7), send(2)).
#include <algorithm>

#include "guest/net/unix_socket_impl.h"

namespace kernel {

namespace {

constexpr usize kStreamPieceBytes = 16384;

}  // namespace

bool UnixSocket::queue_full(const UnixSocket& to) const {
  return is_datagram() && to.queue_.packets() >= kMaxQueuedDatagrams;
}
bool UnixSocket::buffer_has_room(u64 charge) const {
  return unsent_ == 0 || unsent_ + charge <= send_buffer_bytes;
}

KResult<void> UnixSocket::wait_for_room(UnixSocket& to, u64 charge, Wait wait) {
  const auto refused = [&] { return write_shut_ || to.closed_ || to.read_shut_; };
  const u64 deadline = socket_deadline(send_timeout_ns);
  // A full queue of datagrams empties at the receiver, a full send buffer here; either may fill while the
  // other is waited for.
  while (!refused() && (queue_full(to) || !buffer_has_room(charge))) {
    if (queue_full(to)) {
      TRY(wait_for_socket(to.writers_, wait, deadline, [&] { return refused() || !queue_full(to); }));
    } else {
      TRY(wait_for_socket(writers_, wait, deadline, [&] { return refused() || buffer_has_room(charge); }));
    }
  }
  return {};
}

KResult<UniquePtr<UnixPacket>> UnixSocket::make_packet(const SocketCaller& caller, SocketMessage& message,
                                                       usize bytes) {
  auto packet = TRY(try_make<UnixPacket>());
  TRY(packet->bytes.resize(bytes));
  if (message.data.get(packet->bytes.data(), bytes) < bytes) {
    return Err(Errno::kEFAULT);
  }
  packet->credentials = message.has_credentials ? message.credentials : caller.credentials;
  packet->from = name_;
  packet->files = std::move(message.files);
  message.files.clear();
  TRY(packet->count_files(caller));
  packet->charged = sizeof(UnixPacket) + bytes + packet->files.size() * sizeof(RefPtr<File>);
  return packet;
}

void UnixSocket::deliver(UnixSocket& to, UniquePtr<UnixPacket> packet) {
  packet->sender = RefPtr<UnixSocket>(this);
  unsent_ += packet->charged;
  to.queue_.push(std::move(packet));
  to.readers_.wake_all();
  to.source.wake(kPollIn);
}

KResult<usize> UnixSocket::send_stream(const SocketCaller& caller, SocketMessage& message, Wait wait) {
  if (message.name.bytes != 0) {
    return Err(peer_ ? Errno::kEISCONN : Errno::kEOPNOTSUPP);
  }
  if (!peer_ && !was_connected_) {
    return Err(Errno::kENOTCONN);
  }
  usize sent = 0;
  const auto ended = [&sent](Errno why) { return sent > 0 ? KResult<usize>(sent) : Err(why); };
  do {
    const RefPtr<UnixSocket> to = peer_;
    const auto refused = [&] { return write_shut_ || to->closed_ || to->read_shut_; };
    if (!to || refused()) {
      return ended(Errno::kEPIPE);
    }
    const usize bytes = std::min<usize>(message.data.remaining(), kStreamPieceBytes);
    if (bytes == 0) {
      break;
    }
    auto packet = make_packet(caller, message, bytes);
    if (!packet.ok()) {
      return ended(packet.error());
    }
    const auto room = wait_for_room(*to, packet.value()->charged, wait);
    if (!room.ok()) {
      return ended(room.error());
    }
    if (refused()) {
      return ended(Errno::kEPIPE);
    }
    deliver(*to, std::move(packet).value());
    sent += bytes;
  } while (message.data.remaining() > 0);
  return sent;
}

KResult<usize> UnixSocket::send_packet(const SocketCaller& caller, SocketMessage& message, Wait wait) {
  RefPtr<UnixSocket> to = peer_;
  if (message.name.bytes != 0 && is_datagram()) {
    to = TRY(find_target(caller, message.name));
    if (to->peer_ && to->peer_ != this) {
      return Err(Errno::kEPERM);
    }
  } else if (message.name.bytes != 0) {
    return Err(peer_ ? Errno::kEISCONN : Errno::kENOTCONN);
  }
  if (write_shut_) {
    return Err(Errno::kEPIPE);
  }
  if (!to) {
    return Err(Errno::kENOTCONN);
  }
  const usize bytes = message.data.remaining();
  if (bytes > send_buffer_bytes) {
    return Err(Errno::kEMSGSIZE);
  }
  auto packet = TRY(make_packet(caller, message, bytes));
  TRY(wait_for_room(*to, packet->charged, wait));
  if (write_shut_ || (to->read_shut_ && (!is_datagram() || !to->closed_))) {
    return Err(Errno::kEPIPE);
  }
  if (to->closed_) {
    if (is_datagram() && to == peer_) {
      peer_.reset();
    }
    return Err(is_datagram() ? Errno::kECONNREFUSED : Errno::kEPIPE);
  }
  deliver(*to, std::move(packet));
  return bytes;
}

KResult<usize> UnixSocket::send(const SocketCaller& caller, SocketMessage& message, Wait wait) {
  if ((message.flags & kMessageOutOfBand) != 0) {
    return Err(Errno::kEOPNOTSUPP);
  }
  return is_stream() ? send_stream(caller, message, wait) : send_packet(caller, message, wait);
}

}  // namespace kernel
