#include "emu/jit/block_path.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/isa/binutils.h"

namespace quire::jit {
namespace {

constexpr u64 kRam = 0x8000'0000;

/// A page of code with what is known of how it ran.
struct Code {
  Ram ram{PhysAddr(kRam), 2 * kPageBytes};
  Isa isa;
  HalfwordSet stops;
  Switches switches;
  TranslatedPage page{};
  const void* const translated = &page;

  explicit Code(const char* source, u16 offset = 0) {
    page.frame = kRam;
    ram.write(PhysAddr(kRam + offset), quire::test::assemble(std::string(".option norvc\n") + source));
  }
  /// Offsets of the instructions.
  std::vector<int> path(u16 offset = 0, const BranchProfile* profile = nullptr) const {
    std::vector<int> result;
    for (const SourceInsn& one : choose_path({ram, isa, stops, nullptr, switches}, page, offset, profile)) {
      result.push_back(offset + one.place);
    }
    return result;
  }
};
using Offsets = std::vector<int>;

TEST(BlockPath, GoesOnBehindABranch) {
  EXPECT_EQ(Code("beqz a0, .+64\n addi a1, a1, 1\n ecall").path(), (Offsets{0, 4, 8}));
}

TEST(BlockPath, FollowsABranchThatIsMostlyTaken) {
  Code code("beqz a0, 1f\n ecall\n 1: addi a1, a1, 1\n ecall");
  code.page.heat[0] = code.page.heat[8 / 2] = 8;
  EXPECT_EQ(code.path(), (Offsets{0, 8, 12}));
}

TEST(BlockPath, EndsWhereNeitherWayIsMuchUsed) {
  Code code("beqz a0, 1f\n addi a1, a1, 1\n 1: ecall");
  code.page.heat[0] = 8;
  code.page.heat[4 / 2] = 4;
  code.page.heat[8 / 2] = 4;
  EXPECT_EQ(code.path(), (Offsets{0}));
}

TEST(BlockPath, FollowsJumpsForwardsAndBack) {
  EXPECT_EQ(Code("1: addi a1, a1, 1\n ecall\n j 2f\n nop\n 2: j 1b").path(8), (Offsets{8, 16, 0, 4}));
}

TEST(BlockPath, EndsWithACallOrReturn) {
  EXPECT_EQ(Code("addi a0, a0, 1\n jal f\n f: ecall").path(), (Offsets{0, 4}));
  EXPECT_EQ(Code("addi a0, a0, 1\n ret\n ecall").path(), (Offsets{0, 4}));
}

TEST(BlockPath, ALoopIsGoneRoundOnce) {
  Code code("1: addi a0, a0, -1\n bnez a0, 1b\n ecall");
  code.page.heat[0] = 8;
  EXPECT_EQ(code.path(), (Offsets{0, 4}));
}

TEST(BlockPath, LeadsIntoCodeThereIsOnlyWhereABranchIsWatched) {
  Code code("beqz a0, 1f\n 1: addi a1, a1, 1\n j 2f\n ecall\n 2: ecall");
  code.page.code[16 / 2] = code.translated;
  EXPECT_EQ(code.path(), (Offsets{0, 4, 8}));
  const BranchProfile unknown;
  EXPECT_EQ(code.path(0, &unknown), (Offsets{0, 4, 8, 16}));
}

TEST(BlockPath, EndsWithTheBranchWhereCodeWasWrittenTo) {
  Code code("beqz a0, .+64\n addi a1, a1, 1\n ecall");
  code.page.generation = 1;
  EXPECT_EQ(code.path(), (Offsets{0}));
}

TEST(BlockPath, EndsWithTheBranchWhereThatIsSwitchedOff) {
  Code code("beqz a0, .+64\n addi a1, a1, 1\n ecall");
  for (const char* off : {"paths", "branches"}) {
    code.switches = Switches::off({off});
    EXPECT_EQ(code.path(), (Offsets{0})) << off;
  }
}

TEST(BlockPath, AProfileSaysMoreThanHeat) {
  Code code("beqz a0, 1f\n addi a1, a1, 1\n ecall\n 1: ecall");
  code.page.heat[0] = code.page.heat[4 / 2] = 8;
  BranchProfile profile;
  profile.note(0, true);
  EXPECT_EQ(code.path(0, &profile), (Offsets{0, 12}));
  profile.note(0, false);
  profile.note(0, false);
  EXPECT_EQ(code.path(0, &profile), (Offsets{0, 4, 8}));
}

TEST(BlockPath, EndsBeforeStopsAndWithThePage) {
  Code code("addi a0, a0, 1\n j 1f\n nop\n 1: addi a0, a0, 1\n ecall");
  code.stops.set(12 / 2);
  EXPECT_EQ(code.path(), (Offsets{0, 4}));
  EXPECT_EQ(code.path(12), Offsets{});
  EXPECT_EQ(Code("addi a0, a0, 1\n addi a0, a0, 1", kPageBytes - 4).path(kPageBytes - 4),
            (Offsets{kPageBytes - 4}));
  EXPECT_EQ(Code("addi a0, a0, 1", kPageBytes - 2).path(kPageBytes - 2), Offsets{});
}

TEST(BlockPath, StaysInItsPage) {
  EXPECT_EQ(Code("addi a0, a0, 1\n j .+4096").path(), (Offsets{0, 4}));
  EXPECT_EQ(Code("addi a0, a0, 1\n j .-16").path(), (Offsets{0, 4}));
}

}  // namespace
}  // namespace quire::jit
