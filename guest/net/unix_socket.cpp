// Invariants: a connected stream or packet socket and its peer name each other until one of them closes; the
// other then keeps the reference, and sees that it is closed. A socket is in the list of bound ones exactly
// while it has a name of its own and is open. Closing empties the queue, so sockets that have sent each
// other data, or each other, do not keep each other alive.
#include "guest/net/unix_socket.h"

#include <algorithm>

#include "guest/fs/vfs.h"
#include "guest/net/unix_queue.h"

namespace kernel {

namespace {

constexpr usize kStreamPieceBytes = 16384;
constexpr usize kMaxQueuedDatagrams = 11;  ///< net.unix.max_dgram_qlen and one
constexpr u32 kMaxBacklog = 4096;          ///< net.core.somaxconn

}  // namespace

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

namespace {

/// The files that one user has sent and nobody has received.
struct Travelling {
  u32 user = 0;
  u64 files = 0;
  static Vector<Travelling>& all() {
    static Vector<Travelling> users;
    return users;
  }
  static KResult<Travelling*> of(u32 user) {
    Travelling* unused = nullptr;
    for (Travelling& one : all()) {
      if (one.user == user) {
        return &one;
      }
      unused = one.files == 0 ? &one : unused;
    }
    if (unused == nullptr) {
      TRY(all().push(Travelling{}));
      unused = &all()[all().size() - 1];
    }
    *unused = {user, 0};
    return unused;
  }
};

}  // namespace

KResult<void> UnixPacket::count_files(const SocketCaller& from_whom) {
  if (files.empty()) {
    return {};
  }
  Travelling* const all = TRY(Travelling::of(from_whom.user));
  if (all->files > from_whom.max_travelling) {
    return Err(Errno::kETOOMANYREFS);
  }
  user = from_whom.user;
  counted = files.size();
  all->files += counted;
  return {};
}

void UnixPacket::uncount_files() {
  if (counted > 0) {
    const auto all = Travelling::of(user);
    ASSERT(all.ok());
    all.value()->files -= std::exchange(counted, 0);
  }
}

void UnixQueue::bury(UniquePtr<UnixPacket> packet) {
  static Packets dead;
  static bool digging = false;
  dead.push_back(*packet.release());
  if (digging) {
    return;
  }
  digging = true;
  while (!dead.empty()) {
    const UniquePtr<UnixPacket> next(&dead.front());
    dead.pop_front();
  }
  digging = false;
}

UnixPacket::~UnixPacket() {
  uncount_files();
  if (sender) {
    sender->uncharge(charged);
  }
}

// --- names ---

/// Every socket with a name.
struct BoundSockets {
  using All = List<UnixSocket, &UnixSocket::bound_node>;
  static All& all() {
    static All sockets;
    return sockets;
  }
  static UnixSocket* find(const Inode& inode) {
    for (UnixSocket& socket : all()) {
      if (socket.inode_ == &inode) {
        return &socket;
      }
    }
    return nullptr;
  }
  static UnixSocket* find_abstract(const SocketName& name) {
    for (UnixSocket& socket : all()) {
      if (!socket.inode_ && socket.name_.bytes == name.bytes &&
          memcmp(socket.name_.address.bytes, name.address.bytes, name.bytes - kAddressHeaderBytes) == 0) {
        return &socket;
      }
    }
    return nullptr;
  }
};

namespace {

/// The text of a name in the file system.
StringView path_of(const SocketName& name) {
  const char* const text = reinterpret_cast<const char*>(name.address.bytes);
  const StringView whole(text, name.bytes - kAddressHeaderBytes);
  return whole.substr(0, std::min(whole.find('\0'), whole.size()));
}

bool is_abstract(const SocketName& name) { return name.address.bytes[0] == 0; }

KResult<void> check_name(const SocketName& name) {
  if (name.bytes < kAddressHeaderBytes || name.bytes > kAddressHeaderBytes + kUnixPathBytes ||
      name.address.family != kFamilyUnix) {
    return Err(Errno::kEINVAL);
  }
  return {};
}

}  // namespace

KResult<void> UnixSocket::bind_path(const SocketCaller& caller, const SocketName& name) {
  const StringView path = path_of(name);
  const auto made = vfs::mknod(caller.fs, caller.fs.cwd, path, kModeSocket | 0777, 0);
  if (!made.ok()) {
    return Err(made.error() == Errno::kEEXIST ? Errno::kEADDRINUSE : made.error());
  }
  const Path where = TRY(resolve(caller.fs, caller.fs.cwd, path, 0));
  inode_ = RefPtr<Inode>(&where.inode());
  name_ = name;
  // As getsockname shows it: with one NUL behind the text.
  name_.bytes = static_cast<u32>(kAddressHeaderBytes + path.size() + 1);
  if (path.size() < sizeof(name_.address.bytes)) {
    name_.address.bytes[path.size()] = 0;
  }
  return {};
}

KResult<void> UnixSocket::bind_abstract(const SocketName& name) {
  if (BoundSockets::find_abstract(name) != nullptr) {
    return Err(Errno::kEADDRINUSE);
  }
  name_ = name;
  return {};
}

/// unix(7), autobind: an abstract name of five hexadecimal digits.
KResult<void> UnixSocket::bind_some() {
  static u32 next = 0;
  for (u32 tries = 0; tries < (1U << 20); tries++) {
    SocketName name;
    name.address.family = kFamilyUnix;
    char digits[8];
    const StringView text = format_into(digits, "{:05x}", next++ & 0xf'ffff);
    memcpy(name.address.bytes + 1, text.data(), text.size());
    name.bytes = static_cast<u32>(kAddressHeaderBytes + 1 + text.size());
    if (BoundSockets::find_abstract(name) == nullptr) {
      return bind_abstract(name);
    }
  }
  return Err(Errno::kENOSPC);
}

KResult<void> UnixSocket::bind(const SocketCaller& caller, const SocketName& name) {
  TRY(check_name(name));
  // Making the name in the file system sleeps; two threads must not both give the socket one.
  MutexGuard guard(bind_lock_);
  if (bound_ || closed_) {
    return Err(Errno::kEINVAL);
  }
  if (name.bytes == kAddressHeaderBytes) {
    TRY(bind_some());
  } else if (is_abstract(name)) {
    TRY(bind_abstract(name));
  } else {
    TRY(bind_path(caller, name));
  }
  bound_ = true;
  BoundSockets::all().push_back(*this);
  return {};
}

/// ECONNREFUSED when nobody has the name.
KResult<RefPtr<UnixSocket>> UnixSocket::find_target(const SocketCaller& caller,
                                                    const SocketName& name) const {
  TRY(check_name(name));
  if (name.bytes == kAddressHeaderBytes) {
    return Err(Errno::kEINVAL);
  }
  UnixSocket* target = nullptr;
  if (is_abstract(name)) {
    target = BoundSockets::find_abstract(name);
  } else {
    const Path where = TRY(resolve(caller.fs, caller.fs.cwd, path_of(name), kResolveFollow));
    TRY(check_access(caller.fs.credentials, where.inode(), kAccessWrite));
    if (!where.inode().is(kModeSocket)) {
      return Err(Errno::kECONNREFUSED);
    }
    target = BoundSockets::find(where.inode());
  }
  if (target == nullptr) {
    return Err(Errno::kECONNREFUSED);
  }
  if (target->type() != type()) {
    return Err(Errno::kEPROTOTYPE);
  }
  return RefPtr<UnixSocket>(target);
}

// --- connections ---

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
  const auto can_go_on = [this] { return !pending_.empty() || read_shut_; };
  if (!can_go_on() && wait == Wait::kNo) {
    return Err(Errno::kEAGAIN);
  }
  const auto waited = wait_event_until(readers_, socket_deadline(receive_timeout_ns), can_go_on);
  if (!waited.ok()) {
    return Err(waited.error() == Errno::kETIMEDOUT ? Errno::kEAGAIN : waited.error());
  }
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
  const auto can_go_on = [&] {
    return listener.closed_ || !listener.listening_ || listener.read_shut_ ||
           listener.pending_.size() <= listener.backlog_;
  };
  if (!can_go_on()) {
    if (wait == Wait::kNo) {
      return Err(Errno::kEAGAIN);
    }
    const auto waited = wait_event_until(listener.writers_, socket_deadline(send_timeout_ns), can_go_on);
    if (!waited.ok()) {
      return Err(waited.error() == Errno::kETIMEDOUT ? Errno::kEAGAIN : waited.error());
    }
  }
  if (listener.closed_ || !listener.listening_ || listener.read_shut_) {
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
  if (bound_) {
    BoundSockets::all().erase(BoundSockets::all().iterator_to(*this));
    bound_ = false;
  }
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

// --- sending ---

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
    if (wait == Wait::kNo) {
      return Err(Errno::kEAGAIN);
    }
    const auto waited =
        queue_full(to)
            ? wait_event_until(to.writers_, deadline, [&] { return refused() || !queue_full(to); })
            : wait_event_until(writers_, deadline, [&] { return refused() || buffer_has_room(charge); });
    if (!waited.ok()) {
      return waited.error() == Errno::kETIMEDOUT ? KResult<void>(Err(Errno::kEAGAIN)) : waited;
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

// --- receiving ---

/// False: there will be none (any more). Asked with the receive lock not held.
KResult<bool> UnixSocket::wait_for_data(Wait wait) {
  const auto can_go_on = [this] { return !queue_.empty() || read_shut_ || error_ != 0; };
  if (!can_go_on()) {
    if (wait == Wait::kNo) {
      return Err(Errno::kEAGAIN);
    }
    const auto waited = wait_event_until(readers_, socket_deadline(receive_timeout_ns), can_go_on);
    if (!waited.ok()) {
      return Err(waited.error() == Errno::kETIMEDOUT ? Errno::kEAGAIN : waited.error());
    }
  }
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

// --- making ---

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
