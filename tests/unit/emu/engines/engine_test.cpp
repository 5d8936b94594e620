// What every engine owes (emu/hart/engine.h) besides: devices, interrupts, traps, reservations, protection,
// floating point; part of the tests of each, which say what make_engine_under_test() makes.
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "emu/hart/csr.h"
#include "tests/unit/emu/engines/board.h"

namespace quire {
namespace {

using namespace test;

TEST(Engine, HandlersDoNotGrowTheStack) {
  Board board("loop: addi a0, a0, 1\n addi a1, a1, 1\n ld a2, 0(sp)\n j loop\n");
  board.state().x[2] = kRam + 0x1000;
  board.run(8'000'000);  // 64 MiB of return addresses, were there any
  EXPECT_EQ(board.x(10), 2'000'000u);
}

TEST(Engine, AResultThatIsOverwrittenAtOnceHarmsNoCopyOfWhatWasThere) {
  // t0 and t3 hold the same; the load, each time from a page that no fast path knows yet, changes t0 alone.
  const std::string source =
      "li s0, 0x80002000\n li s1, 20\n li s3, 4096\n"
      "1: addi t0, s1, 100\n mv t3, t0\n lw t0, 0(s0)\n add t2, t3, t3\n li t0, 3\n"
      "add s2, s2, t2\n add s0, s0, s3\n addi s1, s1, -1\n bnez s1, 1b\n j .";
  Board stepped(source);
  Board run(source);
  stepped.step(180);
  run.run(180);
  EXPECT_EQ(run.x(18), stepped.x(18));
  EXPECT_EQ(run.everything(), stepped.everything());
}

TEST(Engine, DeviceStoreCanEndTheRunAfterItsInstruction) {
  Board board("li t0, 0x10000000\n nop\n sd zero, 0(t0)\n li a0, 1\n j .\n");
  u64 pc = 0, icount = 0;
  board.port.on_write = [&](u64) {
    pc = board.state().pc;
    icount = board.state().icount;
    board.hart().request_exit();
  };
  EXPECT_EQ(board.run(1000), RunExit::kRequest);
  EXPECT_EQ(icount + 1, board.state().icount);
  EXPECT_EQ(pc + 4, board.state().pc);
  EXPECT_EQ(board.x(10), 0u);
  EXPECT_EQ(board.run(1000), RunExit::kCount);
  EXPECT_EQ(board.x(10), 1u);
}

TEST(Engine, InterruptRaisedByAStoreIsTakenBeforeTheNextInstruction) {
  Board board("li t0, 0x10000000\n sd zero, 0(t0)\n li a0, 1\n j .\n");
  HartState& state = board.state();
  board.hart().write_csr(number_of(Csr::mtvec), kRam + 0x800);
  board.hart().write_csr(number_of(Csr::mie), 0x80);
  board.hart().write_csr(number_of(Csr::mstatus), kStatusMie);
  board.port.on_write = [&](u64) { board.hart().set_interrupt(Interrupt::kMachineTimer, true); };
  const std::vector<u8> spin = assemble("j .\n");
  board.ram.write(PhysAddr(kRam + 0x800), spin);
  board.run(100);
  EXPECT_EQ(state.interrupt_count, 1u);
  EXPECT_EQ(board.x(10), 0u);
  EXPECT_EQ(state.pc, kRam + 0x800);
  EXPECT_EQ(state.icount, 100u);
}

TEST(Engine, InterruptAtTheLimitIsLeftToTheNextRun) {
  Board board("loop: addi a0, a0, 1\n j loop\n");
  board.hart().write_csr(number_of(Csr::mtvec), kRam);
  board.hart().write_csr(number_of(Csr::mie), 0x80);
  board.hart().write_csr(number_of(Csr::mstatus), kStatusMie);
  board.run(10);
  board.hart().set_interrupt(Interrupt::kMachineTimer, true);
  EXPECT_EQ(board.run(10), RunExit::kCount);
  EXPECT_EQ(board.state().interrupt_count, 0u);
  board.run(11);
  EXPECT_EQ(board.state().interrupt_count, 1u);
}

TEST(Engine, WfiComesBackUntilSomethingIsPending) {
  Board board("wfi\n li a0, 1\n j .\n");
  board.hart().write_csr(number_of(Csr::mie), 0x80);
  EXPECT_EQ(board.run(100), RunExit::kWfi);
  EXPECT_EQ(board.state().icount, 1u);
  EXPECT_EQ(board.run(100), RunExit::kWfi);
  board.hart().set_interrupt(Interrupt::kMachineTimer, true);
  EXPECT_EQ(board.run(100), RunExit::kCount);
  EXPECT_EQ(board.x(10), 1u);
  EXPECT_EQ(board.state().interrupt_count, 0u);  // MIE is off
}

TEST(Engine, OtherThreadsCanEndARun) {
  Board board("j .\n");
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    board.hart().request_exit();
  });
  EXPECT_EQ(board.run(~u64{0}), RunExit::kRequest);
  other.join();
}

TEST(Engine, TrapInsideABlockCountsAndKeepsWhatCameBefore) {
  Board board("li a0, 1\n li a1, 2\n lw t0, 0(zero)\n li a0, 3\n");
  board.hart().write_csr(number_of(Csr::mtvec), kRam + 0x800);
  board.run(3);
  EXPECT_EQ(board.state().pc, kRam + 0x800);
  EXPECT_EQ(board.state().mepc, kRam + 4);  // both li are compressed
  EXPECT_EQ(board.x(10), 1u);
  EXPECT_EQ(board.x(11), 2u);
  EXPECT_EQ(board.state().trap_count, 1u);
}

TEST(Engine, ReservationsHoldOnTheFastPathAndOthersBreakThem) {
  Board board(R"(
    li t0, 0x80008000
    li t1, 0x10000000
    sd zero, 0(t0)
    lr.d a0, (t0)
    sc.d a1, t0, (t0)          # holds
    sc.d a2, zero, (t0)        # is gone
    lr.d a3, (t0)
    sd zero, 0(t1)             # a device writes there
    sc.d a4, zero, (t0)
    lr.w a5, (t0)
    sc.d a6, zero, (t0)        # of another size
    ld a7, 0(t0)
    j .
  )");
  board.port.on_write = [&](u64) {
    const std::vector<u8> bytes(1, 0x55);
    ASSERT_TRUE(board.bus.write(kRam + 0x8007, bytes));
  };
  board.run(100);
  EXPECT_EQ(board.x(11), 0u);
  EXPECT_EQ(board.x(12), 1u);
  EXPECT_EQ(board.x(13), kRam + 0x8000);
  EXPECT_EQ(board.x(14), 1u);
  EXPECT_EQ(board.x(16), 1u);
  EXPECT_EQ(board.x(17), (kRam + 0x8000) | u64{0x55} << 56);
}

TEST(Engine, CodeOnAPagePartlyProtectedRunsUpToWhatIsDenied) {
  // A loop in S-mode whose third round runs into a word that may not be fetched; M-mode's handler then allows
  // it.
  constexpr const char* kSource = R"(
    li t0, 0x80000200          # handler
    csrw mtvec, t0
    li t0, 0x80000320 >> 2     # denied
    csrw pmpaddr0, t0
    li t0, -1
    csrw pmpaddr1, t0
    li t0, 0x1f13              # 0: NA4 without X, 1: everything
    csrw pmpcfg0, t0
    li t0, 0x800
    csrs mstatus, t0
    li t0, 0x80000300          # loop
    csrw mepc, t0
    mret
    .org 0x200
    csrr s0, mcause
    csrr s1, mtval
    addi s2, s2, 1
    csrwi pmpcfg0, 0
    li t0, 0x1f00
    csrw pmpcfg0, t0
    mret
    .org 0x300
  loop:
    addi a0, a0, 1
    li t1, 3
    bltu a0, t1, loop
    .option norvc
    j denied
    .org 0x320
  denied:
    addi a1, a1, 1
    j loop
  )";
  Board blocks(kSource);
  Board steps(kSource);
  for (u64 count = 1; count < 80; ++count) {
    blocks.run(count);
    steps.step(count);
    ASSERT_EQ(blocks.everything(), steps.everything()) << count;
  }
  EXPECT_EQ(blocks.x(8), static_cast<u64>(Exception::kInsnAccessFault));
  EXPECT_EQ(blocks.x(18), 1u) << "one trap";
  EXPECT_EQ(blocks.x(9), kRam + 0x320);
  EXPECT_GT(blocks.x(11), 3u) << "and on behind it";
}

TEST(Engine, ExceptionsOfDevicesPassThroughAndTheRunCanGoOn) {
  Board board("li t0, 0x10000000\n loop: addi a0, a0, 1\n sd zero, 0(t0)\n j loop\n");
  int writes = 0;
  board.port.on_write = [&](u64) {
    if (++writes == 3) throw std::runtime_error("sink");
  };
  EXPECT_THROW(board.run(1000), std::runtime_error);
  EXPECT_EQ(board.x(10), 3u);
  EXPECT_EQ(board.run(1000), RunExit::kCount);
  EXPECT_EQ(board.state().icount, 1000u);
}

TEST(Engine, FloatingPointFlagsSurviveDevicesThatUseTheHosts) {
  Board board(R"(
    li t0, 0x6000
    csrs mstatus, t0
    li t0, 0x10000000
    li t1, 1
    fcvt.d.l fa0, t1
    li t1, 3
    fcvt.d.l fa1, t1
    sd zero, 0(t0)
    csrr a0, fflags
    fdiv.d fa2, fa0, fa1
    sd zero, 0(t0)
    csrr a1, fflags
    j .
  )");
  board.port.on_write = [](u64) {
    volatile double zero = 0;
    volatile double infinite = 1 / zero;
    (void)infinite;
  };
  board.run(100);
  EXPECT_EQ(board.x(10), 0u);
  EXPECT_EQ(board.x(11), 1u);  // NX alone
}

/// A write of sstatus between two instructions of one block; the handler counts in s0.
TEST(Engine, FloatingPointTrapsBehindAnInstructionThatTurnedItOff) {
  Board board(R"(
    j start
    .balign 64
    addi s0, s0, 1
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    mret
    .balign 64
    start:
    li s1, 0x6000
    li a2, 50
    loop:
    csrs sstatus, s1
    j body
    body:
    .option norvc
    fadd.d ft2, ft0, ft1
    csrc sstatus, s1
    fadd.d ft2, ft0, ft1
    fsd ft2, 0(t1)
    addi a0, a0, 1
    bne a0, a2, loop
    j .
  )");
  board.hart().write_csr(number_of(Csr::mtvec), kRam + 0x40);
  board.state().x[6] = kRam + 0x1000;
  board.run(1000);
  ASSERT_EQ(board.x(10), 50u);
  EXPECT_EQ(board.x(8), 100u);
}

TEST(Engine, FloatingPointMarksItsStateDirtyBehindAnInstructionThatCalledItClean) {
  Board board(R"(
    li s1, 0x6000
    li a2, 50
    li s2, 0x2000
    loop:
    csrs sstatus, s1
    j body
    body:
    fadd.d ft2, ft0, ft1
    csrc sstatus, s2
    fadd.d ft2, ft0, ft1
    csrr t1, sstatus
    srli t1, t1, 63
    add a1, a1, t1
    addi a0, a0, 1
    bne a0, a2, loop
    j .
  )");
  board.run(1000);
  ASSERT_EQ(board.x(10), 50u);
  EXPECT_EQ(board.x(11), 50u);
}

TEST(Engine, CsrsAreWrittenFromTheRegisterThatIsReadIntoThoughAnotherHasItToo) {
  Board board(R"(
    li t2, 0x14
    loop:
    csrw sscratch, t0
    csrw stval, t0
    csrw scause, zero
    mv a5, t2
    csrrs a5, sscratch, a5
    add a1, a1, a5
    mv a5, t2
    csrrc a5, stval, a5
    mv a5, t2
    csrrw a5, scause, a5
    addi a0, a0, 1
    j loop
  )");
  board.state().x[5] = 0x31;
  board.run(1 + 12 * 40);
  ASSERT_EQ(board.x(10), 40u);
  EXPECT_EQ(board.state().sscratch, 0x35u);
  EXPECT_EQ(board.state().stval, 0x21u);
  EXPECT_EQ(board.state().scause, 0x14u);
  EXPECT_EQ(board.x(11), 40u * 0x31);
}

}  // namespace
}  // namespace quire
