// virtio console with several ports (virtio 1.2, 5.3): a byte stream each, known by its name.
//
// A port's receive buffer is offered only while somebody reads, so the guest's memory changes by input
// only then. Invariant of a port: its one receive buffer is with the device, or holds bytes
// [first, last) that nobody has read, or is empty.
#include <algorithm>

#include "guest/drivers/virtio.h"
#include "guest/hal/time.h"
#include "guest/lib/log.h"
#include "guest/lib/string.h"
#include "guest/mem/frame.h"
#include "guest/sched/mutex.h"
#include "quire/arch/bootinfo.h"

namespace kernel {

namespace {

constexpr u32 kMaxPorts = 8;
constexpr u64 kQuietNs = 200'000'000;  ///< how long to wait for a host that has not named all its ports

class Port final : public ConsoleStream {
 public:
  KResult<void> init(VirtioTransport& transport, u32 index) {
    transport_ = &transport;
    index_ = index;
    receive_buffer_ = TRY(alloc_frame(ZeroIt::kNo, FrameUse::kKernel));
    send_buffer_ = TRY(alloc_frame(ZeroIt::kNo, FrameUse::kKernel));
    TRY(transport.setup_queue(virtio::console_rx_queue(index), receive_queue_));
    TRY(transport.setup_queue(virtio::console_tx_queue(index), send_queue_));
    // The device usually has sent before the notification returns: look first, sleep later.
    send_queue_.enable_interrupts(false);
    return {};
  }

  KResult<usize> read(ByteSpan to) override;
  KResult<usize> write(ConstByteSpan from) override;
  bool readable() override {
    offer_receive_buffer();
    return first_ != last_ || ended_;
  }
  bool is_terminal() const override { return false; }

  void on_interrupt() {
    take_received();
    sent_.wake_all();
  }
  void set_open(bool open) {
    ended_ = !open;
    wake_readers();
  }
  KResult<void> set_name(StringView name) {
    // The device may or may not count a NUL in (QEMU does).
    name_ = TRY(String::from(name.substr(0, name.find('\0'))));
    return {};
  }
  StringView name() const { return name_; }

 private:
  void offer_receive_buffer();
  void take_received();

  VirtioTransport* transport_ = nullptr;
  u32 index_ = 0;
  String name_;
  Virtqueue receive_queue_;
  Virtqueue send_queue_;
  Frame* receive_buffer_ = nullptr;
  Frame* send_buffer_ = nullptr;
  usize first_ = 0;
  usize last_ = 0;
  bool offered_ = false;
  bool ended_ = false;
  Mutex send_mutex_;
  WaitQueue sent_;
};

void Port::offer_receive_buffer() {
  take_received();
  if (offered_ || first_ != last_ || ended_) {
    return;
  }
  const VirtqueueBuffer buffer{frame_address(receive_buffer_), kPageBytes, true};
  if (!receive_queue_.add({&buffer, 1}, this).ok()) {
    return;
  }
  offered_ = true;
  transport_->notify(virtio::console_rx_queue(index_), receive_queue_);
  take_received();
}

void Port::take_received() {
  while (const auto used = receive_queue_.take_used()) {
    offered_ = false;
    first_ = 0;
    last_ = std::min<usize>(used->length_bytes, kPageBytes);
    wake_readers();
  }
}

KResult<usize> Port::read(ByteSpan to) {
  if (to.empty()) {
    return usize{0};
  }
  TRY(wait_event_interruptible(input_waiters_, [this] { return readable(); }));
  const usize count = std::min(to.size(), last_ - first_);
  std::copy_n(frame_data(receive_buffer_) + first_, count, to.data());
  first_ += count;
  return count;
}

KResult<usize> Port::write(ConstByteSpan from) {
  const MutexGuard guard(send_mutex_);
  usize written = 0;
  while (written < from.size()) {
    const usize count = std::min<usize>(from.size() - written, kPageBytes);
    std::copy_n(from.data() + written, count, frame_data(send_buffer_));
    const VirtqueueBuffer buffer{frame_address(send_buffer_), static_cast<u32>(count), false};
    TRY(send_queue_.add({&buffer, 1}, this));
    transport_->notify(virtio::console_tx_queue(index_), send_queue_);
    if (!send_queue_.take_used()) {
      send_queue_.enable_interrupts(true);
      // Deaf to signals: the buffer is the device's until it has sent it.
      wait_event(sent_, [this] { return send_queue_.take_used().has_value(); });
      send_queue_.enable_interrupts(false);
    }
    written += count;
  }
  return written;
}

/// The device: its ports and the control queues.
class VirtioConsole {
 public:
  explicit VirtioConsole(VirtioTransport& transport) : transport_(transport) {}

  KResult<void> init();
  Port* find(StringView name) {
    for (u32 i = 0; i < port_count_; i++) {
      if (ports_[i].name() == name) {
        return &ports_[i];
      }
    }
    return nullptr;
  }

 private:
  static constexpr usize kControlBuffers = 16;
  static constexpr usize kControlBytes = kPageBytes / kControlBuffers;

  KResult<void> offer_control_buffer(u8* buffer);
  void send_control(u32 port, virtio::ConsoleEvent event, u16 value);
  void take_control();
  void handle_control(ConstByteSpan message);
  static void handle_resize(const Port& port, ConstByteSpan message);
  void on_interrupt();
  bool all_named() {
    return std::all_of(std::begin(kConsolePortNames), std::end(kConsolePortNames),
                       [this](StringView name) { return find(name) != nullptr; });
  }

  VirtioTransport& transport_;
  Port ports_[kMaxPorts];
  u32 port_count_ = 0;
  Virtqueue control_receive_;
  Virtqueue control_send_;
  Frame* control_buffers_ = nullptr;
  Frame* control_message_ = nullptr;
  WaitQueue control_waiters_;
  u32 next_control_slot_ = 0;
};

KResult<void> VirtioConsole::init() {
  TRY(transport_.begin(virtio::kConsoleFeatureMultiport));
  if (!transport_.has_feature(virtio::kConsoleFeatureMultiport)) {
    transport_.fail();
    return Err(Errno::kENODEV);  // a lone nameless port: the UART does as well
  }
  const u32 offered_ports = transport_.config<u32>(offsetof(virtio::ConsoleConfig, max_nr_ports));
  port_count_ = std::min(offered_ports, kMaxPorts);
  control_buffers_ = TRY(alloc_frame(ZeroIt::kNo, FrameUse::kKernel));
  control_message_ = TRY(alloc_frame(ZeroIt::kNo, FrameUse::kKernel));
  TRY(transport_.setup_queue(virtio::kConsoleQueueControlRx, control_receive_));
  TRY(transport_.setup_queue(virtio::kConsoleQueueControlTx, control_send_));
  for (u32 i = 0; i < port_count_; i++) {
    TRY(ports_[i].init(transport_, i));
  }
  TRY(transport_.finish([](void* console) { static_cast<VirtioConsole*>(console)->on_interrupt(); }, this));
  for (usize i = 0; i < kControlBuffers && control_receive_.has_room(1); i++) {
    TRY(offer_control_buffer(frame_data(control_buffers_) + i * kControlBytes));
  }
  transport_.notify(virtio::kConsoleQueueControlRx, control_receive_);
  send_control(0, virtio::ConsoleEvent::kDeviceReady, 1);
  // Names come as answers; a host with other ports than ours is given up on after a while.
  const auto named = wait_event_until(control_waiters_, monotonic_ns() + kQuietNs, [this] {
    take_control();
    return all_named();
  });
  if (!named.ok()) {
    log_info("virtio-console: some of the standard ports are missing");
  }
  return {};
}

KResult<void> VirtioConsole::offer_control_buffer(u8* buffer) {
  const VirtqueueBuffer offered{virt_to_phys(buffer), kControlBytes, true};
  return control_receive_.add({&offered, 1}, buffer);
}

void VirtioConsole::send_control(u32 port, virtio::ConsoleEvent event, u16 value) {
  // Room for as many messages as the queue has entries; the device is done with the oldest by then.
  while (control_send_.take_used()) {
  }
  static_assert(sizeof(virtio::ConsoleControl) * Virtqueue::kMaxSize <= kPageBytes);
  auto* const slots = frame_data<virtio::ConsoleControl>(control_message_);
  auto& message = slots[next_control_slot_++ % control_send_.size()];
  message = {port, event, value};
  const VirtqueueBuffer buffer{virt_to_phys(&message), sizeof(message), false};
  if (!control_send_.add({&buffer, 1}, this).ok()) {
    log_error("virtio-console: the control queue is full");
    return;
  }
  transport_.notify(virtio::kConsoleQueueControlTx, control_send_);
}

void VirtioConsole::take_control() {
  bool offered = false;
  while (const auto used = control_receive_.take_used()) {
    u8* const buffer = static_cast<u8*>(used->token);
    handle_control({buffer, std::min<usize>(used->length_bytes, kControlBytes)});
    offered |= offer_control_buffer(buffer).ok();
  }
  if (offered) {
    transport_.notify(virtio::kConsoleQueueControlRx, control_receive_);
  }
}

void VirtioConsole::handle_control(ConstByteSpan message) {
  virtio::ConsoleControl control;
  if (message.size() < sizeof(control)) {
    return;
  }
  std::copy_n(message.data(), sizeof(control), reinterpret_cast<u8*>(&control));
  if (control.id >= port_count_) {
    return;
  }
  Port& port = ports_[control.id];
  switch (control.event) {
    case virtio::ConsoleEvent::kPortAdd:
      send_control(control.id, virtio::ConsoleEvent::kPortReady, 1);
      break;
    case virtio::ConsoleEvent::kPortName:
      if (port.set_name(as_text(message.subspan(sizeof(control)))).ok()) {
        send_control(control.id, virtio::ConsoleEvent::kPortOpen, 1);
      }
      break;
    case virtio::ConsoleEvent::kPortOpen:
      port.set_open(control.value != 0);
      break;
    case virtio::ConsoleEvent::kResize:
      handle_resize(port, message.subspan(sizeof(control)));
      break;
    default:
      break;
  }
}

void VirtioConsole::handle_resize(const Port& port, ConstByteSpan message) {
  virtio::ConsoleResize size;
  const StringView stdin_name = kConsolePortNames[static_cast<u32>(ConsolePort::kStdin)];
  if (message.size() >= sizeof(size) && port.name() == stdin_name && ConsoleStream::on_resize != nullptr) {
    std::copy_n(message.data(), sizeof(size), reinterpret_cast<u8*>(&size));
    ConsoleStream::on_resize(size.rows, size.cols);
  }
}

void VirtioConsole::on_interrupt() {
  take_control();
  control_waiters_.wake_all();
  for (u32 i = 0; i < port_count_; i++) {
    ports_[i].on_interrupt();
  }
}

VirtioConsole* g_console = nullptr;

}  // namespace

KResult<void> probe_virtio_console(UniquePtr<VirtioTransport>& transport) {
  if (g_console != nullptr) {
    return {};
  }
  auto console = TRY(try_make<VirtioConsole>(*transport));
  const auto started = console->init();
  if (!started.ok()) {
    // The device may know the queues already: keep what it could write to, and be done with it.
    console.release();
    transport.release();
    return Err(started.error());
  }
  transport.release();
  g_console = console.release();
  return {};
}

ConsoleStream* find_console_port(StringView name) {
  return g_console != nullptr ? g_console->find(name) : nullptr;
}

}  // namespace kernel
