// Instructions as text, by the emulator's own table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace quire {

struct InsnText {
  std::string
      text;  ///< the assembler's names without aliases; ".word 0x..." when there is no such instruction
  unsigned length_bytes;  ///< 2 or 4, by its lowest bits
  bool known;
  std::optional<std::uint64_t> target;  ///< of a direct branch or jump; the last operand in the text
};

/// `bits` are the instruction's, and of a short one the two bytes behind it are ignored. Branch targets are
/// those of an instruction at `pc`.
InsnText insn_text(std::uint32_t bits, std::uint64_t pc);

}  // namespace quire
