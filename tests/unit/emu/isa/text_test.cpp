// The table's own text against GNU objdump's, for every instruction that objdump knows.
#include "emu/isa/text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <sstream>

#include "emu/isa/decode.h"
#include "tests/unit/emu/isa/binutils.h"

namespace quire::test {
namespace {

/// A word of the instruction, its free bits random. Rounding modes are dyn, which objdump shows for all but
/// the exact conversions, where it takes rne alone.
u32 random_word(Op op, std::mt19937& random) {
  u32 mask = 0;
  u32 value = 0;
  for (const char* p = op_info(op).pattern; *p != 0; ++p) {
    if (*p == ' ') continue;
    mask = mask << 1 | (*p != '-' ? 1 : 0);
    value = value << 1 | (*p == '1' ? 1 : 0);
  }
  u32 word = value | (static_cast<u32>(random()) & ~mask);
  if (has_rm(op_info(op).format)) {
    const bool exact = op == Op::fcvt_d_w || op == Op::fcvt_d_wu || op == Op::fcvt_d_s;
    word = exact ? word & ~0x7000U : word | 0x7000U;
  }
  return word;
}

std::vector<std::string> split(const std::string& operands) {
  std::vector<std::string> parts;
  std::istringstream stream(operands);
  for (std::string part; std::getline(stream, part, ',');) {
    const auto first = part.find_first_not_of(' ');
    part = first == std::string::npos ? "" : part.substr(first);
    part = part.substr(0, part.find(' '));  // "<symbol>" behind an address
    if (part != "dyn" && part != "rne") parts.push_back(part);
  }
  return parts;
}

/// Numbers by value: one side writes 0x1f where the other writes 31, and addresses without 0x.
bool same_operand(const std::string& ours, const std::string& theirs) {
  if (ours == theirs) return true;
  const auto number = [](const std::string& text, int base, long long& value) {
    try {
      usize used = 0;
      value = static_cast<long long>(text[0] == '-' ? std::stoll(text, &used, base)
                                                    : static_cast<long long>(std::stoull(text, &used, base)));
      return used == text.size();
    } catch (const std::exception&) {
      return false;
    }
  };
  long long a = 0;
  long long b = 0;
  char* end = nullptr;  // constants of fli, 0x1p-2 on one side and 0.25 on the other
  char* other_end = nullptr;
  const double constant = std::strtod(ours.c_str(), &end);
  if (constant == std::strtod(theirs.c_str(), &other_end) && *end == 0 && *other_end == 0) return true;
  return number(ours, 0, a) && ((number(theirs, 0, b) && a == b) || (number(theirs, 16, b) && a == b));
}

bool is_csr_insn(Op op) { return op_info(op).format == Format::Csr || op_info(op).format == Format::CsrImm; }

TEST(Text, IsThatOfObjdump) {
  std::mt19937 random(1);
  std::vector<u8> code;
  std::vector<Insn> insns;
  constexpr unsigned kRounds = 20;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned op = 1; op < kOpCount; ++op) {
      const u32 word = random_word(static_cast<Op>(op), random);
      insns.push_back(decode(word));
      for (unsigned byte = 0; byte < 4; ++byte) code.push_back(static_cast<u8>(word >> 8 * byte));
    }
  }
  unsigned compared = 0;
  for (const Disassembled& d : disassemble(code, "no-aliases")) {
    const Insn& insn = insns[d.address / 4];
    if (d.mnemonic[0] == '.' || insn.op == Op::illegal) continue;
    // Variants of one row under names of their own, and reserved fields that we ignore.
    if (insn.op == Op::fence || insn.op == Op::fence_i) continue;
    const std::string text = text_of(insn, d.address);
    const auto blank = text.find(' ');
    ASSERT_EQ(text.substr(0, blank), d.mnemonic) << text << " is " << d.operands;
    const auto ours = split(blank == std::string::npos ? "" : text.substr(blank));
    const auto theirs = split(d.operands);
    ASSERT_EQ(ours.size(), theirs.size()) << text << " is " << d.mnemonic << " " << d.operands;
    for (usize i = 0; i < ours.size(); ++i) {
      // objdump names CSRs of extensions and widths that no machine of ours has.
      const bool unknown_csr = is_csr_insn(insn.op) && i == 1 && ours[i].starts_with("0x");
      ASSERT_TRUE(unknown_csr || same_operand(ours[i], theirs[i]))
          << text << " is " << d.mnemonic << " " << d.operands;
    }
    ++compared;
  }
  EXPECT_GT(compared, kRounds * 250);
}

TEST(Text, OfFencesAndWhatIsNone) {
  EXPECT_EQ(text_of(decode(0x0330000f), 0), "fence rw, rw");
  EXPECT_EQ(text_of(decode(0x0000100f), 0), "fence.i");
  EXPECT_EQ(text_of(decode(0xffffffff), 0), ".word 0xffffffff");
  EXPECT_EQ(text_of(decode(0x0000), 0), ".half 0x0");
  EXPECT_EQ(text_of(decode(0x4505), 0), "addi a0, zero, 1");
}

}  // namespace
}  // namespace quire::test
