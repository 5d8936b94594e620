#include "emu/isa/decode.h"

#include <gtest/gtest.h>

#include <random>

namespace quire {

TEST(Decode, KeepsFieldsAndBits) {
  const Insn i = decode(0x0010'0093);  // addi x1, x0, 1
  EXPECT_EQ(i.op, Op::addi);
  EXPECT_EQ(i.rd, 1);
  EXPECT_EQ(i.rs1, 0);
  EXPECT_EQ(i.imm, 1);
  EXPECT_EQ(i.length, 4);
  EXPECT_EQ(i.raw, 0x0010'0093U);
}

TEST(Decode, SendsWritesOfX0ToTheSink) {
  EXPECT_EQ(decode(0x0000'0013).rd, kSinkRegister);  // nop
  EXPECT_EQ(decode(0x0000'8067).rd, kSinkRegister);  // ret
  EXPECT_EQ(decode(0xa020'a053).rd, kSinkRegister);  // feq.s x0, f1, f2
  EXPECT_EQ(decode(0x0001).rd, kSinkRegister);       // c.nop
  EXPECT_EQ(decode(0x8082).rd, kSinkRegister);       // c.jr x1
}

TEST(Decode, KeepsF0AsADestination) {
  EXPECT_EQ(decode(0x0020'f053).rd, 0);  // fadd.s f0, f1, f2
  EXPECT_EQ(decode(0x2001'2007).op, Op::flw);
  EXPECT_EQ(decode(0x2001'2007).rd, 0);
}

TEST(Decode, ReservedRoundingModesAreIllegal) {
  for (u32 rm = 0; rm < 8; ++rm) {
    const Insn i = decode(0x0020'8053 | rm << 12);  // fadd.s f0, f1, f2
    EXPECT_EQ(i.op == Op::illegal, rm == 5 || rm == 6) << rm;
    if (i.op != Op::illegal) {
      EXPECT_EQ(i.rm, rm);
    }
  }
}

TEST(Decode, IllegalKeepsItsBitsAndLength) {
  EXPECT_EQ(decode(0).op, Op::illegal);  // the defined illegal instruction (1.5)
  EXPECT_EQ(decode(0).length, 2);
  EXPECT_EQ(decode(0xffff'ffff).op, Op::illegal);
  EXPECT_EQ(decode(0xffff'ffff).length, 4);
  EXPECT_EQ(decode(0xffff'ffff).raw, 0xffff'ffffU);
  EXPECT_EQ(decode(0x1234'8000).raw, 0x8000U);
}

// Chapter 27: encodings that its listings mark RES.
TEST(Decode, ReservedCompressedEncodingsAreIllegal) {
  const u32 reserved[] = {
      0x0004,  // c.addi4spn x9, sp, 0
      0x2001,  // c.addiw x0, 0
      0x207d,  // c.addiw x0, 31
      0x6101,  // c.addi16sp sp, 0
      0x6181,  // c.lui x3, 0
      0x6001,  // c.lui x0, 0
      0x4002,  // c.lwsp x0, 0
      0x6002,  // c.ldsp x0, 0
      0x8002,  // c.jr x0
      0x8000,  // quadrant 0, funct3 100
      0x9c41,  // c.subw's row, funct2 10
      0x9c61,  // c.subw's row, funct2 11
  };
  for (const u32 h : reserved) EXPECT_EQ(decode(h).op, Op::illegal) << std::hex << h;
}

TEST(Decode, HintsAreLegal) {
  EXPECT_EQ(decode(0x0005).op, Op::addi);  // c.nop 1
  EXPECT_EQ(decode(0x1002).op, Op::slli);  // c.slli x0, 32
  EXPECT_EQ(decode(0x6005).op, Op::lui);   // c.lui x0, 1
  EXPECT_EQ(decode(0x8401).op, Op::srai);  // c.srai x8, 0
  EXPECT_EQ(decode(0x0100'000f).op, Op::pause);
  EXPECT_EQ(decode(0x0210'000f).op, Op::fence);  // another with no predecessors
  EXPECT_EQ(decode(0x8330'000f).op, Op::fence);  // fence.tso
  EXPECT_EQ(decode(0xfff0'808f).op, Op::fence);  // reserved fields are ignored (2.7)
}

TEST(Decode, UpperHalfBesideACompressedInstructionIsIgnored) {
  std::mt19937 random(5);
  for (u32 h = 0; h < 0x10000; ++h) {
    if (insn_length(static_cast<u16>(h)) != 2) continue;
    ASSERT_EQ(decode(h), decode(h | static_cast<u32>(random()) << 16)) << std::hex << h;
  }
}

TEST(Decode, EveryFieldStaysInRange) {
  std::mt19937 random(6);
  for (unsigned n = 0; n < 2'000'000; ++n) {
    const Insn i = decode(static_cast<u32>(random()));
    ASSERT_LT(static_cast<unsigned>(i.op), kOpCount);
    ASSERT_LE(i.rd, kSinkRegister);
    ASSERT_LT(i.rs1, 32);
    ASSERT_LT(i.rs2, 32);
    ASSERT_LT(i.rs3, 32);
    ASSERT_TRUE(i.rm < 5 || i.rm == 7);
    ASSERT_TRUE(!has_flag(i.op, kWritesX) || i.rd != 0);
  }
}

TEST(Op, FlagsSayWhatEndsABlock) {
  for (const Op op : {Op::beq, Op::jal, Op::jalr, Op::ecall, Op::mret, Op::csrrw, Op::fence_i, Op::sfence_vma,
                      Op::wfi, Op::illegal}) {
    EXPECT_TRUE(ends_block(op)) << op_info(op).name;
  }
  for (const Op op : {Op::addi, Op::ld, Op::sd, Op::amoadd_d, Op::sc_w, Op::fadd_d, Op::fence}) {
    EXPECT_FALSE(ends_block(op)) << op_info(op).name;
  }
}

}  // namespace quire
