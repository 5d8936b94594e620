// Integer names and the address types that both sides of the machine share.
//
// Invariant: a physical and a virtual address never convert into each other implicitly.
// Freestanding: used by the emulator (hosted) and by the supervisor (riscv64, no libc).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace quire::arch {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using usize = std::size_t;

/// An address of one kind; `Tag` keeps the kinds apart. Arithmetic wraps modulo 2^64, as the hart's does.
template <class Tag>
struct Address {
  u64 value = 0;

  constexpr Address() = default;
  constexpr explicit Address(u64 raw) : value(raw) {}

  constexpr auto operator<=>(const Address&) const = default;
  constexpr Address operator+(u64 bytes) const { return Address(value + bytes); }
  constexpr Address operator-(u64 bytes) const { return Address(value - bytes); }
  constexpr u64 operator-(Address other) const { return value - other.value; }
  constexpr Address& operator+=(u64 bytes) {
    value += bytes;
    return *this;
  }
  constexpr Address& operator-=(u64 bytes) {
    value -= bytes;
    return *this;
  }
};

using PhysAddr = Address<struct PhysTag>;
using VirtAddr = Address<struct VirtTag>;

}  // namespace quire::arch
