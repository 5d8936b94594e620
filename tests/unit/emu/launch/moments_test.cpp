#include "quire/moments.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;
using Bank = LivenessProbe::Bank;
using Next = LivenessProbe::Next;

constexpr std::uint64_t kData = kRam + 0x1000;

/// 0: auipc a0; 1: addi t0; 2: sd t0; 3: ld t1; 4: addi t0 (anew); 5: jump here.
Config program() {
  return config_for(BootMode::kBare, {auipc(a0, 1), addi(t0, zero, 7), sd(t0, a0, 0), ld(t1, a0, 0),
                                      addi(t0, zero, 9), jump(0)});
}

TEST(MomentFinder, FindsInstructionsBeforeAndStoresAfterThem) {
  Machine machine(program());
  const MomentFinder pcs(machine, {kRam + 4, kRam + 20}, {}, std::nullopt);
  const MomentFinder writes(machine, {}, {{kData + 4, 1, WatchKind::kWrite}}, std::nullopt);
  const MomentFinder reads(machine, {}, {{kData, 8, WatchKind::kRead}}, std::nullopt);
  const MomentFinder beside(machine, {}, {{kData + 8, 8, WatchKind::kAccess}}, std::nullopt);
  const MomentFinder other_space(machine, {kRam + 4}, {}, 0x8000'0000'0000'0001);
  machine.run({.max_insns = 8});
  EXPECT_EQ(pcs.moments(), (std::vector<std::uint64_t>{1, 5, 6, 7}));
  EXPECT_EQ(writes.moments(), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(reads.moments(), (std::vector<std::uint64_t>{3}));
  EXPECT_TRUE(beside.moments().empty());
  EXPECT_TRUE(other_space.moments().empty());
}

struct Expected {
  LivenessProbe::Query query;
  Next next;
  std::uint64_t icount;
};

TEST(LivenessProbe, TellsReadsFromOverwritesAndFromNothing) {
  const std::vector<Expected> cases = {
      {{Bank::kX, t0, 0}, Next::kOverwritten, 1},   {{Bank::kX, t0, 1}, Next::kOverwritten, 1},
      {{Bank::kX, t0, 2}, Next::kRead, 2},          {{Bank::kX, t0, 3}, Next::kOverwritten, 4},
      {{Bank::kX, t0, 5}, Next::kNone, 0},          {{Bank::kX, a0, 1}, Next::kRead, 2},
      {{Bank::kX, a1, 0}, Next::kNone, 0},          {{Bank::kRam, kData, 0}, Next::kOverwritten, 2},
      {{Bank::kRam, kData + 7, 3}, Next::kRead, 3}, {{Bank::kRam, kData + 8, 0}, Next::kNone, 0},
      {{Bank::kRam, kRam + 8, 0}, Next::kRead, 2},  // an instruction
      {{Bank::kRam, kRam + 8, 3}, Next::kNone, 0},  {{Bank::kF, 1, 0}, Next::kNone, 0}};
  std::vector<LivenessProbe::Query> queries;
  for (const Expected& one : cases) queries.push_back(one.query);
  Machine machine(program());
  const LivenessProbe probe(machine, queries);
  machine.run({.max_insns = 8});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(probe.answers()[i].next, cases[i].next) << i;
    EXPECT_EQ(probe.answers()[i].icount, cases[i].icount) << i;
  }
}

TEST(LivenessProbe, ATrapReadsEveryRegister) {
  Machine machine(config_for(BootMode::kBare, {lui(a0, 1), ld(t1, a0, 0)}));  // nothing is at 0x1000
  const LivenessProbe probe(machine, {{Bank::kX, t1, 0}, {Bank::kF, 3, 0}});
  machine.run({.max_insns = 2});
  EXPECT_EQ(probe.answers()[0].next, Next::kRead);
  EXPECT_EQ(probe.answers()[0].icount, 1u);
  EXPECT_EQ(probe.answers()[1].next, Next::kRead);
}

TEST(LivenessProbe, AWalkReadsItsEntries) {
  // One gigapage of RAM onto itself, in a table of its own; then S-mode under it.
  constexpr std::uint64_t kTable = kRam + 0x2000;
  Machine machine(config_for(BootMode::kSupervisor, {csrrw(zero, 0x180, a2), ld(t1, a3, 0), jump(0)}));
  std::uint8_t entry[8];
  const std::uint64_t leaf = (kRam >> 12) << 10 | arch::kPteValid | arch::kPteRead | arch::kPteWrite |
                             arch::kPteExecute | arch::kPteAccessed | arch::kPteDirty;
  std::memcpy(entry, &leaf, sizeof leaf);
  machine.memory().write(kTable + 2 * 8, entry);
  machine.hart().set_x(a2, std::uint64_t{8} << 60 | kTable >> 12);
  machine.hart().set_x(a3, kRam);
  const LivenessProbe probe(machine, {{Bank::kRam, kTable + 2 * 8, 0}, {Bank::kRam, kTable + 3 * 8, 0}});
  machine.run({.max_insns = 3});
  EXPECT_EQ(machine.hart().privilege(), arch::Privilege::kSupervisor);
  EXPECT_EQ(probe.answers()[0].next, Next::kRead);
  EXPECT_EQ(probe.answers()[1].next, Next::kNone);
}

}  // namespace
}  // namespace quire
