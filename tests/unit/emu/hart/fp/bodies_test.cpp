// What bodies ask of their context where QEMU's user mode cannot show it: CSRs, traps, reservations, system
// instructions.
#include <gtest/gtest.h>

#include "emu/isa/decode.h"
#include "tests/unit/emu/hart/fp/test_context.h"

namespace quire::test {
namespace {

TestContext::CsrCall csr_call(u32 word, TestContext& c) {
  EXPECT_TRUE(step(c, decode(word)));
  return c.csr_call;
}

}  // namespace

// Table 7.1 of the unprivileged manual.
TEST(Bodies, CsrReadsAndWritesDependOnTheRegistersNamed) {
  TestContext c;
  c.regs[2] = 0;                         // the value does not matter, the number does
  auto call = csr_call(0x3001'10f3, c);  // csrrw x1, mstatus, x2
  EXPECT_EQ(call.csr, 0x300);
  EXPECT_EQ(call.op, CsrOp::kWrite);
  EXPECT_TRUE(call.reads && call.writes);
  call = csr_call(0x3001'1073, c);  // csrrw x0, mstatus, x2
  EXPECT_TRUE(!call.reads && call.writes);
  call = csr_call(0x3000'20f3, c);  // csrrs x1, mstatus, x0
  EXPECT_EQ(call.op, CsrOp::kSet);
  EXPECT_TRUE(call.reads && !call.writes);
  call = csr_call(0x3001'3073, c);  // csrrc x0, mstatus, x2
  EXPECT_EQ(call.op, CsrOp::kClear);
  EXPECT_TRUE(call.reads && call.writes);
  call = csr_call(0x3000'50f3, c);  // csrrwi x1, mstatus, 0
  EXPECT_TRUE(call.reads && call.writes);
  call = csr_call(0x3000'60f3, c);  // csrrsi x1, mstatus, 0
  EXPECT_TRUE(call.reads && !call.writes);
  call = csr_call(0xfff2'f0f3, c);  // csrrci x1, 0xfff, 5
  EXPECT_EQ(call.csr, 0xfff);
  EXPECT_EQ(call.operand, 5U);
  EXPECT_TRUE(call.reads && call.writes);
}

TEST(Bodies, CsrSwapReadsItsOperandBeforeWritingTheDestination) {
  TestContext c;
  c.regs[1] = 7;
  c.csr_value = 9;
  EXPECT_EQ(csr_call(0x3000'90f3, c).operand, 7U);  // csrrw x1, mstatus, x1
  EXPECT_EQ(c.regs[1], 9U);
}

TEST(Bodies, StoreConditionalSaysWhetherItStored) {
  TestContext c;
  c.memory_base = 0x100;
  c.regs[2] = 0x100;
  c.regs[3] = 0xffff'ffff'8000'0001;
  ASSERT_TRUE(step(c, decode(0x1831'20af)));  // sc.w x1, x3, (x2)
  EXPECT_EQ(c.regs[1], 1U);
  EXPECT_EQ(c.memory[0], 0);
  ASSERT_TRUE(step(c, decode(0x1001'20af)));  // lr.w x1, (x2)
  ASSERT_TRUE(step(c, decode(0x1831'20af)));
  EXPECT_EQ(c.regs[1], 0U);
  EXPECT_EQ(c.memory[0], 1);
  EXPECT_EQ(c.memory[4], 0);
}

TEST(Bodies, FaultingLoadsLeaveTheDestination) {
  TestContext c;
  c.regs[1] = 5;
  c.regs[2] = 0x5000;
  for (const u32 word : {0x0001'3083U /* ld */, 0x1001'30afU /* lr.d */, 0x0021'30afU /* amoadd.d */}) {
    EXPECT_FALSE(step(c, decode(word))) << std::hex << word;
    EXPECT_EQ(c.regs[1], 5U);
  }
}

TEST(Bodies, FloatingPointOffIsNoticedBeforeMemory) {
  TestContext c;
  fp::Env env;
  c.env = &env;
  c.fp_enabled = false;
  c.regs[2] = 0x5000;  // would fault
  // fld, fsd, fmv.x.d, fmv.d.x, fadd.d, fclass.d, fcvt.w.d
  for (const u32 word :
       {0x0001'3087U, 0x0011'3027U, 0xe201'00d3U, 0xf201'00d3U, 0x0220'f0d3U, 0xe201'10d3U, 0xc201'10d3U}) {
    c.system_call = "";
    EXPECT_FALSE(step(c, decode(word))) << std::hex << word;
    EXPECT_STREQ(c.system_call, "illegal");
  }
}

TEST(Bodies, JumpsThroughTheirOwnLinkRegister) {
  TestContext c;
  c.pc_value = 0x1000;
  c.regs[1] = 0x2001;
  ASSERT_TRUE(step(c, decode(0x0040'80e7)));  // jalr x1, 4(x1)
  EXPECT_EQ(c.next, 0x2004U);
  EXPECT_EQ(c.regs[1], 0x1004U);
  ASSERT_TRUE(step(c, decode(0x9082)));  // c.jalr x1
  EXPECT_EQ(c.next, 0x1004U);
  EXPECT_EQ(c.regs[1], 0x1002U);
}

TEST(Bodies, X0IsNeitherWrittenNorRead) {
  TestContext c;
  c.regs[1] = 3;
  ASSERT_TRUE(step(c, decode(0x0010'8013)));  // addi x0, x1, 1
  EXPECT_EQ(c.regs[0], 0U);
  ASSERT_TRUE(step(c, decode(0x0000'00b3)));  // add x1, x0, x0
  EXPECT_EQ(c.regs[1], 0U);
}

TEST(Bodies, SystemInstructionsReachTheContext) {
  const struct {
    u32 word;
    const char* call;
  } rows[] = {{0x0000'0073, "ecall"}, {0x0010'0073, "ebreak"}, {0x9002, "ebreak"},
              {0x3020'0073, "mret"},  {0x1020'0073, "sret"},   {0x1050'0073, "wfi"},
              {0x0ff0'000f, "fence"}, {0x0000'100f, "fence.i"}};
  for (const auto& row : rows) {
    TestContext c;
    EXPECT_TRUE(step(c, decode(row.word)));
    EXPECT_STREQ(c.system_call, row.call) << std::hex << row.word;
  }
  TestContext c;
  EXPECT_FALSE(step(c, decode(0xffff'ffff)));
  EXPECT_STREQ(c.system_call, "illegal");
}

// 12.2.1: the number of the register says "all", not its value.
TEST(Bodies, FenceOfTranslationsTakesX0ForAll) {
  const struct {
    u32 word;
    const char* call;
  } rows[] = {{0x1200'0073, "fence all"},       // x0, x0
              {0x1200'8073, "fence va"},        // x1, x0
              {0x1210'0073, "fence asid"},      // x0, x1
              {0x1210'8073, "fence va asid"}};  // x1, x1
  for (const auto& row : rows) {
    TestContext c;
    ASSERT_TRUE(step(c, decode(row.word)));
    EXPECT_STREQ(c.system_call, row.call);
  }
}

}  // namespace quire::test
