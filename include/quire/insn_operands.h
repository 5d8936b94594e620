// Which registers an instruction reads and writes, by the emulator's own table.
#pragma once

#include <cstdint>

namespace quire {

/// A bit a register; x0 is in none. What is said to be read may not matter (a shift's upper bits); what is
/// said to be written is written as a whole whenever the instruction retires.
struct InsnOperands {
  std::uint32_t reads_x, reads_f, writes_x, writes_f;
  /// Bytes at the address in x`base` that are zeroed, or compared and written, apart from MemoryAccess; 0:
  /// none.
  std::uint32_t block_bytes;
  std::uint8_t base;
  bool zeroes;  ///< the block, aligned to its size
};

/// Of the instruction with these bits. An ecall reads and writes what the SBI may: a0 to a7, and nothing for
/// certain.
InsnOperands insn_operands(std::uint32_t bits);

}  // namespace quire
