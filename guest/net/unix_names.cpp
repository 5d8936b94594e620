// Names of Unix sockets: in the file system, abstract, and made up (unix(7)).
#include <algorithm>

#include "guest/fs/vfs.h"
#include "guest/net/unix_socket_impl.h"

namespace kernel {

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

void UnixSocket::give_up_name() {
  if (bound_) {
    BoundSockets::all().erase(BoundSockets::all().iterator_to(*this));
    bound_ = false;
  }
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

}  // namespace kernel
