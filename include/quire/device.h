// The interface of a device on the board, built-in or a user's own.
//
// A device sees (offset, size, value) and nothing of the hart. It acts only through what it was
// given when it was made: its interrupt line, DMA into guest RAM, and the clock. Results must depend
// on guest-visible inputs alone, so that runs repeat.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

/// Virtual time. Nanoseconds since reset; one instruction is one nanosecond.
class Clock {
 public:
  using EventId = std::uint64_t;
  virtual ~Clock() = default;
  virtual std::uint64_t now_ns() const = 0;
  /// Calls `action` when virtual time reaches `deadline_ns` (at once when it has), before the
  /// instruction that would run at that moment. Events of one moment run in the order scheduled.
  virtual EventId schedule(std::uint64_t deadline_ns, std::function<void()> action) = 0;
  /// Forgets an event; one that ran or was cancelled already is ignored.
  virtual void cancel(EventId event) = 0;

  // --- for saved states (quire/state_archive.h) ---

  /// When an event that waits is due.
  virtual std::uint64_t deadline_ns(EventId event) const = 0;
  /// Takes an event of a saved state up again: it keeps its place among those of its moment.
  virtual void schedule_again(EventId event, std::uint64_t deadline_ns, std::function<void()> action) = 0;
};

/// A level-triggered interrupt line.
class IrqLine {
 public:
  virtual ~IrqLine() = default;
  virtual void set(bool asserted) = 0;
};

/// Guest RAM as a bus master sees it. Physical addresses; false when any byte is not RAM (nothing is
/// then transferred). Code translated from written pages is invalidated.
class Dma {
 public:
  virtual ~Dma() = default;
  virtual bool read(std::uint64_t address, std::span<std::uint8_t> out) = 0;
  virtual bool write(std::uint64_t address, std::span<const std::uint8_t> data) = 0;
};

class StateArchive;

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const = 0;
  /// Back to the state after power-on.
  virtual void reset() = 0;
  /// Saves or loads all that a guest can see of it, now or later. The levels of its interrupt line and what
  /// it was made with are not its to save; its events are.
  virtual void transfer(StateArchive& archive) = 0;
  /// Why a saved state of it would be worth nothing, because part of it is the host's, in words that follow
  /// the device's name ("is connected to the host's network"); empty when there is no reason.
  virtual std::string unsaveable() const { return {}; }
  /// `size` is 1, 2, 4 or 8 and `offset` is a multiple of it, below the mapped size.
  /// The value is zero-extended. Unknown registers read 0 and ignore writes, as hardware does.
  virtual std::uint64_t read(std::uint64_t offset, unsigned size) = 0;
  virtual void write(std::uint64_t offset, unsigned size, std::uint64_t value) = 0;
};

/// What an added device is connected to, and where it came to be; the references outlive it.
struct DeviceWiring {
  Clock& clock;
  Dma& dma;
  IrqLine& irq;
  std::uint64_t base;   ///< physical
  unsigned irq_number;  ///< source of the PLIC
};

/// A device besides the board's own (Config::devices). It is in the device tree under `name`.
struct AddedDevice {
  std::string name;                     ///< as a node of a device tree may be called; no two alike
  std::vector<std::string> compatible;  ///< what a driver looks for, the most special first
  std::uint64_t size_bytes = 0x1000;    ///< 8 bytes to 256 MiB, a multiple of 8
  std::optional<std::uint64_t> base;    ///< a multiple of 4096; else the first free place
  std::optional<unsigned> irq;          ///< else the first free one
  std::function<std::unique_ptr<Device>(const DeviceWiring&)> make;
};

}  // namespace quire
