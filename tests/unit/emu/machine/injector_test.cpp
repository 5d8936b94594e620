#include "emu/machine/injector.h"

#include <gtest/gtest.h>

#include "quire/machine.h"
#include "quire/snapshot.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;
using Kind = ArmedFault::Kind;

constexpr std::uint32_t kUartUpper = arch::kUart.base >> 12;
constexpr std::int32_t kUartScratch = 7;
constexpr std::uint32_t lbu(Reg rd, Reg base, std::int32_t offset) {
  return insn_i(0x03, 4, rd, base, offset);
}
constexpr std::uint32_t sb(Reg src, Reg base, std::int32_t offset) { return store(0, src, base, offset); }

/// t0 counts in steps of one; t1 takes a copy of it each time.
Config counting_loop() { return config_for(BootMode::kBare, {addi(t0, t0, 1), addi(t1, t0, 0), jump(-8)}); }
/// Reads the UART's scratch register into t1, again and again.
Config reading_loop() {
  return config_for(BootMode::kBare, {lui(a0, kUartUpper), lbu(t1, a0, kUartScratch), jump(-4)});
}

ArmedFault stuck(Kind kind, std::uint64_t place, FaultMask mask, std::uint64_t until = UINT64_MAX) {
  ArmedFault fault{.kind = kind};
  fault.place = place;
  fault.mask = mask;
  fault.until_icount = until;
  return fault;
}

ArmedFault at_times(Kind kind, std::uint64_t place, FaultTimes times) {
  ArmedFault fault{.kind = kind};
  fault.place = place;
  fault.times = times;
  return fault;
}

TEST(Injector, AStuckBitHoldsWhateverIsWrittenUntilItsWindowEnds) {
  Machine machine(counting_loop());
  machine.arm(stuck(Kind::kStuckX, t0, {.set = 0x100}, 30));
  EXPECT_EQ(machine.hart().x(t0), 0x100u);  // at once
  machine.run({.max_insns = 29});
  EXPECT_EQ(machine.hart().x(t1), 0x10au);
  EXPECT_EQ(machine.armed(), 1u);
  machine.hart().set_x(t0, 0);
  machine.run({.max_insns = 1});
  EXPECT_EQ(machine.armed(), 0u);
  machine.run({.max_insns = 2});
  EXPECT_EQ(machine.hart().x(t1), 1u);
}

TEST(Injector, BitsStuckAtZeroAreReadAsZeroByTheNextInstruction) {
  Machine machine(counting_loop());
  machine.arm(stuck(Kind::kStuckX, t0, {.clear = 1}));
  machine.run({.max_insns = 3000});
  EXPECT_EQ(machine.hart().x(t0), 0u);
  EXPECT_EQ(machine.hart().x(t1), 0u);
  EXPECT_GE(machine.faults_fired(), 1000u);
}

TEST(Injector, StuckMemoryWinsOverStores) {
  Machine machine(config_for(BootMode::kBare, {auipc(a0, 1), sb(zero, a0, 8), lbu(t1, a0, 8), jump(-8)}));
  machine.arm(stuck(Kind::kStuckRam, kRam + 0x1008, {.set = 0x40}));
  machine.run({.max_insns = 100});
  EXPECT_EQ(machine.hart().x(t1), 0x40u);
}

TEST(Injector, CsrsAndThePcCanBeStuckToo) {
  Machine machine(config_for(BootMode::kBare, {csrrw(zero, 0x340, zero), csrrs(t1, 0x340, zero), jump(-8)}));
  machine.arm(stuck(Kind::kStuckCsr, 0x340, {.set = 4}));
  machine.run({.max_insns = 9});
  EXPECT_EQ(machine.hart().x(t1), 4u);
  Machine other(counting_loop());
  other.arm(stuck(Kind::kStuckPc, 0, {.set = 8}));
  other.run({.max_insns = 9});  // jump, addi, jump ...: never the first
  EXPECT_EQ(other.hart().x(t0), 0u);
}

TEST(Injector, AHeldRunDoesNotDependOnItsSlices) {
  Machine whole(counting_loop());
  Machine sliced(counting_loop());
  for (Machine* machine : {&whole, &sliced}) machine->arm(stuck(Kind::kStuckX, t0, {.set = 2}, 500));
  whole.run({.max_insns = 1000});
  for (unsigned i = 0; i < 100; ++i) sliced.run({.max_insns = 10});
  EXPECT_EQ(whole.digest(), sliced.digest());
}

TEST(Injector, ADeviceRegisterReadsWrongOnceAndRightAgain) {
  Machine machine(reading_loop());
  ArmedFault fault = stuck(Kind::kDevice, arch::kUart.base + kUartScratch, {.flip = 0x81});
  fault.times.nth = 2;
  machine.arm(fault);
  machine.run({.max_insns = 2});
  EXPECT_EQ(machine.hart().x(t1), 0u);
  machine.run({.max_insns = 2});
  EXPECT_EQ(machine.hart().x(t1), 0x81u);
  machine.run({.max_insns = 2});
  EXPECT_EQ(machine.hart().x(t1), 0u);
  EXPECT_EQ(machine.faults_fired(), 1u);
  EXPECT_EQ(machine.armed(), 0u);
}

TEST(Injector, WhatIsWrittenToADeviceIsAlteredOnTheWay) {
  Machine machine(
      config_for(BootMode::kBare, {lui(a0, kUartUpper), addi(t0, zero, 0x0f), sb(t0, a0, kUartScratch),
                                   lbu(t1, a0, kUartScratch), jump(0)}));
  machine.arm(stuck(Kind::kDevice, arch::kUart.base + kUartScratch, {.clear = 1}));
  machine.run({.max_insns = 4});
  EXPECT_EQ(machine.hart().x(t1), 0x0eu);
}

TEST(Injector, FaultsFromThenOnAndByChanceComeAsTheirSeedSays) {
  const auto reads = [](FaultTimes times) {
    Machine machine(reading_loop());
    ArmedFault fault = stuck(Kind::kDevice, arch::kUart.base + kUartScratch, {.set = 1});
    fault.times = times;
    machine.arm(fault);
    std::string text;
    machine.run({.max_insns = 1});
    for (unsigned i = 0; i < 200; ++i) {
      machine.run({.max_insns = i == 0 ? 1U : 2U});
      text += machine.hart().x(t1) == 1 ? '1' : '0';
    }
    return text;
  };
  using enum FaultTimes::Lasting;
  EXPECT_EQ(reads({.nth = 3, .lasting = kEver}), "00" + std::string(198, '1'));
  const std::string chance = reads({.lasting = kEver, .probability = 0.25, .seed = 4});
  const auto ones = std::count(chance.begin(), chance.end(), '1');
  EXPECT_GT(ones, 25);
  EXPECT_LT(ones, 80);
  EXPECT_EQ(reads({.lasting = kEver, .probability = 0.25, .seed = 4}), chance);
  EXPECT_NE(reads({.lasting = kEver, .probability = 0.25, .seed = 5}), chance);
}

/// Instructions of the loop, and before its first wait.
constexpr std::uint64_t kTimerLoop = 6, kToTheWait = 15;

/// Waits for the timer, with its interrupt enabled in mie but not in mstatus, and counts in t2 how often it
/// came.
Config timer_loop() {
  Code code;
  append_address(code, a0, (arch::kClint.base + 0xb000) >> 12);
  append_address(code, a1, (arch::kClint.base + 0x4000) >> 12);
  code.push_back(addi(t0, zero, 0x80));
  code.push_back(csrrs(zero, 0x304, t0));  // mie.MTIE
  code.push_back(addi(t1, zero, 1));
  code.push_back(slli(t1, t1, 11));
  code.push_back(addi(t1, t1, 0x7f8));
  code.push_back(add(a0, a0, t1));
  const std::size_t loop = code.size();
  code.insert(code.end(), {ld(a2, a0, 0), addi(a2, a2, 100), sd(a2, a1, 0), kWfi, addi(t2, t2, 1)});
  code.push_back(jump(-4 * static_cast<std::int32_t>(code.size() - loop)));
  return config_for(BootMode::kBare, code);
}

TEST(Injector, AGuestWhoseTimerInterruptIsLostWaitsForEver) {
  Machine sound(timer_loop());
  EXPECT_EQ(sound.run({.max_insns = 1000}).reason, StopReason::kLimit);
  EXPECT_GT(sound.hart().x(t2), 100u);
  Machine machine(timer_loop());
  machine.arm(
      at_times(Kind::kLoseInterrupt, static_cast<std::uint64_t>(arch::Interrupt::kMachineTimer), {.nth = 4}));
  EXPECT_EQ(machine.run({.max_insns = 1000}).reason, StopReason::kIdle);
  EXPECT_EQ(machine.hart().x(t2), 3u);
  EXPECT_EQ(machine.faults_fired(), 1u);
}

TEST(Injector, ASpuriousInterruptWakesTheGuestAtOnce) {
  Machine machine(timer_loop());
  machine.run({.max_insns = kToTheWait});
  const std::uint64_t before = machine.hart().x(t2);
  machine.raise_interrupt(arch::Interrupt::kMachineTimer);
  const std::uint64_t time = machine.time_ns();
  machine.run({.max_insns = 2});
  EXPECT_EQ(machine.hart().x(t2), before + 1);
  EXPECT_LT(machine.time_ns() - time, 100u);
}

TEST(Injector, TheClockJumpsBothWays) {
  Machine machine(timer_loop());
  machine.run({.max_insns = kToTheWait});
  machine.jump_clock(1'000'000);
  const std::uint64_t time = machine.time_ns();
  machine.run({.max_insns = 2});
  EXPECT_LT(machine.time_ns() - time, 100u);  // due already
  Machine back(timer_loop());
  back.run({.max_insns = kToTheWait + 20 * kTimerLoop});
  back.jump_clock(-50'000);
  const std::uint64_t then = back.time_ns();
  back.run({.max_insns = 2});
  EXPECT_GT(back.time_ns() - then, 50'000u);
}

TEST(Injector, ArmedFaultsArePartOfAStateAndOverOnesLeaveNoTrace) {
  Machine machine(reading_loop());
  const Snapshot sound = machine.snapshot();
  ArmedFault fault = stuck(Kind::kDevice, arch::kUart.base + kUartScratch, {.set = 1});
  fault.times.nth = 2;
  machine.arm(fault);
  const Snapshot armed = machine.snapshot();
  EXPECT_FALSE(armed.same(sound));
  machine.run({.max_insns = 10});
  Machine other(reading_loop());
  other.run({.max_insns = 10});
  EXPECT_TRUE(machine.snapshot().same(other.snapshot()));
  machine.restore(armed);
  EXPECT_EQ(machine.armed(), 1u);
  machine.run({.max_insns = 4});
  EXPECT_EQ(machine.hart().x(t1), 1u);
  machine.restore(sound);
  EXPECT_EQ(machine.armed(), 0u);
  EXPECT_TRUE(machine.snapshot().same(sound));
}

TEST(Injector, PlacesThatTheMachineHasNotAreRefused) {
  Machine machine(counting_loop());
  const auto refused = [&machine](const ArmedFault& fault) {
    try {
      machine.arm(fault);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kUsage;
    }
    return false;
  };
  EXPECT_TRUE(refused(stuck(Kind::kStuckX, 0, {.set = 1})));
  EXPECT_TRUE(refused(stuck(Kind::kStuckX, 32, {.set = 1})));
  EXPECT_TRUE(refused(stuck(Kind::kStuckCsr, 0x7c0, {.set = 1})));
  EXPECT_TRUE(refused(stuck(Kind::kStuckRam, 0x1000, {.set = 1})));
  EXPECT_TRUE(refused(stuck(Kind::kDevice, kRam, {.set = 1})));
  EXPECT_TRUE(refused(stuck(Kind::kDevice, 0x42, {.set = 1})));
  EXPECT_TRUE(refused(at_times(Kind::kLoseIrq, 0, {})));
  EXPECT_TRUE(refused(at_times(Kind::kBlkError, 0, {})));
  EXPECT_TRUE(refused(at_times(Kind::kLoseFence, 0, {.nth = 0})));
  EXPECT_EQ(machine.armed(), 0u);
  EXPECT_THROW(machine.raise_irq(0), Error);
  EXPECT_THROW(machine.drive_bytes(0), Error);
}

}  // namespace
}  // namespace quire
