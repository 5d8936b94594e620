#include "emu/devices/virtio_console.h"

#include <algorithm>
#include <utility>

#include "emu/base/assert.h"
#include "emu/devices/virtio_mmio.h"

namespace quire {

using arch::Err;
using arch::virtio::ConsoleControl;
using arch::virtio::ConsoleEvent;

namespace {

/// Host memory used for one step of a transfer.
constexpr u64 kChunkBytes = 64 << 10;

template <class T>
std::span<u8> bytes_of(T& value) {
  return {reinterpret_cast<u8*>(&value), sizeof value};
}

}  // namespace

VirtioConsole::VirtioConsole(std::vector<PortBackend> ports) {
  QUIRE_ASSERT(!ports.empty());
  config_.max_nr_ports = static_cast<u32>(ports.size());
  for (PortBackend& backend : ports) {
    ports_.emplace_back().backend = std::move(backend);
  }
}

u32 VirtioConsole::queue_count() const {
  return arch::virtio::console_tx_queue(config_.max_nr_ports - 1) + 1;
}

std::span<const u8> VirtioConsole::config() const {
  return {reinterpret_cast<const u8*>(&config_), sizeof config_};
}

void VirtioConsole::power_on() { driver_reset(); }

void VirtioConsole::driver_reset() {
  for (Port& port : ports_) {
    port.guest_open = false;
    port.send_add = port.send_name = port.send_open = port.send_window = false;
  }
}

void VirtioConsole::notified(u32 queue) {
  if (queue == arch::virtio::kConsoleQueueControlRx) {
    send_control();
    return;
  }
  if (queue == arch::virtio::kConsoleQueueControlTx) {
    transport().serve(queue, [this](const Chain& chain) { return receive_control(chain); });
    send_control();
    poll_inputs();
    return;
  }
  // 5.3.2: port 0 has queues 0 and 1, port n has 2n + 2 and 2n + 3.
  const u32 port = queue < 2 ? 0 : queue / 2 - 1;
  if (queue == arch::virtio::console_rx_queue(port)) {
    receive_input(port);
  } else {
    transport().serve(queue, [this, port](Chain& chain) { return transmit(port, chain); });
  }
}

// --- data ----------------------------------------------------------------------------------------

bool VirtioConsole::accepts_input(u32 index) const {
  const Port& port = ports_[index];
  if (port.backend.source == nullptr || port.source_ended || !transport().live()) {
    return false;
  }
  return transport().has_feature(arch::virtio::kConsoleFeatureMultiport) ? port.guest_open : index == 0;
}

bool VirtioConsole::wants_input(u32 port) const {
  return accepts_input(port) && transport().pending(arch::virtio::console_rx_queue(port)) > 0;
}

void VirtioConsole::poll_inputs() {
  for (u32 port = 0; port < ports_.size(); ++port) {
    look_at_window(ports_[port]);
    receive_input(port);
  }
}

void VirtioConsole::look_at_window(Port& port) {
  if (port.backend.source == nullptr || !port.guest_open) {
    return;
  }
  if (const auto window = port.backend.source->take_window()) {
    port.window = {.cols = window->columns, .rows = window->rows};
    port.send_window = true;
    send_control();
  }
}

void VirtioConsole::receive_input(u32 port) {
  if (!accepts_input(port)) {
    return;
  }
  transport().serve(arch::virtio::console_rx_queue(port),
                    [this, port](const Chain& chain) { return fill(port, chain); });
  if (ports_[port].source_ended) {
    ports_[port].send_open = true;
    send_control();
  }
}

VirtioConsole::Answer VirtioConsole::fill(u32 index, const Chain& chain) {
  BufferCursor out(transport().dma(), chain.writable);
  if (!chain.readable.empty() || out.remaining() == 0) {
    return Err(QueueError::kBadRequest);
  }
  buffer_.resize(std::min(out.remaining(), kChunkBytes));
  Port& port = ports_[index];
  const ReadResult got = port.backend.source->read(buffer_);
  port.source_ended = got.status == ReadStatus::kEnd;
  if (got.status != ReadStatus::kData) {
    return std::optional<u32>();
  }
  if (!out.write(std::span(buffer_).first(got.count_bytes))) {
    return Err(QueueError::kBadAddress);
  }
  transport().spend(got.count_bytes);
  return std::optional(static_cast<u32>(got.count_bytes));
}

VirtioConsole::Answer VirtioConsole::transmit(u32 port, Chain& chain) {
  BufferCursor in(transport().dma(), chain.readable);
  if (!chain.writable.empty() || !in.skip(chain.done_bytes)) {
    return Err(QueueError::kBadRequest);  // 5.3.6.2
  }
  while (in.remaining() > 0) {
    if (!transport().may_go_on()) {
      return std::optional<u32>();
    }
    buffer_.resize(std::min(in.remaining(), kChunkBytes));
    if (!in.read(buffer_)) {
      return Err(QueueError::kBadAddress);
    }
    if (ports_[port].backend.sink != nullptr) {
      ports_[port].backend.sink->write(buffer_);
    }
    transport().spend(buffer_.size());
    chain.done_bytes += buffer_.size();
  }
  return std::optional<u32>(0);
}

// --- control (5.3.6.3) ---------------------------------------------------------------------------

VirtioConsole::Answer VirtioConsole::receive_control(const Chain& chain) {
  BufferCursor in(transport().dma(), chain.readable);
  ConsoleControl message;
  if (!chain.writable.empty() || in.remaining() < sizeof message) {
    return Err(QueueError::kBadRequest);
  }
  if (!in.read(bytes_of(message))) {
    return Err(QueueError::kBadAddress);
  }
  handle_control(message);
  return std::optional<u32>(0);
}

/// Ports and events that do not exist are ignored; a value of 0 for READY means that the driver could not.
void VirtioConsole::handle_control(const ConsoleControl& message) {
  if (message.event == ConsoleEvent::kDeviceReady) {
    if (message.value == 1) {
      for (Port& port : ports_) {
        port.send_add = true;
      }
    }
    return;
  }
  if (message.id >= ports_.size()) {
    return;
  }
  Port& port = ports_[message.id];
  if (message.event == ConsoleEvent::kPortReady && message.value == 1) {
    port.send_name = !port.backend.name.empty();
    port.send_open = true;
  } else if (message.event == ConsoleEvent::kPortOpen) {
    port.guest_open = message.value != 0;
  }
}

void VirtioConsole::send_control() {
  if (transport().has_feature(arch::virtio::kConsoleFeatureMultiport)) {
    transport().serve(arch::virtio::kConsoleQueueControlRx,
                      [this](const Chain& chain) { return put_control(chain); });
  }
}

VirtioConsole::Answer VirtioConsole::put_control(const Chain& chain) {
  BufferCursor out(transport().dma(), chain.writable);
  if (!chain.readable.empty() || out.remaining() < sizeof(ConsoleControl)) {
    return Err(QueueError::kBadRequest);
  }
  std::vector<u8> message;
  if (!next_control(message)) {
    return std::optional<u32>();
  }
  // A name that does not fit the driver's buffer is cut; the length tells.
  const std::size_t len_bytes = std::min<u64>(message.size(), out.remaining());
  if (!out.write(std::span(message).first(len_bytes))) {
    return Err(QueueError::kBadAddress);
  }
  return std::optional(static_cast<u32>(len_bytes));
}

/// Takes the next message that waits: ports in order; of one port first that it exists, then its name, then
/// whether the host's end is open, then how large a window it is.
bool VirtioConsole::next_control(std::vector<u8>& message) {
  const auto put = [&message](u32 id, ConsoleEvent event, u16 value) {
    ConsoleControl control{.id = id, .event = event, .value = value};
    const std::span<const u8> bytes = bytes_of(control);
    message.assign(bytes.begin(), bytes.end());
    return true;
  };
  for (u32 id = 0; id < ports_.size(); ++id) {
    Port& port = ports_[id];
    if (std::exchange(port.send_add, false)) {
      return put(id, ConsoleEvent::kPortAdd, 0);
    }
    if (std::exchange(port.send_name, false)) {
      put(id, ConsoleEvent::kPortName, 1);
      message.insert(message.end(), port.backend.name.begin(), port.backend.name.end());
      return true;
    }
    if (std::exchange(port.send_open, false)) {
      return put(id, ConsoleEvent::kPortOpen, !port.source_ended);
    }
    if (std::exchange(port.send_window, false)) {
      put(id, ConsoleEvent::kResize, 0);
      const std::span<const u8> window = bytes_of(port.window);
      message.insert(message.end(), window.begin(), window.end());
      return true;
    }
  }
  return false;
}

void VirtioConsole::transfer(StateArchive& archive) {
  for (Port& port : ports_) {
    archive(port.guest_open, port.source_ended, port.send_add, port.send_name, port.send_open,
            port.send_window, port.window.cols, port.window.rows);
  }
}

}  // namespace quire
