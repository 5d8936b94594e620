// What files and packets on their way count, and how queues end; see unix_queue.h.
#include "guest/net/unix_queue.h"

#include "guest/net/unix_socket_impl.h"

namespace kernel {

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

}  // namespace kernel
