#include "quire/insn_operands.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;

constexpr std::uint32_t bit_of(unsigned number) { return std::uint32_t{1} << number; }

TEST(InsnOperands, OfIntegerInstructions) {
  const InsnOperands sum = insn_operands(add(a0, a1, a2));
  EXPECT_EQ(sum.reads_x, bit_of(a1) | bit_of(a2));
  EXPECT_EQ(sum.writes_x, bit_of(a0));
  const InsnOperands store = insn_operands(sd(a0, a1, 8));
  EXPECT_EQ(store.reads_x, bit_of(a0) | bit_of(a1));
  EXPECT_EQ(store.writes_x, 0u);
  EXPECT_EQ(insn_operands(addi(zero, a0, 1)).writes_x, 0u);
  EXPECT_EQ(insn_operands(lui(t0, 1)).reads_x, 0u);
}

TEST(InsnOperands, OfShortInstructions) {
  const InsnOperands add_short = insn_operands(0xffff'952e);  // c.add a0, a1; what follows is not its own
  EXPECT_EQ(add_short.reads_x, bit_of(a0) | bit_of(a1));
  EXPECT_EQ(add_short.writes_x, bit_of(a0));
}

TEST(InsnOperands, AnImmediateInTheRegisterFieldIsNoRegister) {
  const InsnOperands immediate = insn_operands(insn_i(0x73, 5, a0, a2, 0x340));  // csrrwi a0, mscratch, 12
  EXPECT_EQ(immediate.reads_x, 0u);
  EXPECT_EQ(immediate.writes_x, bit_of(a0));
}

TEST(InsnOperands, OfFloatingPoint) {
  const InsnOperands store = insn_operands(0x00b5'3427);  // fsd fa1, 8(a0)
  EXPECT_EQ(store.reads_x, bit_of(a0));
  EXPECT_EQ(store.reads_f, bit_of(11));
  const InsnOperands fused = insn_operands(0x62c5'f543);  // fmadd.d fa0, fa1, fa2, fa2
  EXPECT_EQ(fused.reads_f & (bit_of(11) | bit_of(12)), bit_of(11) | bit_of(12));
  EXPECT_EQ(fused.writes_f, bit_of(10));
  const InsnOperands convert = insn_operands(0xd225'0553);  // fcvt.d.l fa0, a0
  EXPECT_EQ(convert.reads_x, bit_of(a0));
  EXPECT_EQ(convert.writes_f, bit_of(10));
}

TEST(InsnOperands, ACallOfTheFirmwareMayReadEveryArgument) {
  EXPECT_EQ(insn_operands(kEcall).reads_x, 0x3fc00u);
  EXPECT_EQ(insn_operands(kEcall).writes_x, 0u);
}

TEST(InsnOperands, CompareAndSwapReadsItsDestination) {
  const InsnOperands swap = insn_operands(0x28c5'a52f);  // amocas.w a0, a2, (a1)
  EXPECT_EQ(swap.reads_x, bit_of(a0) | bit_of(a1) | bit_of(a2));
  EXPECT_EQ(swap.writes_x, bit_of(a0));
}

TEST(InsnOperands, ABlockIsZeroedAsAWhole) {
  const InsnOperands zeroes = insn_operands(0x0045'200f);  // cbo.zero (a0)
  EXPECT_EQ(zeroes.block_bytes, 64u);
  EXPECT_EQ(zeroes.base, a0);
  EXPECT_TRUE(zeroes.zeroes);
}

}  // namespace
}  // namespace quire
