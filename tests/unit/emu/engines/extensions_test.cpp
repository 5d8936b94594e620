// Extensions that are off; part of the tests of each engine (engine_under_test.h).
#include <gtest/gtest.h>

#include <algorithm>

#include "emu/hart/csr.h"
#include "tests/unit/emu/engines/board.h"

namespace quire {
namespace {

using namespace test;

/// The cause, mepc and mtval of the trap that `source` runs into, by both ways of running it.
std::vector<u64> trap_of(const std::string& source, ExtensionSet extensions) {
  std::vector<u64> found;
  for (const bool in_blocks : {true, false}) {
    Board board(assemble(source), {}, completed(extensions));
    board.hart().write_csr(number_of(Csr::mtvec), kRam + 0x1000);
    while (board.state().trap_count == 0) {
      const u64 next = board.state().icount + 1;
      in_blocks ? static_cast<void>(board.run(next)) : board.step(next);
    }
    for (const Csr csr : {Csr::mcause, Csr::mepc, Csr::mtval})
      found.push_back(*board.hart().read_csr(number_of(csr)));
    for (const u64 x : {board.x(1), board.x(5)}) found.push_back(x);
  }
  const auto middle = found.begin() + static_cast<std::ptrdiff_t>(found.size() / 2);
  EXPECT_TRUE(std::equal(found.begin(), middle, middle));
  found.resize(found.size() / 2);
  return found;
}

TEST(Extensions, OneThatIsOffIsIllegal) {
  const ExtensionSet base = {Extension::I};
  const auto illegal = [](u64 raw) { return std::vector<u64>{2, kRam, raw, 0, 0}; };
  EXPECT_EQ(trap_of(".option norvc\n mul a0, a1, a2\n", base), illegal(0x02c5'8533));
  EXPECT_EQ(trap_of(".option norvc\n lr.d a0, (a1)\n", base), illegal(0x1005'b52f));
  EXPECT_EQ(trap_of(".option norvc\n flw fa0, 0(a1)\n", base), illegal(0x0005'a507));
  EXPECT_EQ(trap_of(".option norvc\n fld fa0, 0(a1)\n", {Extension::F}), illegal(0x0005'b507));
  EXPECT_EQ(trap_of("c.li a0, 1\n", base), illegal(0x4505));
  EXPECT_EQ(trap_of("c.fld fa0, 0(a1)\n", {Extension::C, Extension::F}), illegal(0x2188));
}

// Without C, IALIGN is 32 (2.5): a jump to a halfword traps itself, and writes no link.
TEST(Extensions, WithoutCompressedCodeJumpsToHalfwordsTrap) {
  const ExtensionSet base = {Extension::I};
  const auto misaligned = [](u64 pc, u64 target, u64 t0) { return std::vector<u64>{0, pc, target, 0, t0}; };
  EXPECT_EQ(trap_of(".option norvc\n nop\n jal ra, .+6\n", base), misaligned(kRam + 4, kRam + 10, 0));
  EXPECT_EQ(trap_of(".option norvc\n beq x0, x0, .+6\n", base), misaligned(kRam, kRam + 6, 0));
  EXPECT_EQ(trap_of(".option norvc\n auipc t0, 0\n jalr ra, 34(t0)\n", base),
            misaligned(kRam + 4, kRam + 34, kRam));
  // One that is not taken is none.
  EXPECT_EQ(trap_of(".option norvc\n bne x0, x0, .+6\n auipc t0, 0\n jalr t0, 8(t0)\n ebreak\n", base),
            (std::vector<u64>{3, kRam + 12, kRam + 12, 0, kRam + 12}));
}

TEST(Extensions, MachineRegistersTellWhichThereAre) {
  Board all({}, {}, kDefaultExtensions);
  Board few({}, {}, completed({Extension::M}));
  const auto letters = [](std::string_view text) {
    u64 value = u64{2} << 62;
    for (const char c : text) value |= u64{1} << (c - 'a');
    return value;
  };
  EXPECT_EQ(*few.hart().read_csr(number_of(Csr::misa)), letters("imsu"));
  EXPECT_EQ(*all.hart().read_csr(number_of(Csr::misa)) & letters("imafdcsu"), letters("imafdcsu"));
  // FS is nothing without F, and mepc holds multiples of 4 without C.
  few.hart().write_csr(number_of(Csr::mstatus), kStatusFs);
  EXPECT_EQ(*few.hart().read_csr(number_of(Csr::mstatus)) & kStatusFs, 0U);
  EXPECT_FALSE(few.hart().csr_allowed(number_of(Csr::fcsr), CsrAccess::kRead));
  few.hart().write_csr(number_of(Csr::mepc), 0x8000'0007);
  EXPECT_EQ(*few.hart().read_csr(number_of(Csr::mepc)), 0x8000'0004U);
}

}  // namespace
}  // namespace quire
