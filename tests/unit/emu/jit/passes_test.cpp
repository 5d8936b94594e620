#include "emu/jit/passes.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/jit/blocks.h"

namespace quire::jit {
namespace {

Ir optimized(const std::string& source) {
  Ir ir = test::recorded(source);
  optimize(ir);
  EXPECT_EQ(check(ir), "") << to_text(ir);
  return ir;
}
std::string text(const std::string& source) { return to_text(optimized(source)); }

TEST(Passes, ConstantsAreFoldedAcrossInstructions) {
  EXPECT_EQ(text("lui a0, 0x12345\n addi a0, a0, 0x678\n j .+32"),
            "1: addi\n"
            "    SetX x10 0x12345678\n"
            "2: jal\n"
            "    Jump +40\n");
}

TEST(Passes, AddressesRelativeToThePcAreOneSum) {
  EXPECT_EQ(text("auipc a0, 1\n ld a1, 16(a0)\n j .+32"),
            "0: auipc\n"
            "    v0 = PageBase\n"
            "    v1 = Add v0, 0x1100\n"
            "    SetX x10 v1\n"
            "1: ld\n"
            "    v3 = Add v0, 0x1110\n"
            "    v4 = Load.8 v3\n"
            "    SetX x11 v4\n"
            "2: jal\n"
            "    Jump +38\n");
}

TEST(Passes, ExtensionsBecomePartOfTheLoad) {
  const Ir ir = optimized("lb a0, 0(a1)\n lhu a2, 0(a1)\n ret");
  EXPECT_EQ(test::count(ir, IrOp::kLoadSigned), 1u);
  EXPECT_EQ(test::count(ir, IrOp::kSext), 0u);
}

TEST(Passes, PairsOfShiftsAreExtensions) {
  const Ir ir = optimized("slli a0, a1, 32\n srli a0, a0, 32\n ret");
  EXPECT_EQ(test::count(ir, IrOp::kZext), 1u);
  EXPECT_EQ(test::count(ir, IrOp::kShrU), 0u);
}

TEST(Passes, AValueIsNotUsedOnceNoRegisterHoldsIt) {
  // The sum of both immediates would need the old a0.
  EXPECT_EQ(text("addi a0, a0, 4\n addi a1, a0, 8\n j .+32"),
            "0: addi\n"
            "    v0 = GetX x10\n"
            "    v1 = Add v0, 4\n"
            "    SetX x10 v1\n"
            "1: addi\n"
            "    v3 = Add v1, 8\n"
            "    SetX x11 v3\n"
            "2: jal\n"
            "    Jump +38\n");
}

TEST(Passes, WritesOfWhatIsThereAreDropped) {
  EXPECT_EQ(test::count(optimized("mv a0, a0\n j ."), IrOp::kSetX), 0u);
}

TEST(Passes, OverwrittenRegistersAreWrittenOnce) {
  EXPECT_EQ(test::count(optimized("li a0, 1\n li a0, 2\n j ."), IrOp::kSetX), 1u);
}

TEST(Passes, RegistersAreWrittenBeforeACallCanSeeThem) {
  EXPECT_EQ(test::count(optimized("li a0, 1\n ld a1, 0(a2)\n li a0, 2\n j ."), IrOp::kSetX), 3u);
}

TEST(Passes, NothingIsKnownAfterACall) {
  const Ir ir = optimized("li a0, 1\n amomax.d a0, a1, (a2)\n addi a0, a0, 1\n j .");
  EXPECT_EQ(test::count(ir, IrOp::kGetX), 1u);
  EXPECT_EQ(test::count(ir, IrOp::kAdd), 1u);
}

TEST(Passes, BranchesOnConstantsAreDecided) {
  EXPECT_EQ(optimized("beqz zero, .+16").nodes.back().op, IrOp::kJump);
  EXPECT_EQ(optimized("bnez zero, .+16").nodes.back().op, IrOp::kFallThrough);
  EXPECT_EQ(optimized("bgeu a0, zero, .+16").nodes.back().op, IrOp::kBranch);
}

TEST(Passes, RegistersAreWrittenBeforeAWayOutAndKnownBehindIt) {
  EXPECT_EQ(text("li a0, 1\n beqz a1, .+64\n addi a0, a0, 1\n j .+32"),
            "0: addi\n"
            "    SetX x10 1\n"
            "1: beq\n"
            "    v1 = GetX x11\n"
            "    v2 = Eq v1, 0\n"
            "    BranchOut +66 v2\n"
            "2: addi\n"
            "    SetX x10 2\n"
            "3: jal\n"
            "    Jump +38\n");
}

TEST(Passes, WaysOutThatAreNeverTakenAreDropped) {
  const Ir ir = optimized("bnez zero, .+64\n addi a0, a0, 1\n j .+32");
  EXPECT_EQ(test::count(ir, IrOp::kBranchOut), 0u);
  EXPECT_EQ(ir.nodes.front().op, IrOp::kGetX);
}

TEST(Passes, OppositeComparisonsAreComparisons) {
  const Ir ir = optimized("bne a0, a1, .+16");
  EXPECT_EQ(test::count(ir, IrOp::kNe), 1u);
  EXPECT_EQ(test::count(ir, IrOp::kXor), 0u);
}

}  // namespace
}  // namespace quire::jit
