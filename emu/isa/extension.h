// Extension, and sets of them: which parts of the instruction set a hart has (emu/isa/extensions.inc).
#pragma once

#include <array>
#include <bit>
#include <initializer_list>

#include "emu/base/types.h"

namespace quire {

enum class Extension : u8 {
#define QUIRE_EXTENSION(id, name, needs, presence) id,
#include "emu/isa/extensions.inc"
  kCount,
};
inline constexpr unsigned kExtensionCount = static_cast<unsigned>(Extension::kCount);

enum class Presence : u8 {
  kAlways,     ///< the machine is not one without it; an ISA string need not name it
  kDefault,    ///< there unless an ISA string leaves it out
  kOnRequest,  ///< there only when an ISA string names it
};

class ExtensionSet {
 public:
  constexpr ExtensionSet() = default;
  constexpr ExtensionSet(std::initializer_list<Extension> members) {
    for (const Extension e : members) bits_ |= bit(e);
  }

  static constexpr ExtensionSet all() { return ExtensionSet(~u64{0} >> (64 - kExtensionCount)); }

  constexpr bool has(Extension e) const { return (bits_ & bit(e)) != 0; }
  constexpr bool has_all(ExtensionSet other) const { return (bits_ & other.bits_) == other.bits_; }
  constexpr bool has_any(ExtensionSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr ExtensionSet operator|(ExtensionSet other) const { return ExtensionSet(bits_ | other.bits_); }
  constexpr ExtensionSet without(ExtensionSet other) const { return ExtensionSet(bits_ & ~other.bits_); }
  constexpr bool operator==(const ExtensionSet&) const = default;

 private:
  constexpr explicit ExtensionSet(u64 bits) : bits_(bits) {}
  static constexpr u64 bit(Extension e) { return u64{1} << static_cast<unsigned>(e); }
  u64 bits_ = 0;
};
static_assert(kExtensionCount <= 64, "ExtensionSet needs more bits");

struct ExtensionInfo {
  const char* name;
  ExtensionSet needs;
  Presence presence;
};

inline constexpr std::array<ExtensionInfo, kExtensionCount> kExtensionInfo = {{
#define QUIRE_EXTENSION(id, name, needs, presence) {name, ExtensionSet needs, Presence::presence},
#include "emu/isa/extensions.inc"
}};
constexpr const ExtensionInfo& extension_info(Extension e) {
  return kExtensionInfo[static_cast<unsigned>(e)];
}

/// With all that its members build upon, and what no machine lacks.
constexpr ExtensionSet completed(ExtensionSet set) {
  for (unsigned n = kExtensionCount; n > 0; --n) {
    // To a fixed point: a row may need one that comes after it.
    for (unsigned e = 0; e < kExtensionCount; ++e) {
      const ExtensionInfo& info = kExtensionInfo[e];
      const Extension id = static_cast<Extension>(e);
      if (info.presence == Presence::kAlways) set = set | ExtensionSet{id};
      if (set.has(id)) set = set | info.needs;
    }
  }
  return set;
}

/// What a machine has that nobody asked to have otherwise.
inline constexpr ExtensionSet kDefaultExtensions = [] {
  ExtensionSet set;
  for (unsigned e = 0; e < kExtensionCount; ++e) {
    if (kExtensionInfo[e].presence != Presence::kOnRequest)
      set = set | ExtensionSet{static_cast<Extension>(e)};
  }
  return completed(set);
}();

}  // namespace quire
