// Switches: what the translator is kept from doing, by name; for finding out what made a result wrong.
//
// Instructions of a group that is off are recorded as calls, whole; a part that is off is left out. What the
// guest sees is the same. A group has the name of its extension (emu/isa/extensions.inc), or "priv"; "c" are
// the instructions of 16 bits; parts are emu/jit/parts.inc.
#pragma once

#include <string>
#include <vector>

#include "emu/isa/insn.h"
#include "emu/isa/op.h"

namespace quire::jit {

enum class Part : u8 {
#define QUIRE_PART(id, name) k##id,
#include "emu/jit/parts.inc"
  kCount,
};
static_assert(static_cast<unsigned>(Part::kCount) <= 32);

class Switches {
 public:
  /// All that these names stand for is off. Throws Error(kUsage) for a name there is not, and lists those
  /// that there are.
  static Switches off(const std::vector<std::string>& names);
  /// What off() takes, in order.
  static std::vector<std::string> names();

  constexpr bool has_off(Part part) const { return (parts_ & bit(part)) != 0; }
  /// Whether it must be done by a call.
  constexpr bool has_off(const Insn& insn) const {
    if (!any_) return false;
    return has_off(op_info(insn.op).group) || (insn.length == 2 && extensions_.has(Extension::C)) ||
           (has_flag(insn.op, kLoad) && has_off(Part::kLoads)) ||
           (has_flag(insn.op, kStore) && has_off(Part::kStores)) ||
           (has_flag(insn.op, kBranch) && has_off(Part::kBranches)) ||
           (has_flag(insn.op, kJump) && has_off(Part::kJumps));
  }

 private:
  static constexpr u32 bit(Part part) { return u32{1} << static_cast<unsigned>(part); }
  bool set(std::string_view name);
  /// Of groups with two extensions, one is enough.
  constexpr bool has_off(Group group) const {
    switch (group) {
      case Group::Priv:
        return priv_;
      case Group::Hint:
        return false;
      case Group::ZbbZbkb:
        return extensions_.has_any({Extension::Zbb, Extension::Zbkb});
      case Group::ZfhminD:
        return extensions_.has_any({Extension::Zfhmin, Extension::D});
      case Group::ZfaD:
        return extensions_.has_any({Extension::Zfa, Extension::D});
      case Group::ZfaZfh:
        return extensions_.has_any({Extension::Zfa, Extension::Zfh});
      default:
        return extensions_.has(static_cast<Extension>(group));
    }
  }

  bool any_ = false;
  bool priv_ = false;
  ExtensionSet extensions_;
  u32 parts_ = 0;
};

}  // namespace quire::jit
