// The socket behind guest/net/unix_socket.h, for its parts: names (unix_names.cpp), connections
// (unix_socket.cpp), sending (unix_send.cpp) and receiving (unix_receive.cpp).
//
// Invariants: a connected stream or packet socket and its peer name each other until one of them closes; the
// other then keeps the reference, and sees that it is closed. A socket is in the list of bound ones exactly
// while it has a name of its own and is open. Closing empties the queue, so sockets that have sent each
// other data, or each other, do not keep each other alive.
#pragma once

#include "guest/net/socket.h"
#include "guest/net/unix_queue.h"
#include "guest/net/unix_socket.h"

namespace kernel {

/// Datagrams that may wait at one socket: net.unix.max_dgram_qlen and one.
inline constexpr usize kMaxQueuedDatagrams = 11;

class UnixSocket final : public Socket {
 public:
  explicit UnixSocket(u32 type) : Socket(kFamilyUnix, type) {}
  ~UnixSocket() override { close(); }

  KResult<void> bind(const SocketCaller& caller, const SocketName& name) override;
  KResult<void> listen(const SocketCaller& caller, u32 backlog) override;
  KResult<RefPtr<Socket>> accept(Wait wait) override;
  KResult<void> connect(const SocketCaller& caller, const SocketName& name, Wait wait) override;
  KResult<usize> send(const SocketCaller& caller, SocketMessage& message, Wait wait) override;
  KResult<usize> receive(SocketMessage& message, Wait wait) override;
  KResult<void> shutdown(ShutdownHow how) override;
  KResult<SocketName> name() const override { return own_name_or_family(name_); }
  KResult<SocketName> peer_name() const override {
    return peer_ ? KResult<SocketName>(own_name_or_family(peer_->name_)) : Err(Errno::kENOTCONN);
  }
  KResult<SocketCredentials> peer_credentials() const override { return peer_credentials_; }
  u32 poll() override;
  bool listening() const override { return listening_; }
  u64 unread_bytes() const override {
    if (queue_.empty()) {
      return 0;
    }
    return is_stream() ? queue_.bytes() : queue_.front().bytes.size();
  }
  u64 unsent_bytes() const override { return unsent_; }
  void close() override;

  /// For socketpair(2).
  static void join(UnixSocket& a, UnixSocket& b, const SocketCredentials& who);
  /// A packet of this sender is gone.
  void uncharge(u64 bytes) {
    unsent_ -= bytes;
    writers_.wake_all();
    source.wake(kPollOut);
  }

 private:
  friend struct BoundSockets;
  bool is_stream() const { return type() == kSocketStream; }
  bool is_datagram() const { return type() == kSocketDatagram; }

  static SocketName own_name_or_family(const SocketName& name) {
    if (name.bytes != 0) {
      return name;
    }
    SocketName unnamed;
    unnamed.address.family = kFamilyUnix;
    unnamed.bytes = kAddressHeaderBytes;
    return unnamed;
  }

  KResult<void> bind_path(const SocketCaller& caller, const SocketName& name);
  KResult<void> bind_abstract(const SocketName& name);
  KResult<void> bind_some();
  void give_up_name();
  KResult<RefPtr<UnixSocket>> find_target(const SocketCaller& caller, const SocketName& name) const;
  KResult<void> connect_to_listener(UnixSocket& listener, const SocketCaller& caller, Wait wait);
  KResult<UniquePtr<UnixPacket>> make_packet(const SocketCaller& caller, SocketMessage& message, usize bytes);
  KResult<usize> send_stream(const SocketCaller& caller, SocketMessage& message, Wait wait);
  KResult<usize> send_packet(const SocketCaller& caller, SocketMessage& message, Wait wait);
  KResult<void> wait_for_room(UnixSocket& to, u64 charge, Wait wait);
  bool queue_full(const UnixSocket& to) const;
  bool buffer_has_room(u64 charge) const;
  void deliver(UnixSocket& to, UniquePtr<UnixPacket> packet);
  KResult<bool> wait_for_data(Wait wait);
  KResult<usize> receive_stream(SocketMessage& message, Wait wait);
  KResult<usize> receive_packet(SocketMessage& message, Wait wait);
  static KResult<void> take_extras(SocketMessage& message, UnixPacket& packet);
  void woken() {
    readers_.wake_all();
    writers_.wake_all();
    source.wake(kPollHup);
  }

 public:
  ListNode bound_node;  // of BoundSockets

 private:
  SocketName name_;
  RefPtr<Inode> inode_;  // of a name in the file system
  bool bound_ = false;
  bool listening_ = false;
  bool closed_ = false;
  bool read_shut_ = false;
  bool write_shut_ = false;
  bool was_connected_ = false;
  u32 backlog_ = 0;
  RefPtr<UnixSocket> peer_;
  SocketCredentials peer_credentials_{0, ~u32{0}, ~u32{0}};
  SocketCredentials own_credentials_{};  // of the listener
  Vector<RefPtr<UnixSocket>> pending_;   // connected, and not yet accepted
  UnixQueue queue_;
  u64 unsent_ = 0;  // what packets that receivers still have are charged
  Mutex receive_lock_;
  Mutex bind_lock_;
  WaitQueue readers_;
  WaitQueue writers_;
};

}  // namespace kernel
