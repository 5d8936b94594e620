#include "emu/machine/firmware.h"

#include <gtest/gtest.h>

#include "quire/machine.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;

/// Puts an SBI call's numbers into a7 and a6.
void append_call(Code& code, std::uint32_t extension, std::int32_t function) {
  const std::int32_t low = static_cast<std::int32_t>(extension << 20) >> 20;
  code.push_back(lui(a7, ((extension - static_cast<std::uint32_t>(low)) >> 12) & 0xfffff));
  code.push_back(addi(a7, a7, low));
  code.push_back(addi(a6, zero, function));
  code.push_back(kEcall);
}

TEST(Firmware, AnswersFromSupervisorMode) {
  Code code;
  append_call(code, 0x10, 0);
  code.push_back(addi(t0, a1, 0));
  append_call(code, 0x99, 0);
  Machine machine(config_for(BootMode::kSupervisor, code));
  machine.run({.max_insns = code.size()});
  EXPECT_EQ(machine.hart().x(t0), 0x0200'0000U);
  EXPECT_EQ(static_cast<std::int64_t>(machine.hart().x(a0)), -2);
  EXPECT_EQ(machine.hart().privilege(), arch::Privilege::kSupervisor);
}

TEST(Firmware, TimerInterruptsSupervisorMode) {
  Code code{addi(t0, zero, 32), csrrw(zero, 0x104, t0), addi(a0, zero, 500)};  // sie.STIE
  append_call(code, 0x54494d45, 0);
  code.insert(code.end(), {kWfi, csrrs(t1, 0xc01, zero), csrrs(t2, 0x144, zero)});  // time, sip
  Machine machine(config_for(BootMode::kSupervisor, code));
  machine.run({.max_insns = code.size()});
  EXPECT_EQ(machine.hart().x(t1), 500U);
  EXPECT_EQ(machine.hart().x(t2), 32U);
}

TEST(Firmware, IpiToSelfIsPendingAtOnceAndClearedBySoftware) {
  Code code{addi(a0, zero, 1), addi(a1, zero, 0)};
  append_call(code, 0x735049, 0);
  code.insert(code.end(), {csrrs(t1, 0x144, zero), addi(t0, zero, 2), insn_i(0x73, 3, zero, t0, 0x144),
                           csrrs(t2, 0x144, zero)});
  Machine machine(config_for(BootMode::kSupervisor, code));
  machine.run({.max_insns = code.size()});
  EXPECT_EQ(machine.hart().x(t1), 2U);
  EXPECT_EQ(machine.hart().x(t2), 0U);
}

/// A range may end where addresses do, and no further; the page behind it would be page 0 again.
TEST(Firmware, FencesUpToTheLastAddress) {
  for (const auto& [size, shift, error] : {std::tuple{2040, 0, 0}, {1024, 1, 0}, {2047, 1, -5}}) {
    Code code{addi(a0, zero, 1), addi(a1, zero, 0), addi(a2, zero, -2048), addi(a3, zero, size),
              slli(a3, a3, shift)};
    append_call(code, 0x52464e43, 1);
    Machine machine(config_for(BootMode::kSupervisor, code));
    machine.run({.max_insns = code.size()});
    EXPECT_EQ(static_cast<std::int64_t>(machine.hart().x(a0)), error) << size << " << " << shift;
    EXPECT_EQ(machine.counters().tlb.flushes_page, error == 0 ? 1U : 0U);
  }
}

TEST(Firmware, ShutdownEndsWithSuccess) {
  Code code{addi(a0, zero, 0), addi(a1, zero, 0)};
  append_call(code, 0x53525354, 0);
  code.push_back(jump(0));
  Machine machine(config_for(BootMode::kSupervisor, code));
  const Stop stop = machine.run({.max_insns = 1000});
  EXPECT_EQ(stop.reason, StopReason::kExited);
  EXPECT_EQ(stop.exit_status, 0);
}

TEST(Firmware, RebootStartsOver) {
  // Once `cycle` is past 98304, which takes several rounds: shut down. Counts go on over a reboot.
  Code code{csrrs(t0, 0xc00, zero), lui(t1, 24), addi(a1, zero, 0), addi(a0, zero, 0), branch(5, t0, t1, 8),
            addi(a0, zero, 1),      lui(t2, 1),  slli(t2, t2, 2),   addi(t2, t2, -1),  bne(t2, zero, -4)};
  append_call(code, 0x53525354, 0);
  code.push_back(jump(0));
  Machine machine(config_for(BootMode::kSupervisor, code));
  const Stop stop = machine.run({.max_insns = 200'000});
  EXPECT_EQ(stop.reason, StopReason::kExited);
  EXPECT_GT(stop.icount, 2U * 2 * (4 << 12));
}

TEST(Firmware, HartThatStopsItselfIsIdleForEver) {
  Code code;
  append_call(code, 0x48534d, 1);
  code.push_back(jump(0));
  Machine machine(config_for(BootMode::kSupervisor, code));
  EXPECT_EQ(machine.run({.max_insns = 1000}).reason, StopReason::kIdle);
}

TEST(Firmware, NonRetentiveSuspendResumesElsewhere) {
  Code code{auipc(a1, 0),       addi(a1, a1, 0x100),    addi(a2, zero, 77),
            addi(t0, zero, 32), csrrw(zero, 0x104, t0), addi(a0, zero, 100)};
  append_call(code, 0x54494d45, 0);
  code.insert(code.end(), {auipc(a1, 0), addi(a1, a1, 0x100), lui(a0, 0x80000)});
  const std::size_t resume = code.size() - 3;
  append_call(code, 0x48534d, 3);
  code.push_back(jump(0));
  code.resize(resume + 0x100 / 4, addi(zero, zero, 0));
  code.push_back(addi(t2, a1, 0));
  append_exit(code, 9);
  Machine machine(config_for(BootMode::kSupervisor, code));
  const Stop stop = machine.run({.max_insns = 1000});
  EXPECT_EQ(stop.reason, StopReason::kExited);
  EXPECT_EQ(stop.exit_status, 9);
}

}  // namespace
}  // namespace quire
