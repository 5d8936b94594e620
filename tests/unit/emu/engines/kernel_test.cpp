// A small kernel and its user program, which go from mode to mode as often as they can; part of the tests of
// each engine (engine_under_test.h). The reference is the same without blocks, instruction by instruction.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "emu/hart/csr.h"
#include "emu/hart/envcfg.h"
#include "emu/hart/observer.h"
#include "tests/unit/emu/engines/board.h"

namespace quire {
namespace {

using namespace test;

constexpr u64 kFirmware = 0x100;
constexpr u64 kHandler = 0x200;
constexpr u64 kUserCode = 0x1000;
constexpr u64 kUserData = 0x2000;
constexpr u64 kKernelPage = 0x3000;

// System calls that clear SUM and FS as Linux does, look at the user's memory with SUM, and now and then
// without it, raise an interrupt for the way back, and ask the firmware; user code with faults and floating
// point whose state the kernel has called off, clean or dirty.
constexpr const char* kProgram = R"(
    .option norvc
    .org 0x100
    csrw mscratch, t5
    csrr t5, mepc
    addi t5, t5, 4
    csrw mepc, t5
    csrr t5, mscratch
    mret
    .org 0x200
    csrr t1, sstatus
    andi t1, t1, 0x100
    bnez t1, nested
    csrrw tp, sscratch, tp
    csrr s6, scause
    bltz s6, interrupt
    li t0, 0x46000
    csrrc s7, sstatus, t0
    csrr s5, sepc
    li t1, 8
    bne s6, t1, fault
    addi s8, s8, 1
    li t0, 0x40000
    csrs sstatus, t0
    ld t2, 8(s0)
    addi t2, t2, 3
    sd t2, 8(s0)
    csrc sstatus, t0
    sd s8, 0(s1)
    cbo.zero (s2)
    andi t1, s8, 7
    bnez t1, done
    ld t3, 8(s0)
    csrsi sip, 2
    ecall
    li t0, 0x2000
    xor s7, s7, t0
    j done
fault:
    li t0, 0x6000
    or s7, s7, t0
done:
    addi s5, s5, 4
    csrw sepc, s5
    csrw sstatus, s7
    csrrw tp, sscratch, tp
    sret
nested:
    csrr t3, sepc
    addi t3, t3, 4
    csrw sepc, t3
    sret
interrupt:
    csrci sip, 2
    addi s9, s9, 1
    csrrw tp, sscratch, tp
    sret
    .org 0x1000
loop:
    addi a1, a1, 1
    sd a1, 0(s0)
    fsd ft0, 16(s0)
    cbo.zero (s3)
    sd a1, 0(s3)
    ecall
    andi t1, a1, 3
    bnez t1, loop
    fadd.d ft1, ft0, ft1
    ld t2, 0(s1)
    sd t2, 0(s1)
    j loop
)";

const std::vector<u8>& program() {
  static const std::vector<u8> code = assemble(kProgram);
  return code;
}

struct KernelBoard : Board {
  explicit KernelBoard(const TlbConfig& tlb = {}) : Board(program(), tlb) {
    PageTables tables(ram);
    tables.map(0, kRam, kAll & ~u64{kPteUser});
    tables.map(kUserCode, kRam + kUserCode, kAll);
    tables.map(kUserData, kRam + kUserData, kAll);
    tables.map(kKernelPage, kRam + kKernelPage, kKernelData);
    const std::pair<Csr, u64> csrs[] = {{Csr::mtvec, kRam + kFirmware},
                                        {Csr::stvec, kHandler},
                                        {Csr::medeleg, 0xb17d},
                                        {Csr::mideleg, 2},
                                        {Csr::mie, 2},
                                        {Csr::menvcfg, kEnvcfgCbze},
                                        {Csr::senvcfg, kEnvcfgCbze},
                                        {Csr::mstatus, 0x6000},
                                        {Csr::satp, tables.satp(3).raw}};
    for (const auto& [csr, value] : csrs) hart().write_csr(number_of(csr), value);
    const std::pair<unsigned, u64> registers[] = {
        {8, kUserData}, {9, kKernelPage}, {18, kKernelPage + 0x40}, {19, kUserData + 0x40}};
    for (const auto& [r, value] : registers) state().x[r] = value;
    state().privilege = Privilege::kUser;
    state().mstatus |= kStatusSie;
    state().pc = kUserCode;
    hart().sync();
  }
  /// And what the TLB counted.
  std::vector<u64> everything() {
    std::vector<u64> out = Board::everything();
    const TlbStats& stats = hart().mmu().tlb().stats();
    out.insert(out.end(), {stats.hits, stats.misses, stats.walks});
    return out;
  }
};

TEST(Kernel, IsEnteredAndLeftAtEveryCountAsBySingleSteps) {
  KernelBoard reference;
  KernelBoard sliced;
  for (u64 count = 1; count < 30'000; count = count < 3000 ? count + 1 : count + 37) {
    reference.step(count);
    ASSERT_EQ(sliced.run(count), RunExit::kCount);
    ASSERT_EQ(sliced.state().pc, reference.state().pc) << count;
    if (count % 10 == 0) {
      ASSERT_EQ(sliced.everything(), reference.everything()) << count;
    }
  }
  EXPECT_EQ(sliced.everything(), reference.everything());
  EXPECT_GT(sliced.state().interrupt_count, 30u);
  EXPECT_GT(sliced.state().page_fault_count, 100u);
}

class KernelSlicing : public testing::TestWithParam<TlbConfig> {};

TEST_P(KernelSlicing, ChangesNothing) {
  constexpr u64 kEnd = 200'000;
  KernelBoard whole(GetParam());
  whole.run(kEnd);
  KernelBoard stepped(GetParam());
  stepped.step(kEnd);
  ASSERT_EQ(whole.everything(), stepped.everything());
  std::mt19937_64 random(7);
  KernelBoard cut(GetParam());
  while (cut.state().icount < kEnd) {
    cut.run(std::min(kEnd, cut.state().icount + 1 + random() % (random() % 7 == 0 ? 5000 : 90)));
  }
  ASSERT_EQ(cut.everything(), whole.everything());
}

INSTANTIATE_TEST_SUITE_P(Tlbs, KernelSlicing,
                         testing::Values(TlbConfig{}, TlbConfig{2, 1, TlbPolicy::kDefault},
                                         TlbConfig{8, 8, TlbPolicy::kLru}));

struct TrapCounter final : HartObserver {
  u64 traps = 0;
  u64 returns = 0;
  void on_begin(const Insn& insn) override { returns += insn.op == Op::sret ? 1 : 0; }
  void on_end(const Insn&) override {}
  void on_access(Access, u64, unsigned, u64) override {}
  void on_trap(u64, u64, Privilege, u64) override { ++traps; }
};

TEST(Kernel, AnObserverThatComesLateIsToldOfEachTrapAndReturn) {
  KernelBoard board;
  const auto traps = [&] { return board.state().trap_count + board.state().interrupt_count; };
  TrapCounter counter;
  for (u64 end = 10'000; end <= 100'000; end += 20'000) {
    board.run(end);
    const u64 before = traps();
    counter = {};
    board.hart().set_observer(&counter, Hart::Observe::kSlowPath);
    board.run(end + 10'000);
    board.hart().set_observer(nullptr, Hart::Observe::kSlowPath);
    EXPECT_GT(counter.traps, 300u);
    EXPECT_EQ(counter.traps, traps() - before);
    EXPECT_NEAR(static_cast<double>(counter.returns), static_cast<double>(counter.traps), 40);
  }
}

TEST(Kernel, ABreakpointAtTheHandlerStopsAtEachTrap) {
  KernelBoard board;
  board.run(20'000);
  board.engine->set_breakpoints({kHandler});
  const u64 before = board.state().trap_count + board.state().interrupt_count;
  u64 stops = 0;
  u64 firmware_calls = 0;
  for (u64 calls = board.state().x[24]; stops < 300; ++stops) {
    ASSERT_EQ(board.run(1'000'000), RunExit::kBreakpoint);
    EXPECT_EQ(board.state().pc, kHandler);
    firmware_calls += board.state().x[24] / 8 - calls / 8;
    calls = board.state().x[24];
  }
  const u64 taken = board.state().trap_count + board.state().interrupt_count - before;
  EXPECT_LE(stops, taken);
  EXPECT_LE(taken - stops, firmware_calls + 1);
}

TEST(Kernel, ABlockIsZeroedWhereTheModeMayAndElseIllegal) {
  KernelBoard board;
  board.run(20'000);
  const u64 traps = board.state().trap_count;
  const u64 calls = board.state().x[24];
  board.hart().write_csr(number_of(Csr::senvcfg), 0);
  board.run(21'000);
  KernelBoard stepped;
  stepped.step(20'000);
  stepped.hart().write_csr(number_of(Csr::senvcfg), 0);
  stepped.step(21'000);
  EXPECT_EQ(board.everything(), stepped.everything());
  EXPECT_GT(board.state().trap_count - traps, 2 * (board.state().x[24] - calls));
}

}  // namespace
}  // namespace quire
