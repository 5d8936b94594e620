// However a run is cut, by counts or by breakpoints, it is the same run; part of the tests of each engine
// (engine_under_test.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "emu/mem/observer.h"
#include "tests/unit/emu/engines/board.h"

namespace quire {
namespace {

using namespace test;

// Traps, page faults, stores, calls, loops over two pages, atomics and floating point, for ever; the tables
// at 1 MiB map the first 2 MiB at VA 0 with 4 KiB pages, A and D clear.
constexpr const char* kBusyProgram = R"(
    li t0, 0x80100000          # root, then two tables
    li t1, 0x20040401
    sd t1, 0(t0)
    li t0, 0x80101000
    li t1, 0x20040801
    sd t1, 0(t0)
    li t0, 0x80102000
    li t1, 0x2000000f          # V R W X of 0x80000000
    li t2, 512
fill:
    sd t1, 0(t0)
    addi t0, t0, 8
    addi t1, t1, 0x400
    addi t2, t2, -1
    bnez t2, fill
    sd zero, -8(t0)            # the last page is not there
    li t0, 0x80000200          # handler
    csrw mtvec, t0
    li t0, 1
    slli t0, t0, 63
    li t1, 0x80100
    or t0, t0, t1
    csrw satp, t0
    li t0, 0x2800
    csrs mstatus, t0           # MPP = S, FS
    li t0, 0x280               # the loop, as mapped
    csrw mepc, t0
    mret
    .org 0x200
    csrr t5, mepc
    addi t5, t5, 4
    csrw mepc, t5
    addi s11, s11, 1
    mret
    .org 0x280
    li s0, 0x10000
    li s1, 0
loop:
    andi t0, s1, 0xff
    slli t1, t0, 5
    add t1, t1, s0
    sd s1, 3(t1)               # misaligned, at times across pages
    ld t2, 3(t1)
    add s2, s2, t2
    li t3, 0x1ff000
    sw s1, 0(t3)               # faults
    amoadd.d t4, s1, (s0)
    lr.d t4, (s0)
    sc.d t6, s2, (s0)
    fcvt.d.l fa0, s1
    fadd.d fa1, fa1, fa0
    fdiv.d fa2, fa1, fa0
    mulhu s3, s2, s1
    divu s4, s2, s1
    jal ra, far
    ecall
    addi s1, s1, 1
    bnez s1, loop
    .org 0x1ffe - 1024
far:
    .rept 512
    c.addi s5, 1
    .endr
    .option norvc
    addi s5, s5, 1             # straddles two pages
    ret
)";

TEST(Engine, StopsExactlyAtEveryCountAndAgreesWithSingleSteps) {
  const std::vector<u8> code = assemble(kBusyProgram);
  Board reference(code);
  Board sliced(code);
  for (u64 count = 1; count < 12'000; count = count < 1000 ? count + 1 : count + 37) {
    reference.step(count);
    ASSERT_EQ(sliced.run(count), RunExit::kCount);
    ASSERT_EQ(sliced.state().icount, count);
    ASSERT_EQ(sliced.state().pc, reference.state().pc) << count;
  }
  EXPECT_EQ(sliced.everything(), reference.everything());
  EXPECT_GT(sliced.state().trap_count, 10u);
  EXPECT_GT(sliced.state().page_fault_count, 3u);
}

class Slicing : public testing::TestWithParam<TlbConfig> {};

TEST_P(Slicing, ChangesNothing) {
  const std::vector<u8> code = assemble(kBusyProgram);
  constexpr u64 kEnd = 300'000;
  Board whole(code, GetParam());
  whole.run(kEnd);
  for (unsigned seed = 1; seed <= 3; ++seed) {
    std::mt19937_64 random(seed);
    Board cut(code, GetParam());
    while (cut.state().icount < kEnd) {
      cut.run(std::min(kEnd, cut.state().icount + 1 + random() % (random() % 7 == 0 ? 5000 : 90)));
    }
    ASSERT_EQ(cut.everything(), whole.everything()) << "seed " << seed;
    EXPECT_EQ(cut.hart().mmu().tlb().stats().hits, whole.hart().mmu().tlb().stats().hits);
    EXPECT_EQ(cut.hart().mmu().tlb().stats().walks, whole.hart().mmu().tlb().stats().walks);
    EXPECT_EQ(cut.hart().mmu().tlb().stats().misses, whole.hart().mmu().tlb().stats().misses);
  }
}

/// Runs to `until`, over breakpoints; their stops by pc.
std::map<u64, unsigned> run_over_breakpoints(Board& board, u64 until, u64 slice) {
  std::map<u64, unsigned> stops;
  while (board.state().icount < until) {
    const RunExit exit = board.run(std::min(until, board.state().icount + slice));
    if (exit == RunExit::kBreakpoint) ++stops[board.state().pc];
  }
  return stops;
}

/// As one whose callbacks are told between two instructions.
struct ExitAtWalks final : MmuObserver {
  Hart& hart;
  u64 exits = 0;
  explicit ExitAtWalks(Hart& h) : hart(h) { hart.mmu().set_observer(this); }
  ~ExitAtWalks() override { hart.mmu().set_observer(nullptr); }
  void on_walk(const MemoryMode&, VirtAddr, Access, const PageWalk&) override {
    hart.request_exit();
    ++exits;
  }
  void on_fill(const TlbEntry&) override {}
  void on_evict(const TlbEntry&) override {}
  void on_fence(std::optional<VirtAddr>, std::optional<u16>) override {}
};

TEST_P(Slicing, ExitsForAnObserverOfWalksChangeNothing) {
  const std::vector<u8> code = assemble(kBusyProgram);
  constexpr u64 kEnd = 30'000;
  Board plain(code, GetParam());
  plain.run(kEnd);
  for (const u64 slice : {u64{1'000'000}, u64{777}, u64{50}, u64{1}}) {
    Board board(code, GetParam());
    const ExitAtWalks observer(board.hart());
    while (board.state().icount < kEnd && observer.exits < 10 * kEnd) {
      board.run(std::min(kEnd, board.state().icount + slice));
    }
    ASSERT_EQ(board.everything(), plain.everything()) << slice;
    EXPECT_EQ(board.hart().mmu().tlb().stats().walks, plain.hart().mmu().tlb().stats().walks) << slice;
    EXPECT_GT(observer.exits, 0u);
  }
}

// In the loop of kBusyProgram: in mid-block, after a store that faults, a jump's target, an instruction that
// straddles two pages, one at the start of a page, the handler; and one that shares its page offset alone.
const std::vector<u64> kBusyBreakpoints = {0x292, 0x2a0, 0x1bfe, 0x1ffe, 0x2002, kRam + 0x200, kRam + 0x1290};

TEST_P(Slicing, BreakpointsChangeNothing) {
  const std::vector<u8> code = assemble(kBusyProgram);
  constexpr u64 kEnd = 60'000;
  Board plain(code, GetParam());
  plain.run(kEnd);
  std::optional<std::map<u64, unsigned>> expected;
  for (const u64 slice : {u64{1'000'000}, u64{777}, u64{50}, u64{1}}) {
    Board board(code, GetParam());
    board.engine->set_breakpoints(kBusyBreakpoints);
    const auto stops = run_over_breakpoints(board, kEnd, slice);
    ASSERT_EQ(board.everything(), plain.everything()) << slice;
    EXPECT_EQ(board.hart().mmu().tlb().stats().hits, plain.hart().mmu().tlb().stats().hits);
    EXPECT_EQ(board.hart().mmu().tlb().stats().walks, plain.hart().mmu().tlb().stats().walks);
    if (!expected) expected = stops;
    EXPECT_EQ(stops, *expected) << slice;
  }
  EXPECT_GT((*expected)[0x292], 20u);
  EXPECT_EQ((*expected)[0x2a0], (*expected)[0x292]);  // the store before it traps, its handler comes back
  EXPECT_GE((*expected)[0x1ffe] + 1, (*expected)[0x1bfe]);
  EXPECT_GE((*expected)[0x2002] + 1, (*expected)[0x1bfe]);
  EXPECT_GT((*expected)[kRam + 0x200], 20u);
  EXPECT_EQ(expected->count(kRam + 0x1290), 0u);
}

TEST_P(Slicing, AStopAtABreakpointIsTheStateOfAStopAtItsCount) {
  const std::vector<u8> code = assemble(kBusyProgram);
  Board board(code, GetParam());
  board.engine->set_breakpoints(kBusyBreakpoints);
  for (unsigned stops = 0; stops < 40;) {
    if (board.run(1'000'000) != RunExit::kBreakpoint) continue;
    ++stops;
    Board limited(code, GetParam());
    limited.run(board.state().icount);
    ASSERT_EQ(board.everything(), limited.everything()) << std::hex << board.state().pc;
  }
}

INSTANTIATE_TEST_SUITE_P(Tlbs, Slicing,
                         testing::Values(TlbConfig{}, TlbConfig{1, 1, TlbPolicy::kDefault},
                                         TlbConfig{2, 1, TlbPolicy::kDefault},
                                         TlbConfig{8, 8, TlbPolicy::kLru}, TlbConfig{4, 2, TlbPolicy::kFifo},
                                         TlbConfig{16, 4, TlbPolicy::kRandom}));

TEST(Engine, BreakpointsStopBeforeTheInstructionAndOnceAtATime) {
  Board board(".option norvc\n loop: addi a0, a0, 1\n addi a1, a1, 1\n addi a2, a2, 1\n j loop\n");
  board.run(6);  // blocks exist already
  board.engine->set_breakpoints({kRam + 4});
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  EXPECT_EQ(board.state().pc, kRam + 4);
  EXPECT_EQ(board.state().icount, 9u);
  EXPECT_EQ(board.x(10), 3u);
  EXPECT_EQ(board.x(11), 2u);
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  EXPECT_EQ(board.state().icount, 13u);
  EXPECT_EQ(board.run(14), RunExit::kCount);
  EXPECT_EQ(board.run(17), RunExit::kCount);  // the limit comes first
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  EXPECT_EQ(board.state().icount, 17u);
  board.engine->set_breakpoints({});
  EXPECT_EQ(board.run(1000), RunExit::kCount);
  EXPECT_EQ(board.x(11), 250u);
}

TEST(Engine, BreakpointsHoldWhenTheirCodeIsWritten) {
  Board board(".option norvc\n loop: addi a0, a0, 1\n addi a1, a1, 1\n j loop\n");
  board.engine->set_breakpoints({kRam + 4});
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  board.ram.write(PhysAddr(kRam + 4), assemble(".option norvc\n addi a1, a1, 16\n"));
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  EXPECT_EQ(board.x(11), 16u);
}

TEST(Engine, StraddlingInstructionsAreKeptOnce) {
  // A TLB that must see every access lets no fast entry lead to the second page.
  Board board(assemble(kBusyProgram), {8, 8, TlbPolicy::kLru});
  board.run(100'000);
  const u64 before = board.engine->stats().blocks_built;
  board.run(300'000);
  EXPECT_LT(board.engine->stats().blocks_built - before, 50u);
}

}  // namespace
}  // namespace quire
