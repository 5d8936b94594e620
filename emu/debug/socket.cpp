#include "emu/debug/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "quire/error.h"

namespace quire::debug {
namespace {

constexpr const char* kLoopback = "127.0.0.1";

[[noreturn]] void fail_at(const std::string& where, int error) {
  const char* advice = error == EADDRINUSE      ? "; another program listens there: choose another with --gdb"
                       : error == EACCES        ? "; choose a port above 1023 or a folder you may write to"
                       : error == EADDRNOTAVAIL ? "; it is no address of this machine"
                                                : "; check --gdb";
  throw Error(ErrorKind::kFile,
              fmt::format("cannot wait for gdb on {}: {}{}", where, std::strerror(error), advice));
}

[[noreturn]] void refuse(std::string_view text) {
  throw Error(
      ErrorKind::kUsage,
      fmt::format("--gdb '{}' is not [HOST:]PORT or unix:PATH, as in --gdb 1234; ports are 0 to 65535",
                  text));
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value <= 65535;
}

bool poll_in(int fd, int timeout_ms) {
  pollfd item = {.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&item, 1, timeout_ms) > 0;
}

/// Whether a socket at `path` has nobody behind it any more.
bool is_stale_socket(const sockaddr_un& address) {
  struct stat status = {};
  if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool refused = result != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return refused;
}

std::uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

SocketAddress SocketAddress::parse(std::string_view text) {
  SocketAddress address;
  if (text.starts_with("unix:")) {
    address.unix_path = text.substr(5);
    if (address.unix_path.empty()) refuse(text);
    return address;
  }
  const auto colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "" : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2) host = host.substr(1, host.size() - 2);
  if (!is_port(port)) refuse(text);
  address.host = host.empty() ? kLoopback : std::string(host);
  address.port = port;
  return address;
}

Connection::~Connection() { ::close(fd_); }

Connection::Wait Connection::wait(int timeout_ms) const {
  return poll_in(fd_, timeout_ms) ? Wait::kReady : Wait::kNothing;
}

std::optional<std::vector<std::uint8_t>> Connection::read() {
  std::vector<std::uint8_t> bytes(4096);
  const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (count < 0 && errno == EINTR) return std::vector<std::uint8_t>{};
  if (count <= 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

bool Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count > 0 ? count : 0));
  }
  return true;
}

Listener::Listener(const SocketAddress& address) {
  if (address.host.empty()) {
    listen_unix(address.unix_path);
  } else {
    listen_tcp(address);
  }
}

Listener::~Listener() {
  ::close(fd_);
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

void Listener::listen_unix(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) fail_at(path, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  if (is_stale_socket(address)) ::unlink(path.c_str());
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (fd_ >= 0) ::close(fd_);
    fail_at(path, error);
  }
  unix_path_ = path;
  name_ = path;
  ::listen(fd_, 1);
}

void Listener::listen_tcp(const SocketAddress& address) {
  const std::string host =
      address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
  const std::string where = host + ":" + address.port;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
      error != 0) {
    throw Error(ErrorKind::kFile, fmt::format("cannot wait for gdb on {}: {}", where, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  fd_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd_ < 0 || ::bind(fd_, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd_, 1) != 0) {
    const int error = errno;
    if (fd_ >= 0) ::close(fd_);
    fail_at(where, error);
  }
  sockaddr_storage bound = {};
  socklen_t length = sizeof bound;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &length);
  name_ = fmt::format("{}:{}", host, port_of(bound));
}

std::optional<int> Listener::accept(int timeout_ms) const {
  if (!poll_in(fd_, timeout_ms)) return std::nullopt;
  const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return std::nullopt;
  const int one = 1;
  ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // fails on Unix sockets, harmlessly
  return client;
}

}  // namespace quire::debug
