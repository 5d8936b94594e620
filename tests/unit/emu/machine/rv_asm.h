// A handful of encoders, enough for the bare-metal programs of these tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "quire/arch/memmap.h"
#include "quire/config.h"
#include "tests/unit/emu/machine/elf_builder.h"

namespace quire::test {

enum Reg : std::uint32_t {
  zero = 0,
  ra = 1,
  sp = 2,
  t0 = 5,
  t1 = 6,
  t2 = 7,
  a0 = 10,
  a1 = 11,
  a2 = 12,
  a3 = 13,
  a6 = 16,
  a7 = 17
};

constexpr std::uint32_t insn_i(std::uint32_t opcode, std::uint32_t funct3, Reg rd, Reg rs1,
                               std::int32_t imm) {
  return static_cast<std::uint32_t>(imm) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}
constexpr std::uint32_t addi(Reg rd, Reg rs1, std::int32_t imm) { return insn_i(0x13, 0, rd, rs1, imm); }
constexpr std::uint32_t slli(Reg rd, Reg rs1, std::int32_t shift) { return insn_i(0x13, 1, rd, rs1, shift); }
constexpr std::uint32_t insn_r(std::uint32_t funct3, Reg rd, Reg rs1, Reg rs2) {
  return rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33;
}
constexpr std::uint32_t add(Reg rd, Reg rs1, Reg rs2) { return insn_r(0, rd, rs1, rs2); }
constexpr std::uint32_t bit_or(Reg rd, Reg rs1, Reg rs2) { return insn_r(6, rd, rs1, rs2); }
constexpr std::uint32_t lui(Reg rd, std::uint32_t upper) { return upper << 12 | rd << 7 | 0x37; }
constexpr std::uint32_t auipc(Reg rd, std::uint32_t upper) { return upper << 12 | rd << 7 | 0x17; }
constexpr std::uint32_t ld(Reg rd, Reg base, std::int32_t offset) {
  return insn_i(0x03, 3, rd, base, offset);
}
constexpr std::uint32_t store(std::uint32_t funct3, Reg src, Reg base, std::int32_t offset) {
  const auto imm = static_cast<std::uint32_t>(offset);
  return (imm >> 5 & 0x7f) << 25 | src << 20 | base << 15 | funct3 << 12 | (imm & 0x1f) << 7 | 0x23;
}
constexpr std::uint32_t sw(Reg src, Reg base, std::int32_t offset) { return store(2, src, base, offset); }
constexpr std::uint32_t sd(Reg src, Reg base, std::int32_t offset) { return store(3, src, base, offset); }
constexpr std::uint32_t jump(std::int32_t offset) {
  const auto imm = static_cast<std::uint32_t>(offset);
  return (imm >> 20 & 1) << 31 | (imm >> 1 & 0x3ff) << 21 | (imm >> 11 & 1) << 20 | (imm >> 12 & 0xff) << 12 |
         0x6f;
}
constexpr std::uint32_t branch(std::uint32_t funct3, Reg left, Reg right, std::int32_t offset) {
  const auto imm = static_cast<std::uint32_t>(offset);
  return (imm >> 12 & 1) << 31 | (imm >> 5 & 0x3f) << 25 | right << 20 | left << 15 | funct3 << 12 |
         (imm >> 1 & 0xf) << 8 | (imm >> 11 & 1) << 7 | 0x63;
}
constexpr std::uint32_t bne(Reg left, Reg right, std::int32_t offset) {
  return branch(1, left, right, offset);
}
constexpr std::uint32_t blt(Reg left, Reg right, std::int32_t offset) {
  return branch(4, left, right, offset);
}
constexpr std::uint32_t csrrw(Reg rd, std::uint32_t csr, Reg rs1) {
  return insn_i(0x73, 1, rd, rs1, static_cast<std::int32_t>(csr));
}
constexpr std::uint32_t csrrs(Reg rd, std::uint32_t csr, Reg rs1) {
  return insn_i(0x73, 2, rd, rs1, static_cast<std::int32_t>(csr));
}
inline constexpr std::uint32_t kEcall = 0x0000'0073;
inline constexpr std::uint32_t kWfi = 0x1050'0073;

using Code = std::vector<std::uint32_t>;

inline constexpr std::uint64_t kRam = arch::kRamBase;
inline constexpr std::uint32_t kFinisherUpper = arch::kFinisher.base >> 12;

/// Ends with `status` through the finisher.
inline void append_exit(Code& code, std::int32_t status) {
  code.insert(code.end(), {lui(t0, kFinisherUpper), addi(t1, zero, status), slli(t1, t1, 16), lui(t2, 3),
                           addi(t2, t2, 0x333), bit_or(t1, t1, t2), sw(t1, t0, 0), jump(0)});
}

/// A config that runs `code` from the start of RAM. The page after it is part of the image.
inline Config config_for(BootMode mode, const Code& code) {
  std::vector<std::uint8_t> bytes(code.size() * 4);
  std::memcpy(bytes.data(), code.data(), bytes.size());
  ElfBuilder elf;
  elf.header.entry = kRam;
  elf.load(kRam, kRam, bytes, 0x2000);
  Config config;
  config.mode = mode;
  config.ram_bytes = 16 << 20;
  config.kernel = elf.build();
  config.kernel_name = "test.elf";
  return config;
}

/// lui alone sign-extends from bit 31; this makes `upper << 12` positive.
inline void append_address(Code& code, Reg rd, std::uint32_t upper) {
  code.push_back(lui(rd, upper));
  code.push_back(slli(rd, rd, 32));
  code.push_back(insn_i(0x13, 5, rd, rd, 32));  // srli
}

}  // namespace quire::test
