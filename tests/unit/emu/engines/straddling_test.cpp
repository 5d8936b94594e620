// Instructions that begin in one page and end in the next; part of the tests of each engine
// (engine_under_test.h).
#include "emu/hart/csr.h"
#include "tests/unit/emu/engines/programs.h"

namespace quire {
namespace {

using namespace test;

TEST(Straddling, IsDoneByInstructionsOfAllKinds) {
  expect_same(R"(
    li s0, 0x80100000
  again:
    .option norvc
    .macro across at, insn:vararg
    j 1f
    .org \at - 2
  1: \insn
    .endm
    across 0x1000, addi s1, s1, 1
    across 0x2000, auipc s2, 1
    across 0x3000, sd s2, 8(s0)
    across 0x4000, ld s3, 8(s0)
    across 0x5000, jal t1, .+8
    addi s4, s4, 1            # never
    across 0x6000, beq s1, zero, .-0x1000
    across 0x7000, bne s1, zero, .+12
    addi s4, s4, 1            # never
    addi s4, s4, 1
    across 0x8000, amoadd.d s5, s1, (s0)
    across 0x9000, jal ra, leaf
    across 0xa000, mulhu s6, s5, s2
    auipc t2, 0
    j 2f
    nop
    nop
    addi s9, s9, 1            # 0x10(t2)
    ret
  2:
    across 0xb000, jalr ra, 0x10(t2)
    add s7, s7, t1
    addi s11, s11, 1
    j again
    .org 0xc000
    .option rvc
  leaf:
    addi s8, s8, 1
    ret
  )",
              Memory::kBare, 200'000, 2'000);
}

TEST(Straddling, SeesBothHalvesWritten) {
  expect_same(R"(
    .option norvc
    auipc s0, 1               # 0x1004: 6 bytes behind the instruction
    j again
    .org 0xff0
  again:
    addi s3, s3, 1
    j 1f
    .org 0xffe
  1: addi s4, s5, 1           # its rs1 is in the first half in part, its immediate in the second
    add s6, s6, s4
    addi s5, s5, 3
    andi t0, s3, 7
    bnez t0, 2f
    lhu t1, -6(s0)            # 0xffe
    xori t1, t1, 0x80         # rd
    sh t1, -6(s0)
    fence.i
  2: addi t0, t0, -4
    bnez t0, 3f
    lhu t1, -4(s0)            # 0x1000
    xori t1, t1, 0x10
    sh t1, -4(s0)
    fence.i
  3: addi t0, t0, 2
    bnez t0, 4f
    lhu t1, 0(s0)             # 0x1004, of the instruction behind
    li t2, 0x4000
    xor t1, t1, t2
    sh t1, 0(s0)
    fence.i
  4: addi s11, s11, 1
    j again
  )",
              Memory::kBare, 200'000, 5'000);
}

// Page 6 and page 7 are one frame: what begins at its end goes on at its start, or in frame 8.
TEST(Straddling, GoesOnInThePageThatIsMappedBehind) {
  expect_same(R"(
    .option norvc
    li s2, 0x6f00
    li s3, 0x7f00
  again:
    jalr s2
    jalr s3
    addi s11, s11, 1
    j again
    .org 0x7000
    .half 0x0014              # of addi s1, s1, 1
    add s4, s4, s1
    ret
    .org 0x7f00
    j 1f
    .org 0x7ffe
  1: .half 0x8493, 0x0024     # addi s1, s1, 2
    add s5, s5, s1
    ret
  )",
              Memory::kMapped, 200'000, 5'000);
}

// Page 9 is another frame at times, by its entry with and without a fence, and in another space.
TEST(Straddling, GoesOnInThePageThatIsMappedByThen) {
  expect_same(R"(
    .option norvc
    li s0, 0x202048           # page 9's entry
    li s1, 0x400              # from frame 9 to frame 10
    li s2, 0x80380            # the other space's root
    csrr t0, satp
    li t1, 0x80300
    xor s2, s2, t1
    li s4, 0x8ff0
  again:
    jalr s4
    addi s11, s11, 1
    addi s3, s3, 1
    andi t0, s3, 7
    li t1, 5
    bltu t0, t1, again
    beq t0, t1, 1f
    csrr t2, satp
    xor t2, t2, s2
    csrw satp, t2
    j again
  1: ld t2, 0(s0)
    xor t2, t2, s1
    sd t2, 0(s0)
    andi t0, s3, 8
    beqz t0, again
    sfence.vma
    j again
    .org 0x8ff0
    j 1f
    .org 0x8ffe
  1: addi s5, s5, 1
    ret
    .org 0xa000
    .half 0x002a              # addi s5, s5, 2
    add s6, s6, s5
    ret
  )",
              Memory::kMapped, 200'000, 5'000);
}

TEST(Straddling, FollowsTheSecondPage) {
  Board board("");
  board.ram.write(PhysAddr(kRam + 0x7000), assemble("loop: jalr s2\n j loop\n"));
  board.ram.write(PhysAddr(kRam + 0x800), assemble("j .\n"));
  board.hart().write_csr(number_of(Csr::mtvec), kRam + 0x800);
  const auto half = [&board](u64 pa, u16 bits) {
    board.ram.write(PhysAddr(pa), std::vector<u8>{static_cast<u8>(bits), static_cast<u8>(bits >> 8)});
  };
  half(kRam + 0x5ffc, 0x0585);  // c.addi a1, 1
  half(kRam + 0x5ffe, 0x0513);  // addi a0, a0, ...
  half(kRam + 0x6000, 0x0015);  // ... 1
  half(kRam + 0x8000, 0x0105);  // ... 16
  half(kRam + 0x6002, 0x8082);  // ret
  half(kRam + 0x8002, 0x8082);
  PageTables one(board.ram);
  PageTables other(board.ram, PhysAddr(kRam + 0x20'0000));
  for (PageTables* tables : {&one, &other}) {
    tables->map(0x7000, kRam + 0x7000, kAll & ~kPteUser);
    tables->map(0x1000, kRam + 0x5000, kAll & ~kPteUser);
    tables->map(0x2000, tables == &one ? kRam + 0x6000 : kRam + 0x8000, kAll & ~kPteUser);
  }
  board.state().privilege = Privilege::kSupervisor;
  board.state().pc = 0x7000;
  board.state().x[18] = 0x1ffc;
  const auto rounds = [&board](u64 n) { board.run(board.state().icount + 5 * n); };

  board.hart().write_csr(number_of(Csr::satp), one.satp(1).raw);
  rounds(10);
  EXPECT_EQ(board.x(10), 10u);
  board.hart().write_csr(number_of(Csr::satp), other.satp(2).raw);
  rounds(10);
  EXPECT_EQ(board.x(10), 10u + 160);
  half(kRam + 0x8000, 0xfff5);  // ... -1
  rounds(10);
  EXPECT_EQ(board.x(10), 10u + 160 - 10);
  half(kRam + 0x5ffe, 0x0593);  // addi a1, a0, ...
  rounds(1);
  EXPECT_EQ(board.x(11), 159u);
  other.set(0x2000, 0, Pte{});
  board.hart().mmu().fence_all();
  board.hart().drop_fetch_page();
  rounds(1);
  EXPECT_EQ(board.state().mcause, 12u);
  EXPECT_EQ(board.state().mtval, 0x2000u);
  EXPECT_EQ(board.state().mepc, 0x1ffeu);
}

TEST(Straddling, MayNeedTheSlowPath) {
  // A load that misses, a load that faults and a csrr, each across the end of a page, with and without a
  // known second page.
  Board board(R"(
    li s0, 0x80003000
    li s2, 3
    .option norvc
again:
    j first
    .org 0x0ffe
first:
    ld a0, 0(s0)
    j second
    .org 0x1ffe
second:
    csrr a1, mscratch
    j third
    .org 0x2ffe
third:
    ld a2, 0(zero)
    addi s2, s2, -1
    bnez s2, again
    j .
  )");
  Board stepped(std::vector<u8>(board.ram.bytes().begin(), board.ram.bytes().begin() + 0x4000));
  for (Board* b : {&board, &stepped}) {
    b->hart().write_csr(number_of(Csr::mtvec), kRam + 0x800);
    b->hart().write_csr(number_of(Csr::mscratch), 77);
    b->ram.write(PhysAddr(kRam + 0x800), assemble("csrr t0, mepc\n addi t0, t0, 4\n csrw mepc, t0\n mret\n"));
  }
  for (u64 count = 1; count < 50; ++count) {
    board.run(count);
    stepped.step(count);
    ASSERT_EQ(board.everything(), stepped.everything()) << count;
  }
  EXPECT_EQ(board.x(11), 77u);
  EXPECT_EQ(board.state().trap_count, 3u);
}

}  // namespace
}  // namespace quire
