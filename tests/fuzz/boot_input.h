// How an input of the boot fuzzer is divided; make_seeds writes the first ones.
#pragma once

#include <cstdint>

namespace quire::fuzz {

/// Little-endian, at the start of an input; then firmware, device tree and initrd, and the kernel is the
/// rest. What is cut off is shorter.
struct BootInput {
  std::uint8_t mode;    ///< modulo 3: bare, supervisor, firmware
  std::uint8_t screen;  ///< odd: with one
  std::uint16_t firmware_bytes;
  std::uint16_t tree_bytes;    ///< 0: the board's own
  std::uint16_t initrd_bytes;  ///< each stands for kInitrdScale of the same
};
static_assert(sizeof(BootInput) == 8);
inline constexpr unsigned kInitrdScale = 512;

}  // namespace quire::fuzz
