// Seeing what a machine does as it does it: instructions, translations, traps, interrupts, devices, firmware.
//
// Observing changes no result: counts, time, digests and the guest's memory are those of a run without.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "quire/arch/cause.h"

namespace quire {

/// What an observer is told; the machine pays for what somebody wants alone.
enum class Observed : std::uint8_t {
  kInsn = 1 << 0,       ///< every instruction that retires; engines then go one by one
  kMmu = 1 << 1,        ///< page-table walks, TLB entries made and replaced, fences
  kTrap = 1 << 2,       ///< exceptions
  kInterrupt = 1 << 3,  ///< interrupts taken
  kDevice = 1 << 4,     ///< accesses to device registers
  kSbi = 1 << 5,        ///< calls of the built-in SBI
  kDma = 1 << 6,        ///< what devices and the firmware read and write in RAM
  kCode = 1 << 7,       ///< blocks that the translator makes and drops: the host's doing, unlike all above
};

/// A set of them.
class ObservedSet {
 public:
  constexpr ObservedSet() = default;
  constexpr ObservedSet(Observed one) : bits_(static_cast<std::uint8_t>(one)) {}
  constexpr ObservedSet operator|(ObservedSet o) const {
    return ObservedSet(static_cast<std::uint8_t>(bits_ | o.bits_));
  }
  constexpr bool contains(Observed one) const { return (bits_ & static_cast<std::uint8_t>(one)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  constexpr explicit ObservedSet(std::uint8_t bits) : bits_(bits) {}
  std::uint8_t bits_ = 0;
};

/// Where and when, for every event: before the instruction it belongs to.
struct EventPlace {
  unsigned hart;
  std::uint64_t icount;
  std::uint64_t pc;
  arch::Privilege privilege;
};

struct RegisterWrite {
  enum class Bank : std::uint8_t { kX, kF, kCsr };
  Bank bank;
  std::uint16_t number;
  std::uint64_t value;  ///< after the instruction
};

struct MemoryAccess {
  std::uint64_t address;  ///< virtual
  std::uint64_t value;
  std::uint8_t size_bytes;
  bool is_store;
};

/// An access by a load, a store or an atomic, within its instruction; not by devices, walks or fetches.
struct AccessEvent {
  EventPlace at;
  std::uint64_t address;  ///< virtual
  std::uint64_t value;    ///< read or written
  unsigned size_bytes;
  bool is_store;
};

/// An instruction that has retired. Of CSRs changed on the side, fflags and mstatus are told.
struct InsnEvent {
  EventPlace at;
  std::uint32_t bits;
  unsigned length_bytes;
  std::span<const RegisterWrite> writes;
  std::span<const MemoryAccess> accesses;
};

struct MmuEvent {
  enum class Kind : std::uint8_t { kWalk, kFill, kEvict, kFence };
  EventPlace at;
  Kind kind;
  std::optional<std::uint64_t> va;    ///< kFence: none for every page; else the page's or the access's
  std::optional<std::uint16_t> asid;  ///< kFence: none for every address space; else of the walk or the entry
  arch::Access access;                ///< kWalk
  unsigned steps;                     ///< kWalk: page-table entries read
  std::string_view fault;             ///< kWalk: why it was refused, or empty
  std::uint64_t physical_address;     ///< kFill, kEvict, and kWalk without fault: of the page
  std::uint64_t page_bytes;           ///< likewise
  std::uint8_t flags;                 ///< likewise: the low eight bits of the leaf
  std::span<const std::uint64_t> entries;  ///< kWalk: physical addresses of the entries read, root first
};

struct TrapEvent {
  EventPlace at;
  std::uint64_t cause;  ///< as in mcause
  std::uint64_t tval;
  arch::Privilege target;
  std::uint64_t handler;
};

struct DeviceEvent {
  EventPlace at;
  std::string_view device;
  std::uint64_t offset;
  unsigned size_bytes;
  bool is_write;
  std::uint64_t value;
};

struct DmaEvent {
  EventPlace at;
  std::uint64_t address;  ///< physical, all of it RAM
  std::uint64_t count_bytes;
  bool is_write;
};

/// A block of guest code that has become host code, or is no more. Depends on the engine, its version and
/// settings, and on where runs are cut.
struct CodeEvent {
  enum class Kind : std::uint8_t { kMade, kDropped, kLinked, kGivenUp };
  struct Insn {
    std::uint64_t address;  ///< physical
    std::uint32_t bits;
  };
  EventPlace at;
  Kind kind;
  std::uint64_t address;        ///< physical, of the block; kLinked: of the one that a way out leads from
  std::uint64_t to;             ///< kLinked: where it leads directly now
  std::uint64_t blocks;         ///< kGivenUp: as many as there were, for room
  std::string_view reason;      ///< kDropped: of kDropReasonNames (quire/engine_stats.h)
  std::span<const Insn> insns;  ///< kMade
  std::span<const std::uint8_t> code;  ///< kMade: for x86-64
  std::string_view ir;                 ///< kMade: the translator's own form of the block, in lines
};

struct SbiEvent {
  EventPlace at;
  std::uint64_t extension, function;
  std::array<std::uint64_t, 6> args;
  std::uint64_t error, value;  ///< a0 and a1 after it
};

/// An instruction that was executed: it retired, or trapped.
struct InsnPlace {
  std::uint64_t icount;  ///< before it
  std::uint64_t pc;
};

/// An access by a load, a store or an atomic, as AccessEvent.
struct AccessPlace {
  std::uint64_t icount;  ///< before its instruction
  std::uint64_t pc;
  std::uint64_t address;  ///< virtual
  std::uint64_t value;    ///< read or written
  std::uint8_t size_bytes;
  bool is_store;
};

/// Takes all that a hart executes, in order, in batches and some time after: for many, at little cost each.
/// A batch is told before any other event that came later, and before satp changes.
class InsnSink {
 public:
  virtual ~InsnSink() = default;
  /// Within a run. Must not change the machine, nor throw.
  virtual void on_insns(std::span<const InsnPlace> insns) = 0;
};

/// The same of accesses; those of an instruction come after it.
class AccessSink {
 public:
  virtual ~AccessSink() = default;
  virtual void on_accesses(std::span<const AccessPlace> accesses) = 0;
};

class Observer {
 public:
  virtual ~Observer() = default;
  /// Called synchronously, some of them within an instruction. May read the machine, request a stop, and add
  /// and remove observers: one that is removed is told no more, one that is added from the next event on.
  /// Must not run or change the machine, nor throw.
  virtual void on_insn(const InsnEvent&) {}
  virtual void on_access(const AccessEvent&) {}  ///< by Machine::observe_memory
  virtual void on_mmu(const MmuEvent&) {}
  virtual void on_trap(const TrapEvent&) {}
  virtual void on_interrupt(const TrapEvent&) {}
  virtual void on_device(const DeviceEvent&) {}
  virtual void on_sbi(const SbiEvent&) {}
  virtual void on_dma(const DmaEvent&) {}
  virtual void on_code(const CodeEvent&) {}
};

}  // namespace quire
