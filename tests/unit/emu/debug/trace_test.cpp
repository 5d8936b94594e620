#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "emu/debug/disassembler.h"
#include "emu/debug/trace_spec.h"
#include "emu/debug/trace_writer.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire::debug {
namespace {

using namespace test;

TEST(TraceSpec, TakesCategoriesAndAFile) {
  const TraceSpec one = TraceSpec::parse("insn");
  EXPECT_TRUE(one.insn && !one.mmu && one.file.empty());
  const TraceSpec some = TraceSpec::parse("mmu,trap:a:b");
  EXPECT_TRUE(some.mmu && some.trap && !some.insn);
  EXPECT_EQ(some.file, "a:b");
  EXPECT_EQ(some.observed().contains(Observed::kMmu), true);
  EXPECT_EQ(some.observed().contains(Observed::kInsn), false);
  const TraceSpec all = TraceSpec::parse("all");
  EXPECT_TRUE(all.insn && all.sbi && all.irq && all.device && !all.listing);
  EXPECT_TRUE(!all.jit && !all.jit_code && !all.observed().contains(Observed::kCode)) << "the host's doing";
  EXPECT_TRUE(TraceSpec::parse("jit").observed().contains(Observed::kCode));
  EXPECT_TRUE(TraceSpec::parse("trap,jit=code:f").jit_code);
  for (const char* text :
       {"jit=", "jit=ir", "", ",", "insn,", "insn:", "Insn", "insn mmu", ":file", "all,x"}) {
    EXPECT_THROW(TraceSpec::parse(text), Error) << text;
  }
}

TEST(CommitLog, HasTheFormOfSpike) {
  using Bank = RegisterWrite::Bank;
  InsnEvent event{};
  event.at = {.hart = 0, .icount = 7, .pc = 0x80000000, .privilege = arch::Privilege::kMachine};
  event.bits = 0x297;
  event.length_bytes = 4;
  const std::vector<RegisterWrite> x5 = {{Bank::kX, 5, 0x80000000}};
  event.writes = x5;
  EXPECT_EQ(commit_log_line(event), "core   0: 3 0x0000000080000000 (0x00000297) x5  0x0000000080000000\n");

  const std::vector<RegisterWrite> more = {{Bank::kF, 10, 0xffffffff3f800000}, {Bank::kCsr, 768, 0x6000}};
  const std::vector<MemoryAccess> accesses = {{0x80001000, 0x11223344, 4, false},
                                              {0x80001000, 0xffffffff00000045, 1, true}};
  event.at.privilege = arch::Privilege::kUser;
  event.bits = 0x4505;
  event.length_bytes = 2;
  event.writes = more;
  event.accesses = accesses;
  EXPECT_EQ(commit_log_line(event),
            "core   0: 0 0x0000000080000000 (0x4505) f10 0xffffffff3f800000 c768_mstatus 0x0000000000006000 "
            "mem 0x0000000080001000 mem 0x0000000080001000 0x45\n");
}

TEST(Disassembler, NamesInstructionsAndShowsWhereBranchesGo) {
  Disassembler disassembler;
  EXPECT_EQ(disassembler.line(addi(a0, a1, -1), 0).length_bytes, 4U);
  EXPECT_EQ(disassembler.line(addi(a0, a1, -1), 0).text.substr(0, 4), "addi");
  EXPECT_EQ(disassembler.line(0x4505, 0).length_bytes, 2U);
  const std::string branch_text = disassembler.line(bne(t0, t1, -8), kRam + 0x100).text;
  EXPECT_NE(branch_text.find("0x800000f8"), std::string::npos) << branch_text;
  EXPECT_EQ(disassembler.line(0, 0).text, ".half 0x0");
  EXPECT_EQ(disassembler.line(0xffffffff, 0).text, ".word 0xffffffff");
}

}  // namespace
}  // namespace quire::debug
