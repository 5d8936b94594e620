// The other end of a network device's cable.
//
// Frames are whole Ethernet frames without the check sequence. When frames come in depends on the host, as
// late console input does: a run with a network that is used repeats only as far as its peers do.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "emu/base/types.h"

namespace quire {

class Network {
 public:
  using Receiver = std::function<void(std::span<const u8> frame)>;

  static constexpr std::size_t kMaxFrameBytes = 1514;
  static constexpr u16 kMtu = 1500;

  virtual ~Network() = default;

  /// Where frames for the guest go, from within send() and poll(). Set once, before either.
  virtual void set_receiver(Receiver receiver) = 0;
  /// A frame of the guest's, at most kMaxFrameBytes.
  virtual void send(std::span<const u8> frame) = 0;
  /// Hands over what the host has; never waits.
  virtual void poll() = 0;
  /// Whether a peer on the host may send something by itself: while one may, time that the guest waits is
  /// time on the host.
  virtual bool awaits_peers() const = 0;
  /// Waits until poll() may have something to do, at most `timeout_ms`.
  virtual void wait(int timeout_ms) = 0;
};

}  // namespace quire
