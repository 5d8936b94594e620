// How the supervisor describes itself: where in its memory the facts lie that others read from outside.
//
// The table stands in the supervisor's RAM at the physical address that its ELF symbol kDescriptionSymbol
// has. Entries are found by name, so that fields may move and names may be added without harm; the version
// changes when a name changes its meaning. A root is 0 until the supervisor has come so far. Every pointer
// that can be reached from a root lies in the linear map: its physical address is the pointer -
// linear_map_base.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

inline constexpr const char* kDescriptionSymbol = "quire_description_physical";
inline constexpr u64 kDescriptionMagic = 0x31'5243'5345'4451;  // "QDESCR1", little-endian
inline constexpr u32 kDescriptionVersion = 1;
inline constexpr unsigned kDescribedNameBytes = 24;

enum class DescribedKind : u32 {
  kField = 1,  ///< `value` is an offset from the object's start, `bytes` the field's size
  kValue = 2,  ///< a constant
  kRoot = 3,   ///< where something begins, or how much of it there is
};

struct DescriptionEntry {
  char name[kDescribedNameBytes];  ///< padded with NUL
  DescribedKind kind;
  u32 bytes;  ///< fields only
  u64 value;
};
static_assert(sizeof(DescriptionEntry) == 40);

/// `entry_count` entries of `entry_bytes` each follow at `header_bytes`.
struct DescriptionHeader {
  u64 magic;
  u32 version;
  u32 header_bytes;
  u32 entry_bytes;
  u32 entry_count;
  u64 linear_map_base;
};
static_assert(sizeof(DescriptionHeader) == 32);

}  // namespace quire::arch
