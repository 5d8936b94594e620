#include "emu/hart/insn_log.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace quire {
namespace {

using Places = std::vector<std::pair<u64, u64>>;  // icount, pc

struct Taker final : InsnSink {
  Places taken;
  void on_insns(std::span<const InsnPlace> insns) override {
    for (const InsnPlace& insn : insns) taken.emplace_back(insn.icount, insn.pc);
  }
};

struct InsnLogTest : testing::Test {
  Taker taker;
  InsnLog log{taker};
  /// Lengths 4, 2, 4, 2 ...
  std::vector<Insn> insns = [] {
    std::vector<Insn> made(8);
    for (usize i = 1; i < made.size(); i += 2) made[i].length = 2;
    return made;
  }();
};

TEST_F(InsnLogTest, TellsAsManyOfABlockAsTheCountWentOn) {
  log.block(10, 0x100, insns.data(), 4);
  log.block(12, 0x200, insns.data(), 4);  // the one before was left half-way
  log.settle(15);
  EXPECT_EQ(taker.taken, (Places{{10, 0x100}, {11, 0x104}, {12, 0x200}, {13, 0x204}, {14, 0x206}}));
  log.settle(20);
  EXPECT_EQ(taker.taken.size(), 5U);
}

TEST_F(InsnLogTest, GoesOnWithinABlockOfWhichAPartHasBeenTold) {
  log.block(10, 0x100, insns.data(), 6);
  log.settle_so_far(12);
  EXPECT_EQ(taker.taken, (Places{{10, 0x100}, {11, 0x104}}));
  log.settle_so_far(12);
  log.settle_so_far(13);
  log.settle(16);
  EXPECT_EQ(taker.taken,
            (Places{{10, 0x100}, {11, 0x104}, {12, 0x106}, {13, 0x10a}, {14, 0x10c}, {15, 0x110}}));
}

TEST_F(InsnLogTest, TheRestOfABlockIsNoneWhereAnotherBegins) {
  log.block(10, 0x100, insns.data(), 6);
  log.settle_so_far(12);
  log.block(12, 0x300, insns.data(), 2);
  log.one(14, 0x400);
  log.settle_so_far(14);
  log.settle(15);
  EXPECT_EQ(taker.taken, (Places{{10, 0x100}, {11, 0x104}, {12, 0x300}, {13, 0x304}, {14, 0x400}}));
}

TEST_F(InsnLogTest, ForgetsWhatIsOfAStateThatIsGone) {
  log.block(10, 0x100, insns.data(), 6);
  log.settle_so_far(11);
  log.forget();
  log.settle(16);
  EXPECT_EQ(taker.taken, (Places{{10, 0x100}}));
}

}  // namespace
}  // namespace quire
