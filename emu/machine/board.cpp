#include "emu/machine/board.h"

#include <fmt/format.h>

#include <algorithm>

#include "emu/devices/disk_image.h"
#include "emu/devices/dma_engine.h"
#include "emu/devices/goldfish_rtc.h"
#include "emu/devices/user_network.h"
#include "emu/devices/virtio_9p.h"
#include "emu/devices/virtio_rng.h"
#include "emu/machine/added_devices.h"
#include "emu/machine/seed.h"

namespace quire {
namespace {

constexpr u64 kNanosecondsPerSecond = 1'000'000'000;

std::vector<VirtioConsole::PortBackend> console_ports(const Config& config, const Board::Wiring& wiring) {
  auto stdin_source = config.stdin_stream ? config.stdin_stream : std::make_shared<EmptySource>();
  const auto name = [](ConsolePort port) { return std::string(kConsolePortNames[static_cast<u32>(port)]); };
  return {{name(ConsolePort::kStdin), nullptr, std::move(stdin_source)},
          {name(ConsolePort::kStdout), config.stdout_stream, nullptr},
          {name(ConsolePort::kStderr), config.stderr_stream, nullptr},
          {name(ConsolePort::kControl), wiring.control_out, wiring.control_in}};
}

/// Locally administered, of one station.
MacAddress mac_address(u64 seed) {
  MacAddress mac;
  const auto bytes = seed_bytes(seed, "virtio-net", mac.size());
  std::copy(bytes.begin(), bytes.end(), mac.begin());
  mac[0] = static_cast<u8>((mac[0] & ~1U) | 2U);
  return mac;
}

DiskAccess access_of(const Drive& drive) {
  return drive.read_only  ? DiskAccess::kReadOnly
         : drive.snapshot ? DiskAccess::kThrowAway
                          : DiskAccess::kReadWrite;
}

}  // namespace

template <class T>
T* Board::place(const MemRegion& region, std::unique_ptr<T> device) {
  T* placed = device.get();
  devices_.push_back({region, std::move(device)});
  return placed;
}

void Board::plug(std::unique_ptr<VirtioDevice> device, const Wiring& wiring) {
  const MemRegion region{kVirtioFirst.base + next_slot_ * kVirtioStride, kVirtioFirst.size_bytes};
  IrqLine& irq = plic_->source(kVirtioFirstIrq + next_slot_);
  virtio_.push_back(
      place(region, std::make_unique<VirtioMmio>(std::move(device), wiring.dma, irq, wiring.clock)));
  ++next_slot_;
}

Board::Board(const Config& config, const Wiring& wiring) : uart_source_(config.uart_in) {
  place(kFinisher, std::make_unique<Finisher>(wiring.finish));
  clint_ = place(kClint,
                 std::make_unique<Clint>(
                     wiring.clock, std::vector<ClintLines>{{&wiring.machine_software, &wiring.machine_timer,
                                                            &wiring.supervisor_timer}}));
  plic_ = place(kPlic, std::make_unique<Plic>(
                           std::vector<IrqLine*>{&wiring.machine_external, &wiring.supervisor_external}));
  place(kRtc, std::make_unique<GoldfishRtc>(wiring.clock, plic_->source(kRtcIrq),
                                            config.rtc_epoch_seconds * kNanosecondsPerSecond));
  uart_ = place(kUart, std::make_unique<Uart16550>(plic_->source(kUartIrq), config.uart, config.uart_in));
  place(kDmaEngine, std::make_unique<DmaEngine>(wiring.clock, wiring.dma, plic_->source(kDmaIrq)));
  place(kTracePort, std::make_unique<TracePort>(wiring.dma, wiring.trace));

  auto ports = console_ports(config, wiring);
  sinks_.push_back(config.uart);
  for (const auto& port : ports) {
    port_sources_.push_back(port.source);
    sinks_.push_back(port.sink);
  }
  auto console = std::make_unique<VirtioConsole>(std::move(ports));
  console_ = console.get();
  plug(std::move(console), wiring);
  plug(std::make_unique<VirtioRng>(derive_seed(config.seed, "virtio-rng")), wiring);
  for (const Drive& drive : config.drives) {
    auto disk = std::make_unique<VirtioBlk>(std::make_unique<DiskImage>(drive.path, access_of(drive)),
                                            fmt::format("quire-drive-{}", next_slot_ - kFixedVirtioDevices));
    drives_.push_back(disk.get());
    plug(std::move(disk), wiring);
  }
  if (config.net.mode == NetMode::kUser) {
    auto net = std::make_unique<VirtioNet>(std::make_unique<UserNetwork>(wiring.clock, config.net.forwards),
                                           mac_address(config.seed));
    net_ = net.get();
    plug(std::move(net), wiring);
  }
  for (const Share& share : config.shares) {
    plug(std::make_unique<Virtio9p>(
             share.host_path, share.tag,
             share.writable ? share::ShareAccess::kReadWrite : share::ShareAccess::kReadOnly),
         wiring);
  }
  for (const PlacedDevice& added : place_added_devices(config)) {
    place(added.region, added.device.make({.clock = wiring.clock,
                                           .dma = wiring.dma,
                                           .irq = plic_->source(added.irq),
                                           .base = added.region.base,
                                           .irq_number = added.irq}));
  }
}

void Board::reset() {
  for (const Placed& placed : devices_) {
    placed.device->reset();
  }
}

std::string Board::unsaveable() const {
  for (const Placed& placed : devices_) {
    if (const std::string why = placed.device->unsaveable(); !why.empty()) {
      return fmt::format("{} {}", placed.device->name(), why);
    }
  }
  return {};
}

void Board::for_each_part(
    const std::function<void(const std::string&, const std::function<void(StateArchive&)>&)>& visit) {
  for (const Placed& placed : devices_) {
    visit(fmt::format("{}@{:x}", placed.device->name(), placed.region.base),
          [&placed](StateArchive& archive) { placed.device->transfer(archive); });
  }
  const auto visit_stream = [&visit](std::string_view kind, usize number, const auto& stream) {
    if (stream != nullptr) {
      visit(fmt::format("{} {}", kind, number),
            [&stream](StateArchive& archive) { stream->transfer(archive); });
    }
  };
  visit_stream("uart input", 0, uart_source_);
  for (usize i = 0; i < port_sources_.size(); ++i) {
    visit_stream("console input", i, port_sources_[i]);
  }
  for (usize i = 0; i < sinks_.size(); ++i) {
    visit_stream("output", i, sinks_[i]);
  }
}

std::vector<std::string> Board::troubles() const {
  std::vector<std::string> lines;
  for (const VirtioMmio* device : virtio_) {
    if (std::string line = device->trouble(); !line.empty()) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

void Board::poll_inputs() {
  uart_->poll_inputs();
  console_->poll_inputs();
  if (net_ != nullptr) {
    net_->poll_inputs();
  }
}

Network* Board::awaited_network() const {
  return net_ != nullptr && net_->network().awaits_peers() ? &net_->network() : nullptr;
}

std::vector<ByteSource*> Board::awaited_inputs() const {
  std::vector<ByteSource*> sources;
  if (uart_source_ && uart_->wants_input()) {
    sources.push_back(uart_source_.get());
  }
  for (u32 port = 0; port < port_sources_.size(); ++port) {
    if (port_sources_[port] && console_->wants_input(port)) {
      sources.push_back(port_sources_[port].get());
    }
  }
  return sources;
}

}  // namespace quire
