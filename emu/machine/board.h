// The devices of the `virt` board, wired to their interrupt lines, clock and DMA (quire/arch/memmap.h).
//
// Owns the devices; knows nothing of the hart but its five interrupt lines.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emu/devices/clint.h"
#include "emu/devices/finisher.h"
#include "emu/devices/plic.h"
#include "emu/devices/trace_port.h"
#include "emu/devices/uart16550.h"
#include "emu/devices/virtio_blk.h"
#include "emu/devices/virtio_console.h"
#include "emu/devices/virtio_mmio.h"
#include "emu/devices/virtio_net.h"
#include "emu/machine/control_port.h"
#include "quire/arch/memmap.h"
#include "quire/config.h"
#include "quire/device.h"
#include "quire/state_archive.h"

namespace quire {

class Board {
 public:
  /// What the board reaches beyond itself; all of it outlives the board.
  struct Wiring {
    Clock& clock;
    Dma& dma;
    IrqLine& machine_software;
    IrqLine& machine_timer;
    IrqLine& supervisor_timer;
    IrqLine& machine_external;
    IrqLine& supervisor_external;
    Finisher::Handler finish;
    TracePort::Handler trace;
    std::shared_ptr<ControlToGuest> control_in;
    std::shared_ptr<ControlFromGuest> control_out;
  };
  struct Placed {
    MemRegion region;
    std::unique_ptr<Device> device;
  };

  static constexpr unsigned kFixedVirtioDevices = 2;  // console, rng
  /// Drives, shares and the network device together.
  static constexpr unsigned kFreeVirtioSlots = kVirtioSlots - kFixedVirtioDevices;

  /// Error(kFile) for a drive or share that cannot be opened.
  Board(const Config& config, const Wiring& wiring);

  void reset();
  /// Why a saved state of the board would be worth nothing, in words; empty when there is no reason.
  std::string unsaveable() const;
  /// Calls visit(name, part) for each device and stream with the function that carries its state, in a fixed
  /// order; names are unique.
  void for_each_part(const std::function<void(const std::string& name,
                                              const std::function<void(StateArchive&)>& transfer)>& visit);
  const std::vector<Placed>& devices() const { return devices_; }
  unsigned virtio_slots() const { return next_slot_; }
  /// The clock `time` shows.
  const Clint& clint() const { return *clint_; }
  Clint& clint() { return *clint_; }
  Plic& plic() { return *plic_; }
  /// In the order of Config::drives.
  const std::vector<VirtioBlk*>& drives() const { return drives_; }

  /// What went wrong between devices and their drivers or the host, one line each.
  std::vector<std::string> troubles() const;

  /// Hands over input that has come; for sources whose timing is the host's.
  void poll_inputs();
  /// Sources whose input would reach the guest now; it may wait for them.
  std::vector<ByteSource*> awaited_inputs() const;
  /// The network, while a peer may send something by itself; else null.
  Network* awaited_network() const;

 private:
  template <class T>
  T* place(const MemRegion& region, std::unique_ptr<T> device);
  void plug(std::unique_ptr<VirtioDevice> device, const Wiring& wiring);

  std::vector<Placed> devices_;
  std::vector<VirtioMmio*> virtio_;  ///< by slot
  std::vector<VirtioBlk*> drives_;
  unsigned next_slot_ = 0;
  Plic* plic_ = nullptr;
  Clint* clint_ = nullptr;
  Uart16550* uart_ = nullptr;
  VirtioConsole* console_ = nullptr;
  VirtioNet* net_ = nullptr;                      ///< null where there is none
  std::vector<std::shared_ptr<ByteSink>> sinks_;  ///< of the UART and the ports; null where none
  std::shared_ptr<ByteSource> uart_source_;
  std::vector<std::shared_ptr<ByteSource>> port_sources_;  ///< by port; null where none
};

}  // namespace quire
