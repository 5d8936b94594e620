#include "emu/debug/disassembler.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "quire/insn_text.h"

#if QUIRE_CAPSTONE
#include <capstone/capstone.h>
#endif

namespace quire::debug {
namespace {

/// The instruction's bits, and 0 where its second half is not there; false: not even its first.
bool read_insn(const Machine& machine, std::uint64_t address, std::uint32_t& bits) {
  std::uint8_t bytes[4] = {};
  if (machine.read_virtual(address, bytes) < 2) return false;
  std::memcpy(&bits, bytes, sizeof bits);
  return true;
}

/// 16 bytes a line.
[[maybe_unused]] std::string hex_lines(std::span<const std::uint8_t> code) {
  constexpr std::size_t kLine = 16;
  std::string text;
  for (std::size_t at = 0; at < code.size(); at += kLine) {
    text += fmt::format("  {:#05x}: {:02x}\n", at,
                        fmt::join(code.subspan(at, std::min(kLine, code.size() - at)), " "));
  }
  return text;
}

}  // namespace

#if QUIRE_CAPSTONE

/// Capstone shows how far a branch goes, people look for where: the last operand becomes the address.
std::string with_target(const cs_insn& insn, std::uint64_t target) {
  const std::string_view operands = insn.op_str;
  const auto comma = operands.rfind(',');
  const std::string_view others = comma == std::string_view::npos ? "" : operands.substr(0, comma + 1);
  return fmt::format("{} {}{}{:#x}", insn.mnemonic, others, others.empty() ? "" : " ", target);
}

Disassembler::Disassembler() {
  csh handle = 0;
  if (cs_open(CS_ARCH_RISCV, static_cast<cs_mode>(CS_MODE_RISCV64 | CS_MODE_RISCVC), &handle) == CS_ERR_OK) {
    handle_ = handle;
  }
}

Disassembler::~Disassembler() {
  csh handle = handle_;
  if (handle != 0) cs_close(&handle);
}

Disassembler::Line Disassembler::line(std::uint32_t bits, std::uint64_t pc) {
  const InsnText own = insn_text(bits, pc);
  if (handle_ == 0 || !own.known) return {own.text, own.length_bytes};
  std::uint8_t bytes[4];
  std::memcpy(bytes, &bits, sizeof bytes);
  cs_insn* insn = nullptr;
  const std::size_t count = cs_disasm(handle_, bytes, own.length_bytes, pc, 1, &insn);
  Line line{own.text, own.length_bytes};
  if (count == 1 && insn->size == own.length_bytes) {
    line.text = own.target                ? with_target(*insn, *own.target)
                : insn->op_str[0] == '\0' ? insn->mnemonic
                                          : fmt::format("{} {}", insn->mnemonic, insn->op_str);
  }
  if (count != 0) cs_free(insn, count);
  return line;
}

HostDisassembler::HostDisassembler() {
  csh handle = 0;
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK) handle_ = handle;
}

HostDisassembler::~HostDisassembler() {
  csh handle = handle_;
  if (handle != 0) cs_close(&handle);
}

std::string HostDisassembler::listing(std::span<const std::uint8_t> code) {
  if (handle_ == 0) return hex_lines(code);
  cs_insn* insns = nullptr;
  const std::size_t count = cs_disasm(handle_, code.data(), code.size(), 0, 0, &insns);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const cs_insn& insn = insns[i];
    text += fmt::format("  {:#05x}: {} {}\n", insn.address, insn.mnemonic, insn.op_str);
  }
  if (count != 0) cs_free(insns, count);
  return text;
}

#else

HostDisassembler::HostDisassembler() = default;
HostDisassembler::~HostDisassembler() = default;
std::string HostDisassembler::listing(std::span<const std::uint8_t> code) { return hex_lines(code); }

Disassembler::Disassembler() = default;
Disassembler::~Disassembler() = default;
Disassembler::Line Disassembler::line(std::uint32_t bits, std::uint64_t pc) {
  const InsnText own = insn_text(bits, pc);
  return {own.text, own.length_bytes};
}

#endif

std::string place_name(const Machine& machine, std::uint64_t address) {
  const auto place = machine.symbol_at(address);
  if (!place) return "";
  return place->offset == 0 ? place->name : fmt::format("{}+{:#x}", place->name, place->offset);
}

std::string listing(const Machine& machine, Disassembler& disassembler, std::uint64_t address,
                    unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    if (!read_insn(machine, address, bits))
      return text + fmt::format("{:#018x}: not mapped to RAM\n", address);
    const Disassembler::Line line = disassembler.line(bits, address);
    const std::string place = place_name(machine, address);
    const std::string raw =
        line.length_bytes == 2 ? fmt::format("{:04x}    ", bits & 0xffff) : fmt::format("{:08x}", bits);
    text += fmt::format("{:#018x}{}{}{}: {}  {}\n", address, place.empty() ? "" : " <", place,
                        place.empty() ? "" : ">", raw, line.text);
    address += line.length_bytes;
  }
  return text;
}

}  // namespace quire::debug
