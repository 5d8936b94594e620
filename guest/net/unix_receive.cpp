// Receiving on Unix sockets: bytes of a stream over its pieces, or one packet (unix(7), recv(2)).
#include <algorithm>

#include "guest/net/unix_socket_impl.h"

namespace kernel {

/// False: there will be none (any more). Asked with the receive lock not held.
KResult<bool> UnixSocket::wait_for_data(Wait wait) {
  TRY(wait_for_socket(readers_, wait, socket_deadline(receive_timeout_ns),
                      [this] { return !queue_.empty() || read_shut_ || error_ != 0; }));
  if (!queue_.empty()) {
    return true;
  }
  if (const i32 error = take_error(); error != 0) {
    return Err(static_cast<Errno>(error));
  }
  return false;
}

/// Descriptors and credentials of a packet; a look leaves the packet its own.
KResult<void> UnixSocket::take_extras(SocketMessage& message, UnixPacket& packet) {
  message.credentials = packet.credentials;
  message.has_credentials = true;
  if ((message.flags & kMessagePeek) == 0) {
    message.files = std::move(packet.files);
    packet.files.clear();
    packet.uncount_files();
    return {};
  }
  for (const RefPtr<File>& file : packet.files) {
    TRY(message.files.push(file));
  }
  return {};
}

KResult<usize> UnixSocket::receive_stream(SocketMessage& message, Wait wait) {
  if (!was_connected_) {
    return Err(Errno::kEINVAL);
  }
  const bool peek = (message.flags & kMessagePeek) != 0;
  const bool all = (message.flags & kMessageWaitAll) != 0;
  const u64 before = message.data.done();
  const auto moved = [&] { return static_cast<usize>(message.data.done() - before); };
  bool first = true;
  while (message.data.remaining() > 0) {
    const auto there = wait_for_data(moved() > 0 && !all ? Wait::kNo : wait);
    if (!there.ok() || !there.value()) {
      return there.ok() || moved() > 0 ? KResult<usize>(moved()) : Err(there.error());
    }
    MutexGuard guard(receive_lock_);
    UnixPacket* packet = queue_.empty() ? nullptr : &queue_.front();
    bool stop = false;
    while (packet != nullptr && message.data.remaining() > 0) {
      // Descriptors are a boundary, and so is another sender when names are asked for.
      if (!first && (!packet->files.empty() ||
                     (pass_credentials && packet->credentials.pid != message.credentials.pid))) {
        stop = true;
        break;
      }
      if (first) {
        TRY(take_extras(message, *packet));
        stop = !message.files.empty();
        first = false;
      }
      const usize part = std::min<u64>(packet->bytes.size() - packet->taken, message.data.remaining());
      const usize done = message.data.put(packet->bytes.data() + packet->taken, part);
      if (message.data.faulted()) {
        return moved() > 0 ? KResult<usize>(moved()) : Err(Errno::kEFAULT);
      }
      if (peek) {
        packet = queue_.next(*packet);
      } else {
        queue_.take(done);
        if (packet->taken == packet->bytes.size()) {
          queue_.pop();
          packet = queue_.empty() ? nullptr : &queue_.front();
        }
      }
      if (stop) {
        break;
      }
    }
    if (stop || peek || (!all && moved() > 0)) {
      break;
    }
  }
  return moved();
}

KResult<usize> UnixSocket::receive_packet(SocketMessage& message, Wait wait) {
  if (type() == kSocketSeqPacket && !was_connected_) {
    return Err(Errno::kENOTCONN);
  }
  for (;;) {
    const bool there = TRY(wait_for_data(wait));
    if (!there) {
      return usize{0};
    }
    MutexGuard guard(receive_lock_);
    if (queue_.empty()) {
      continue;  // another reader was first
    }
    UnixPacket& packet = queue_.front();
    TRY(take_extras(message, packet));
    message.name = packet.from;
    message.whole_bytes = packet.bytes.size();
    const usize part = std::min<u64>(packet.bytes.size(), message.data.remaining());
    const bool fits = message.data.put(packet.bytes.data(), part) == part;
    message.result_flags |= part < packet.bytes.size() ? u32{kMessageTruncated} : 0;
    if ((message.flags & kMessagePeek) == 0) {
      queue_.pop();
      writers_.wake_all();
    }
    return fits ? KResult<usize>(part) : Err(Errno::kEFAULT);
  }
}

KResult<usize> UnixSocket::receive(SocketMessage& message, Wait wait) {
  if ((message.flags & kMessageOutOfBand) != 0) {
    return Err(is_stream() ? Errno::kEINVAL : Errno::kEOPNOTSUPP);
  }
  return is_stream() ? receive_stream(message, wait) : receive_packet(message, wait);
}

}  // namespace kernel
