#include "emu/jit/switches.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "quire/error.h"
#include "tests/unit/emu/jit/blocks.h"

namespace quire::jit {
namespace {

Switches off(const char* name) { return Switches::off({name}); }

/// Instructions of a block that are calls when `name` is off, by place.
std::vector<unsigned> called(const char* name, const std::string& source) {
  Ir ir = test::recorded(source);
  ir = record(Isa{}, 0x100, std::move(ir.insns), off(name));
  EXPECT_EQ(check(ir), "") << to_text(ir);
  std::vector<unsigned> result;
  for (const Node& node : ir.nodes) {
    if ((info(node.op).effects & kCalls) != 0) result.push_back(node.guest);
  }
  return result;
}
using Places = std::vector<unsigned>;

TEST(Switches, InstructionsOfAGroupThatIsOffAreCalls) {
  constexpr const char* kSource =
      ".option norvc\n add a0, a1, a2\n mul a3, a4, a5\n fadd.s fa0, fa1, fa2\n fadd.d fa3, fa4, fa5\n"
      "amoadd.w a0, a1, (a2)\n sh1add a0, a1, a2\n clz a0, a1\n csrrw a0, sscratch, a1\n beqz a0, .+32";
  EXPECT_EQ(called("i", kSource), (Places{0, 8}));
  EXPECT_EQ(called("m", kSource), (Places{1}));
  EXPECT_EQ(called("f", kSource), (Places{2}));
  EXPECT_EQ(called("d", kSource), (Places{3}));
  EXPECT_EQ(called("a", kSource), (Places{4}));
  EXPECT_EQ(called("zba", kSource), (Places{5}));
  EXPECT_EQ(called("zbb", kSource), (Places{6}));
  EXPECT_EQ(called("zicsr", kSource), (Places{7}));
  EXPECT_EQ(called("zbs", kSource), (Places{}));
}

TEST(Switches, OneOfTwoExtensionsIsEnough) {
  EXPECT_EQ(called("zbb", "andn a0, a1, a2\n ret"), (Places{0}));
  EXPECT_EQ(called("zbkb", "andn a0, a1, a2\n ret"), (Places{0}));
}

TEST(Switches, WaysOfAccessAndControlAreCallsWhateverTheirExtension) {
  constexpr const char* kSource =
      ".option norvc\n ld a0, 0(a1)\n flw fa0, 0(a1)\n sd a0, 0(a1)\n fsd fa0, 0(a1)\n bnez a0, .+16";
  EXPECT_EQ(called("loads", kSource), (Places{0, 1}));
  EXPECT_EQ(called("stores", kSource), (Places{2, 3}));
  EXPECT_EQ(called("branches", kSource), (Places{4}));
  EXPECT_EQ(called("jumps", "nop\n jal ra, .+64"), (Places{1}));
  EXPECT_EQ(called("jumps", "nop\n jr a0"), (Places{1}));
}

TEST(Switches, TrapsThatAreOffLeaveGeneratedCode) {
  for (const char* name : {"traps", "i"}) {
    Ir ir = test::recorded("ecall");
    EXPECT_EQ(ir.nodes.back().op, IrOp::kEcall);
    ir = record(Isa{}, 0x100, std::move(ir.insns), off(name));
    EXPECT_EQ(ir.nodes.back().op, IrOp::kCallAndLeave) << name;
  }
}

TEST(Switches, CompressedInstructionsAreToldByTheirLength) {
  EXPECT_EQ(called("c", "c.addi a0, 1\n .option norvc\n addi a0, a0, 1\n ret"), (Places{0}));
}

TEST(Switches, EveryNameTurnsSomethingOffAndOthersAreRefused) {
  const std::vector<std::string> names = Switches::names();
  for (const char* name : {"i", "c", "zbkb", "priv", "loads", "links", "neighbours"}) {
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  }
  EXPECT_EQ(std::find(names.begin(), names.end(), "svade"), names.end()) << "has no instructions";
  EXPECT_TRUE(Switches::off(names).has_off(Part::kLinks));
  EXPECT_FALSE(off("i").has_off(Part::kLinks));
  try {
    off("svade");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(std::string(error.what()).find("the translator has no 'svade' to turn off; there are i, m, a"),
              0u);
  }
}

}  // namespace
}  // namespace quire::jit
