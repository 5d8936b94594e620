// User networking: a network of its own for the guest, whose gateway turns the guest's connections into
// sockets of this process (libslirp). No privileges, nothing of the host's network is changed.
//
// The guest is 10.0.2.15 (by DHCP), the gateway and the host's loopback 10.0.2.2, the name server 10.0.2.3.
// libslirp's clock, and its timers if it has any, are the machine's virtual ones: answers of the network
// itself (ARP, DHCP) repeat. IPv6 is off: its router advertisements come at random times. Invariant: libslirp
// is entered by the machine's thread alone, and never waits.
#pragma once

#include <poll.h>

#include <memory>
#include <vector>

#include "emu/devices/network.h"
#include "quire/config.h"
#include "quire/device.h"

struct Slirp;

namespace quire {

class UserNetwork final : public Network {
 public:
  /// Error(kUsage) for an address that is none, Error(kFile) when the host does not give a port away.
  UserNetwork(Clock& clock, const std::vector<HostForward>& forwards);
  ~UserNetwork() override;
  UserNetwork(const UserNetwork&) = delete;
  UserNetwork& operator=(const UserNetwork&) = delete;

  void set_receiver(Receiver receiver) override { receiver_ = std::move(receiver); }
  void send(std::span<const u8> frame) override;
  void poll() override { wait(0); }
  bool awaits_peers() const override { return open_sockets_ > 0; }
  void wait(int timeout_ms) override;

 private:
  struct Callbacks;
  struct Timer;

  void forward(const HostForward& wanted);
  void collect_sockets(int& timeout_ms);

  Clock& clock_;
  Receiver receiver_;
  Slirp* slirp_ = nullptr;
  std::vector<pollfd> polled_;    ///< scratch
  std::size_t open_sockets_ = 0;  ///< as of the last look, and what was opened since
};

}  // namespace quire
