// The stub's side of a connection: one listening socket, TCP or Unix, and one client at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quire::debug {

/// Where to listen: "[HOST:]PORT" (loopback without HOST; port 0: one that is free) or "unix:PATH".
struct SocketAddress {
  std::string host;  ///< empty: a Unix socket
  std::string port;
  std::string unix_path;

  /// Throws Error(kUsage).
  static SocketAddress parse(std::string_view text);
};

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  enum class Wait { kReady, kNothing };
  /// Whether bytes (or the end) are there within `timeout_ms`, -1: for ever; a signal ends the wait.
  Wait wait(int timeout_ms) const;
  /// What has come; nothing once the client has gone.
  std::optional<std::vector<std::uint8_t>> read();
  /// False: the client has gone.
  bool write(std::string_view bytes);

 private:
  int fd_;
};

class Listener {
 public:
  /// Throws Error(kFile) that names the address: taken, not ours, no such host, no permission.
  explicit Listener(const SocketAddress& address);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// As gdb's `target remote` takes it.
  const std::string& name() const { return name_; }
  /// The descriptor of a client that has come within `timeout_ms` (-1: for ever; a signal ends the wait).
  std::optional<int> accept(int timeout_ms) const;

 private:
  void listen_unix(const std::string& path);
  void listen_tcp(const SocketAddress& address);

  int fd_ = -1;
  std::string name_;
  std::string unix_path_;  // to be removed in the end
};

}  // namespace quire::debug
