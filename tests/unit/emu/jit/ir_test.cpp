#include "emu/jit/ir.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/jit/blocks.h"

namespace quire::jit {
namespace {

using test::recorded;

TEST(Ir, RecordsWhatTheBodiesSay) {
  EXPECT_EQ(to_text(recorded("add a0, a1, a2\n lw a3, 8(a0)\n beqz a3, .+64")),
            "0: add\n"
            "    v0 = GetX x11\n"
            "    v1 = GetX x12\n"
            "    v2 = Add v0, v1\n"
            "    SetX x10 v2\n"
            "1: lw\n"
            "    v4 = GetX x10\n"
            "    v5 = Add v4, 8\n"
            "    v6 = Load.4 v5\n"
            "    v7 = Sext.32 v6\n"
            "    SetX x13 v7\n"
            "2: beq\n"
            "    v9 = GetX x13\n"
            "    v10 = Eq v9, 0\n"
            "    Branch +70 v10\n");
}

TEST(Ir, ABranchInTheMiddleLeavesWhereItGoesTheOtherWay) {
  EXPECT_EQ(to_text(recorded("bltu a0, a1, .+64\n j .+16")),
            "0: bltu\n"
            "    v0 = GetX x10\n"
            "    v1 = GetX x11\n"
            "    v2 = LtU v0, v1\n"
            "    BranchOut +64 v2\n"
            "1: jal\n"
            "    v4 = PageBase\n"
            "    v5 = Add 262, v4\n"
            "    Jump +20\n");
  EXPECT_EQ(to_text(test::recorded_at("bltu a0, a1, .+64\n j .+16", {0, 64})),
            "0: bltu\n"
            "    v0 = GetX x10\n"
            "    v1 = GetX x11\n"
            "    v2 = LtU v0, v1\n"
            "    v3 = Xor v2, 1\n"
            "    BranchOut +4 v3\n"
            "1: jal\n"
            "    v5 = PageBase\n"
            "    v6 = Add 322, v5\n"
            "    Jump +80\n");
}

TEST(Ir, JumpsInTheMiddleLeaveNothingButTheLink) {
  EXPECT_EQ(to_text(test::recorded_at("jal ra, .-64\n ret\n ecall", {0, -64, 4})),
            "0: jal\n"
            "    v0 = PageBase\n"
            "    v1 = Add 260, v0\n"
            "    SetX x1 v1\n"
            "1: jalr\n"
            "    v3 = GetX x1\n"
            "    v4 = Add v3, 0\n"
            "    v5 = And v4, -2\n"
            "    v6 = PageBase\n"
            "    v7 = Add 194, v6\n"
            "2: ecall\n"
            "    Ecall\n");
}

TEST(Ir, KnowsTheBytesOfItsPageInOrder) {
  EXPECT_EQ(recorded("addi a0, a0, 1\n j .+64").ranges(), (ByteRanges{{0x100, 0x104}}));
  EXPECT_EQ(test::recorded_at("jal ra, .-64\n ret\n ecall", {0, -64, 4}).ranges(),
            (ByteRanges{{0x100, 0x104}, {0xc0, 0xc2}, {0x104, 0x108}}));
}

TEST(Ir, WritesToTheZeroRegisterAreNotRecorded) {
  EXPECT_EQ(test::count(recorded("add zero, a1, a2\n j ."), IrOp::kSetX), 0u);
}

TEST(Ir, WhatCannotBeRecordedIsACall) {
  const Ir ir = recorded("amomin.w a0, a1, (a2)\n fmin.d fa0, fa1, fa2\n csrr a0, mstatus");
  EXPECT_EQ(to_text(ir),
            "0: amomin_w\n"
            "    Call\n"
            "1: fmin_d\n"
            "    Call\n"
            "2: csrrs\n"
            "    Call\n"
            "    FallThrough\n");
}

TEST(Ir, SystemInstructionsLeaveTheBlock) {
  EXPECT_EQ(recorded("ecall").nodes.back().op, IrOp::kEcall);
  EXPECT_EQ(recorded("sret").nodes.back().op, IrOp::kSret);
  EXPECT_EQ(recorded("mret").nodes.back().op, IrOp::kCallAndLeave);
  EXPECT_EQ(recorded("fence.i").nodes.back().op, IrOp::kCallAndLeave);
  EXPECT_EQ(recorded(".word 0").nodes.back().op, IrOp::kCallAndLeave);
}

TEST(Ir, CsrsOfTheWayIntoAKernelAreInTheBlock) {
  EXPECT_EQ(to_text(recorded("csrrw sp, sscratch, sp\n csrci sstatus, 2")),
            "0: csrrw\n"
            "    v0 = GetX x2\n"
            "    CheckSupervisor\n"
            "    v2 = GetCsr 0x140\n"
            "    SetCsr 0x140 v0\n"
            "    SetX x2 v2\n"
            "1: csrrci\n"
            "    CheckSupervisor\n"
            "    v6 = GetCsr 0x100\n"
            "    ClearStatusBits 2\n"
            "    FallThrough\n");
}

TEST(Ir, AtomicsAreInTheBlock) {
  EXPECT_EQ(to_text(recorded("lr.w a0, (a1)\n sc.d a2, a3, (a4)\n amoor.d a5, a6, (a7)")),
            "0: lr_w\n"
            "    v0 = GetX x11\n"
            "    v1 = LoadReserved.4 v0\n"
            "    v2 = Sext.32 v1\n"
            "    SetX x10 v2\n"
            "1: sc_d\n"
            "    v4 = GetX x14\n"
            "    v5 = GetX x13\n"
            "    v6 = StoreConditional.8 v4, v5\n"
            "    SetX x12 v6\n"
            "2: amoor_d\n"
            "    v8 = GetX x17\n"
            "    v9 = GetX x16\n"
            "    v10 = Amo.4.8 v8, v9\n"
            "    SetX x15 v10\n"
            "    FallThrough\n");
}

/// A block of one instruction, to be spoilt.
Ir sound() { return recorded("ld a0, 0(a1)\n j ."); }

TEST(IrCheck, IsSilentAboutEveryInstruction) {
  EXPECT_EQ(check(sound()), "");
  EXPECT_EQ(check(recorded("fld fa0, 8(a0)\n fmadd.s fa0, fa1, fa2, fa3\n rorw a0, a1, a2\n jalr ra, 4(ra)")),
            "");
}

TEST(IrCheck, TellsUsesBeforeTheirDefinition) {
  Ir ir = sound();
  ir.nodes[1].operand[0] = Ref::to_value(2);
  EXPECT_NE(check(ir).find("used before it is defined"), std::string::npos) << check(ir);
}

TEST(IrCheck, TellsOperandsWithoutValue) {
  Ir ir = recorded("add a0, a1, a2\n add a0, a1, a2\n j .");
  ir.nodes[6].operand[0] = Ref::to_value(3);  // a SetX
  EXPECT_NE(check(ir).find("no value"), std::string::npos) << check(ir);
}

TEST(IrCheck, TellsMissingAndSurplusOperands) {
  Ir ir = sound();
  ir.nodes[1].operand[1] = {};
  EXPECT_NE(check(ir).find("takes 2 operands"), std::string::npos) << check(ir);
}

TEST(IrCheck, TellsRegistersThereAreNot) {
  Ir ir = sound();
  ir.nodes[0].imm = 32;
  EXPECT_NE(check(ir).find("no register 32"), std::string::npos) << check(ir);
}

TEST(IrCheck, TellsCallsAfterAWrite) {
  Ir ir = sound();
  std::swap(ir.nodes[2], ir.nodes[3]);
  ir.nodes[2].operand[0] = Ref::to_value(1);
  EXPECT_NE(check(ir).find("may call after"), std::string::npos) << check(ir);
}

TEST(IrCheck, TellsWaysOutOfTheLastInstruction) {
  Ir ir = recorded("beqz a0, .+64\n j .");
  ir.insns.pop_back();
  ir.nodes.pop_back();
  EXPECT_NE(check(ir).find("leaves where nothing follows"), std::string::npos) << check(ir);
}

TEST(IrCheck, TellsBlocksWithoutAnEndAndWithTwo) {
  Ir ir = sound();
  ir.nodes.pop_back();
  EXPECT_NE(check(ir).find("does not end"), std::string::npos) << check(ir);
  ir = sound();
  ir.nodes.push_back(ir.nodes.back());
  EXPECT_NE(check(ir).find("too early"), std::string::npos) << check(ir);
}

}  // namespace
}  // namespace quire::jit
