// Instructions as text: Capstone's where it knows them, the emulator's own table's for newer extensions and
// in builds without Capstone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "quire/machine.h"

namespace quire::debug {

class Disassembler {
 public:
  Disassembler();
  ~Disassembler();
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  struct Line {
    std::string text;
    unsigned length_bytes;
  };
  /// The instruction whose low bits these are, as at `pc`.
  Line line(std::uint32_t bits, std::uint64_t pc);

 private:
  std::size_t handle_ = 0;  // Capstone's csh; 0: none
};

/// Of the host's instructions, that is what the translator makes.
class HostDisassembler {
 public:
  HostDisassembler();
  ~HostDisassembler();
  HostDisassembler(const HostDisassembler&) = delete;
  HostDisassembler& operator=(const HostDisassembler&) = delete;

  /// "  0x014: mov eax, 1" lines, as if `code` were at 0; without Capstone its bytes.
  std::string listing(std::span<const std::uint8_t> code);

 private:
  std::size_t handle_ = 0;  // Capstone's csh; 0: none
};

/// "main+0x14", or nothing where no symbol is near.
std::string place_name(const Machine& machine, std::uint64_t address);

/// "0x0000000080000014 <main+0x14>: 0513 00a5 ..." lines from `address` on, as far as memory goes.
std::string listing(const Machine& machine, Disassembler& disassembler, std::uint64_t address,
                    unsigned count);

}  // namespace quire::debug
