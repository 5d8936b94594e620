// GNU as and objdump for riscv64 (tools/riscv-binutils), run on files in a directory of their own.
#pragma once

#include <string>
#include <vector>

#include "emu/base/types.h"

namespace quire::test {

/// Assembles `source` for all extensions that the hart has (spelled kArchitecture) and returns the bytes of
/// its .text. Throws std::runtime_error with what the assembler said.
std::vector<u8> assemble(const std::string& source);

/// One line of disassembly: the address and the text, mnemonic and operands separated by one tab.
struct Disassembled {
  u64 address;
  std::string mnemonic;
  std::string operands;
};

/// `options` as objdump's -M takes them; no encoding is longer than four bytes.
std::vector<Disassembled> disassemble(const std::vector<u8>& code, const std::string& options);

}  // namespace quire::test
