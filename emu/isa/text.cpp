#include "emu/isa/text.h"

#include <algorithm>
#include <string_view>

#include "emu/base/hex.h"
#include "quire/arch/names.h"

namespace quire {
namespace {

const char* x_name(u8 number) { return number < kRegisterCount ? kIntegerRegisterNames[number] : "zero"; }

constexpr const char* kRounding[] = {"rne", "rtz", "rdn", "rup", "rmm", "?", "?", "dyn"};

// Of the fli instructions, by their rs1 field (the table of fli's values in the chapter of Zfa).
constexpr const char* kFloatConstants[] = {
    "-1",     "min", "0x1p-16", "0x1p-15", "0x1p-8", "0x1p-7", "0.0625", "0.125", "0.25", "0.3125", "0.375",
    "0.4375", "0.5", "0.625",   "0.75",    "0.875",  "1",      "1.25",   "1.5",   "1.75", "2",      "2.5",
    "3",      "4",   "8",       "16",      "128",    "256",    "32768",  "65536", "inf",  "nan"};

bool is_float_constant(Op op) { return op == Op::fli_s || op == Op::fli_d || op == Op::fli_h; }

std::string csr_text(unsigned number) {
  const char* const name = csr_name(number);
  return name != nullptr ? name : hex(number);
}

std::string fence_set(unsigned bits) {
  std::string text;
  for (unsigned i = 0; i < 4; ++i) {
    if ((bits & (8U >> i)) != 0) text += "iorw"[i];
  }
  return text.empty() ? "unknown" : text;
}

std::string raw_text(const Insn& insn) { return (insn.length == 2 ? ".half " : ".word ") + hex(insn.raw); }

/// The operands of one instruction.
class Operands {
 public:
  Operands(const Insn& insn, u64 pc) : insn_(insn), info_(op_info(insn.op)), pc_(pc) {}

  std::string text() const;

 private:
  std::string rd() const {
    return (info_.flags & kWritesF) != 0 ? kFloatRegisterNames[insn_.rd] : x_name(insn_.rd);
  }
  std::string value(u8 r) const { return (info_.flags & kReadsF) != 0 ? kFloatRegisterNames[r] : x_name(r); }
  std::string base() const { return std::string("(") + x_name(insn_.rs1) + ")"; }
  std::string imm() const { return std::to_string(insn_.imm); }
  std::string target() const { return hex(pc_ + static_cast<u64>(i64{insn_.imm})); }
  std::string csr() const { return csr_text(static_cast<unsigned>(insn_.imm) & 0xfff); }
  std::string rounding() const { return insn_.rm == 7 ? "" : std::string(", ") + kRounding[insn_.rm & 7]; }
  bool accesses_memory() const { return (info_.flags & (kLoad | kStore)) != 0; }
  std::string of_registers() const;

  const Insn& insn_;
  const OpInfo& info_;
  u64 pc_;
};

/// Formats of registers alone; atomics have their address in parentheses, and last.
std::string Operands::of_registers() const {
  if (insn_.op == Op::sfence_vma || insn_.op == Op::sinval_vma)
    return std::string(x_name(insn_.rs1)) + ", " + x_name(insn_.rs2);
  if (is_float_constant(insn_.op)) return rd() + ", " + kFloatConstants[insn_.rs1 & 31];
  if (insn_.op == Op::fcvtmod_w_d) return rd() + ", " + value(insn_.rs1) + ", rtz";
  const bool two_sources = info_.format == Format::R;
  if ((info_.flags & (kWritesX | kWritesF)) == 0) return base();  // operations on a block of memory
  if (accesses_memory()) {
    const bool load_only = (info_.flags & kStore) == 0;
    return rd() + ", " + (load_only ? "" : std::string(x_name(insn_.rs2)) + ", ") + base();
  }
  return rd() + ", " + value(insn_.rs1) + (two_sources ? ", " + value(insn_.rs2) : "");
}

std::string Operands::text() const {
  switch (info_.format) {
    case Format::None:
      return "";
    case Format::Fence:
      if (insn_.op != Op::fence) return "";
      return fence_set(static_cast<unsigned>(insn_.imm) >> 4 & 15) + ", " +
             fence_set(static_cast<unsigned>(insn_.imm) & 15);
    case Format::R4Rm:
      return rd() + ", " + value(insn_.rs1) + ", " + value(insn_.rs2) + ", " + value(insn_.rs3) + rounding();
    case Format::RRm:
      return rd() + ", " + value(insn_.rs1) + ", " + value(insn_.rs2) + rounding();
    case Format::R1Rm:
      return rd() + ", " + value(insn_.rs1) + rounding();
    case Format::I:
      if (accesses_memory() || (info_.flags & kJump) != 0) return rd() + ", " + imm() + base();
      return rd() + ", " + x_name(insn_.rs1) + ", " + imm();
    case Format::Shift:
    case Format::ShiftW:
      return rd() + ", " + x_name(insn_.rs1) + ", " + imm();
    case Format::S:
      if (!accesses_memory()) return imm() + base();  // hints of what will be accessed
      return value(insn_.rs2) + ", " + imm() + base();
    case Format::B:
      return std::string(x_name(insn_.rs1)) + ", " + x_name(insn_.rs2) + ", " + target();
    case Format::U:
      return rd() + ", " + hex(static_cast<u32>(insn_.imm) >> 12);
    case Format::J:
      return rd() + ", " + target();
    case Format::Csr:
      return rd() + ", " + csr() + ", " + x_name(insn_.rs1);
    case Format::CsrImm:
      return rd() + ", " + csr() + ", " + std::to_string(insn_.rs1);
    default:
      return of_registers();
  }
}

/// Bits of the atomics (Unprivileged ISA 20240411, 14.1).
std::string ordering(const Insn& insn) {
  const bool is_atomic = (insn.raw & 0x7f) == 0x2f;
  constexpr const char* kOrders[] = {"", ".rl", ".aq", ".aqrl"};
  return is_atomic ? kOrders[insn.raw >> 25 & 3] : "";
}

}  // namespace

std::string mnemonic(Op op) {
  std::string name = op_info(op).name;
  if (name.back() == '_') name.pop_back();
  std::replace(name.begin(), name.end(), '_', '.');
  return name;
}

std::string text_of(const Insn& insn, u64 pc) {
  if (insn.op == Op::illegal) return raw_text(insn);
  const std::string operands = Operands(insn, pc).text();
  return mnemonic(insn.op) + ordering(insn) + (operands.empty() ? "" : " ") + operands;
}

}  // namespace quire
