// A hart with RAM, a device and interrupt sources, made from a fuzzer's bytes.
//
// Invariant: the same bytes make the same world, and everything outside the hart depends only on what the
// hart does and on its icount; so two worlds made alike differ later only where what ran them differs.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "emu/hart/engine.h"
#include "emu/hart/hart.h"
#include "quire/config.h"
#include "quire/device.h"

namespace quire::fuzz {

inline constexpr u64 kRamBase = 0x8000'0000;
inline constexpr u64 kDeviceBase = 0x1000'0000;
inline constexpr u64 kDeviceBytes = 0x1000;

/// SplitMix64 (Steele, Lea and Flood, 2014): short, and good enough to scatter things.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}
  u64 next() {
    u64 z = state_ += 0x9e37'79b9'7f4a'7c15;
    z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
    return z ^ z >> 31;
  }
  u64 below(u64 limit) { return next() % limit; }
  bool one_in(u64 n) { return below(n) == 0; }

 private:
  u64 state_;
};

/// The input's first bytes; code follows.
struct Header {
  u8 ram;     ///< how much
  u8 tlb;     ///< which geometry
  u8 mode;    ///< privilege, and whether the built-in firmware answers
  u8 paging;  ///< none, identity by superpages, or a table of odd pages
  u16 budget;
  u8 events;  ///< how many between instructions
  u8 place;   ///< where in a page the code starts
  u32 registers_seed;
  u32 world_seed;  ///< CSRs, page table, events
};
static_assert(sizeof(Header) == 16);

/// What happens between two instructions, from outside.
struct Event {
  enum class Kind : u8 { kLine, kDma, kExitRequest };
  u64 at_icount;
  Kind kind;
  Interrupt line;
  bool asserted;
  u64 address;
  bool at_reservation;  ///< around what the last LR reserved, where something is
  std::vector<u8> data;
};

struct Plan {
  Header header{};
  std::vector<u8> code;
  std::vector<Event> events;  ///< in order of at_icount
  u64 budget = 0;

  /// Any bytes make a plan.
  static Plan parse(std::span<const u8> input);
  u64 ram_bytes() const;
  PhysAddr code_start() const;
};

class World final : public HartEnv, public Device {
 public:
  World(const Plan& plan, EngineKind engine);

  Ram& ram() { return ram_; }
  Hart& hart() { return *hart_; }
  HartEngine& engine() { return *engine_; }
  void act(const Event& event);
  /// All that must agree: the hart's architectural state and what the device has seen.
  std::vector<u64> state();

 private:
  void set_registers(const Plan& plan);
  void set_csrs(const Plan& plan);
  void set_pmp(const Plan& plan);
  void set_paging(const Plan& plan);
  void note(u64 what, u64 value);
  void check_host_float() const;

  u64 time() override;
  bool sbi_call(HartState& state) override;
  std::string_view name() const override { return "fuzz"; }
  void reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;

  bool has_firmware_;
  Ram ram_;
  Bus bus_;
  std::unique_ptr<Hart> hart_;
  std::unique_ptr<HartEngine> engine_;
  u64 seen_ = 0;  // everything the outside was asked, in order
};

}  // namespace quire::fuzz
