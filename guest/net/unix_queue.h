// What waits at a Unix socket to be received: packets, or for a stream pieces of its bytes.
//
// Invariants: packets leave in the order they came. A packet counts as unsent with its sender until it is
// gone. Descriptors and credentials travel with the first byte of their packet. Lock: `receive_lock` of the
// socket, over copies to user memory.
//
// Files that travel count with the user who sent them (ETOOMANYREFS). A queue that ends buries its packets:
// they end one after another at the outermost burial, since a file among them may be a socket with a queue of
// its own, and a chain of those must not take kernel stack by its length. Sockets that hold each other in
// their queues, closed everywhere else, stay for ever: nothing looks for such circles, the count bounds them.
#pragma once

#include "guest/net/socket.h"

namespace kernel {

class UnixSocket;

struct UnixPacket {
  ~UnixPacket();

  ListNode node;
  Vector<u8> bytes;
  usize taken = 0;  ///< bytes of a stream that are received already
  Vector<RefPtr<File>> files;
  SocketCredentials credentials{};
  SocketName from;
  RefPtr<UnixSocket> sender;
  u64 charged = 0;    ///< to the sender: bytes of memory, so that many small ones count
  u32 user = 0;       ///< with whom the files count
  usize counted = 0;  ///< files that do
  /// Its files are about to travel. ETOOMANYREFS, ENOMEM.
  KResult<void> count_files(const SocketCaller& sender);
  /// They have arrived, or are lost.
  void uncount_files();
};

class UnixQueue : NonCopyable {
 public:
  ~UnixQueue() { clear(); }
  bool empty() const { return packets_.empty(); }
  usize packets() const { return count_; }
  u64 bytes() const { return bytes_; }
  UnixPacket& front() { return packets_.front(); }
  const UnixPacket& front() const { return packets_.front(); }

  void push(UniquePtr<UnixPacket> packet) {
    bytes_ += packet->bytes.size();
    count_++;
    packets_.push_back(*packet.release());
  }
  /// Counts bytes of the first packet as received.
  void take(usize bytes) {
    front().taken += bytes;
    bytes_ -= bytes;
  }
  /// The first packet is done with.
  UniquePtr<UnixPacket> pop() {
    UniquePtr<UnixPacket> packet(&packets_.front());
    packets_.pop_front();
    bytes_ -= packet->bytes.size() - packet->taken;
    count_--;
    return packet;
  }
  void clear() {
    while (!empty()) {
      bury(pop());
    }
  }
  /// The packet after `packet`, or null.
  UnixPacket* next(UnixPacket& packet) {
    auto it = packets_.iterator_to(packet);
    ++it;
    return it == packets_.end() ? nullptr : &*it;
  }

 private:
  using Packets = List<UnixPacket, &UnixPacket::node>;
  static void bury(UniquePtr<UnixPacket> packet);

  Packets packets_;
  u64 bytes_ = 0;
  usize count_ = 0;
};

}  // namespace kernel
