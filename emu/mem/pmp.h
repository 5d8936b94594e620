// Physical memory protection (Privileged ISA 20240411, 3.7): 16 entries, granularity 4 bytes (G = 0).
//
// Invariant: the rules are what the configuration says, in the order of their priority; in M-mode, an entry
// that is not locked allows everything. An access is checked as a whole: an entry that matches a part of it
// denies it, in M-mode too and locked or not.
#pragma once

#include <array>

#include "emu/base/types.h"
#include "quire/arch/cause.h"
#include "quire/state_archive.h"

namespace quire {

class Pmp {
 public:
  static constexpr unsigned kEntries = 16;
  /// Bits of an entry's configuration byte.
  enum Bit : u8 { kRead = 1, kWrite = 2, kExecute = 4, kMode = 3 << 3, kLocked = 1 << 7 };
  enum class Mode : u8 { kOff = 0, kTor = 1, kNa4 = 2, kNapot = 3 };

  u8 config(unsigned index) const { return config_[index]; }
  u64 address(unsigned index) const { return address_[index]; }
  /// WARL: locked entries keep what they have; so do entries written with W but not R.
  void set_config(unsigned index, u8 value);
  void set_address(unsigned index, u64 value);
  /// What firmware does that wants no protection: entry 0 allows S- and U-mode everything.
  void allow_everything();

  void transfer(StateArchive& archive);

  bool allows(PhysAddr start, u64 size_bytes, Access access, Privilege privilege) const;
  /// Whether one rule allows every access within the page. False: not all of them, or by several rules.
  bool allows_page(PhysAddr page, Access access, Privilege privilege) const;

 private:
  struct Rule {
    u64 first, last;  // bytes, inclusive
    u8 permissions;
  };
  struct RuleList {
    std::array<Rule, kEntries> rules{};
    unsigned count = 0;
    void add(const Rule& rule) { rules[count++] = rule; }
  };

  static Mode mode_of(u8 config) { return static_cast<Mode>((config & kMode) >> 3); }
  bool address_locked(unsigned index) const;
  bool make_rule(unsigned index, Rule& out) const;
  void rebuild();
  const RuleList& rules_of(Privilege privilege) const {
    return privilege == Privilege::kMachine ? machine_ : lower_;
  }

  std::array<u8, kEntries> config_{};
  std::array<u64, kEntries> address_{};
  RuleList lower_;  // for S and U
  RuleList machine_;
};

}  // namespace quire
