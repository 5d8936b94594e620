// virtio console with named ports (virtio 1.2, 5.3, VIRTIO_CONSOLE_F_MULTIPORT).
//
// A port's input is read from its source only when the driver has opened the port (PORT_OPEN 1, as
// 5.3.6.3 has it; drivers drop what comes earlier) and has posted a buffer. When the source ends,
// the driver gets PORT_OPEN 0 after the last byte. It is told of a terminal's window by RESIZE. Without
// MULTIPORT port 0 alone works, and is open. Invariant: what the driver must still be told is a set of flags
// a port, so it is bounded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "emu/base/types.h"
#include "emu/devices/virtio_device.h"
#include "emu/devices/virtqueue.h"
#include "quire/byte_stream.h"

namespace quire {

class VirtioConsole final : public VirtioDevice {
 public:
  struct PortBackend {
    std::string name;
    std::shared_ptr<ByteSink> sink;      ///< null: output is dropped
    std::shared_ptr<ByteSource> source;  ///< null: nothing ever comes, and it never ends
  };

  /// At least one port.
  explicit VirtioConsole(std::vector<PortBackend> ports);

  std::string_view name() const override { return "virtio-console"; }
  arch::virtio::DeviceId id() const override { return arch::virtio::DeviceId::kConsole; }
  u64 features() const override { return arch::virtio::kConsoleFeatureMultiport; }
  u32 queue_count() const override;
  std::span<const u8> config() const override;
  void power_on() override;
  void driver_reset() override;
  void transfer(StateArchive& archive) override;
  void notified(u32 queue) override;

  /// Looks for input that has come since; the machine calls it between slices.
  void poll_inputs();
  /// Whether input that came now on `port` would reach the guest.
  bool wants_input(u32 port) const;

 private:
  using Answer = arch::Result<std::optional<u32>, QueueError>;
  struct Port {
    PortBackend backend;
    bool guest_open = false;
    bool source_ended = false;
    // Control messages that wait for a buffer of the driver, sent in this order.
    bool send_add = false;
    bool send_name = false;
    bool send_open = false;
    bool send_window = false;
    arch::virtio::ConsoleResize window{};
  };

  bool accepts_input(u32 port) const;
  void receive_input(u32 port);
  void look_at_window(Port& port);
  Answer fill(u32 port, const Chain& chain);
  Answer transmit(u32 port, Chain& chain);
  Answer receive_control(const Chain& chain);
  void handle_control(const arch::virtio::ConsoleControl& message);
  void send_control();
  Answer put_control(const Chain& chain);
  bool next_control(std::vector<u8>& message);

  std::vector<Port> ports_;
  arch::virtio::ConsoleConfig config_{};
  std::vector<u8> buffer_;  ///< scratch
};

}  // namespace quire
