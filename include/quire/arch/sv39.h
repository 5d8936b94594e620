// Page-table entries and satp of Sv39, Sv48 and Sv57, which differ in the number of levels alone (Privileged
// ISA 20240411, 12.1.11 and 12.4 to 12.6), with the bits of Svnapot (13) and Svpbmt (14).
//
// The level count is a value of whoever walks; what is named Sv39 here holds for it alone.
#pragma once

#include "quire/arch/bits.h"
#include "quire/arch/types.h"

namespace quire::arch {

inline constexpr unsigned kPageShift = 12;
inline constexpr u64 kPageBytes = u64{1} << kPageShift;
inline constexpr unsigned kPteIndexBits = 9;
inline constexpr unsigned kPtesPerPage = 1U << kPteIndexBits;
inline constexpr unsigned kSv39Levels = 3;
/// First address above user space under Sv39.
inline constexpr u64 kSv39UserTop = u64{1} << 38;

enum PteFlag : u64 {
  kPteValid = 1U << 0,
  kPteRead = 1U << 1,
  kPteWrite = 1U << 2,
  kPteExecute = 1U << 3,
  kPteUser = 1U << 4,
  kPteGlobal = 1U << 5,
  kPteAccessed = 1U << 6,
  kPteDirty = 1U << 7,
  kPteSoftware0 = 1U << 8,
  kPteSoftware1 = 1U << 9,
  kPtePbmt = u64{3} << 61,   ///< memory type (Svpbmt, chapter 14); 3 is reserved
  kPteNapot = u64{1} << 63,  ///< one of 16 equal entries that map 64 KiB (Svnapot, chapter 13)
};
/// Bits that a NAPOT entry of 64 KiB has in place of its four lowest frame bits: 0b1000.
inline constexpr unsigned kNapotBits = 4;

struct Pte {
  u64 raw = 0;

  constexpr bool valid() const { return (raw & kPteValid) != 0; }
  constexpr bool leaf() const { return (raw & (kPteRead | kPteWrite | kPteExecute)) != 0; }
  constexpr bool has(u64 flags) const { return (raw & flags) == flags; }
  constexpr u64 flags() const { return raw & 0x3ff; }
  constexpr u64 ppn() const { return bits(raw, 53, 10); }
  constexpr PhysAddr address() const { return PhysAddr(ppn() << kPageShift); }
  /// Bits 63:54 (Svnapot N, Svpbmt, reserved) must be clear where the extensions are absent.
  constexpr u64 reserved() const { return bits(raw, 63, 54); }
  constexpr bool napot() const { return (raw & kPteNapot) != 0; }

  static constexpr Pte make(PhysAddr target, u64 flags) {
    return Pte{((target.value >> kPageShift) << 10) | flags};
  }
  constexpr bool operator==(const Pte&) const = default;
};
static_assert(sizeof(Pte) == 8);

/// Index into the table of `level` (0 is the leaf level) for `va`.
constexpr unsigned pte_index(VirtAddr va, unsigned level) {
  return static_cast<unsigned>((va.value >> (kPageShift + kPteIndexBits * level)) & (kPtesPerPage - 1));
}
/// Bytes that one leaf of `level` maps: 4 KiB, 2 MiB, 1 GiB ...
constexpr u64 level_bytes(unsigned level) { return u64{1} << (kPageShift + kPteIndexBits * level); }

/// Log2 of the bytes that a leaf of `level` maps, NAPOT ones included.
constexpr unsigned leaf_shift(Pte leaf, unsigned level) {
  return kPageShift + (leaf.napot() && level == 0 ? kNapotBits : kPteIndexBits * level);
}

enum class SatpMode : u8 { kBare = 0, kSv39 = 8, kSv48 = 9, kSv57 = 10 };

struct Satp {
  u64 raw = 0;

  constexpr SatpMode mode() const { return static_cast<SatpMode>(bits(raw, 63, 60)); }
  constexpr u64 asid() const { return bits(raw, 59, 44); }
  constexpr PhysAddr root() const { return PhysAddr(bits(raw, 43, 0) << kPageShift); }
  static constexpr Satp make(SatpMode mode, u64 asid, PhysAddr root) {
    return Satp{(u64{static_cast<u8>(mode)} << 60) | (asid << 44) | (root.value >> kPageShift)};
  }
};

}  // namespace quire::arch
