// Code that is written to, or mapped anew; part of the tests of each engine (engine_under_test.h).
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "emu/hart/csr.h"
#include "tests/unit/emu/engines/board.h"

namespace quire {
namespace {

using namespace test;

TEST(Engine, StoreToTheNextInstructionIsSeenAtOnce) {
  Board board(R"(
    li t0, 0x00200513          # li a0, 2
    auipc t1, 0
    sw t0, 8(t1)
    li a0, 1
    j .
  )");
  board.run(10);
  EXPECT_EQ(board.x(10), 2u);
}

TEST(Engine, CodePatchedInALoopRunsAsPatched) {
  Board board(R"(
    .option norvc
    auipc t1, 0
    lw t0, 20(t1)              # the addi below
    li t2, 0x00100000
loop:
    add t0, t0, t2             # imm + 1
    sw t0, 20(t1)
    addi a0, a0, 0
    j loop
  )");
  board.run(3 + 5 * 4);
  EXPECT_EQ(board.x(10), 1u + 2 + 3 + 4 + 5);
}

TEST(Engine, WritesOfTheHostAndOfDevicesReachTheCode) {
  Board board(".option norvc\n loop: addi a0, a0, 1\n j loop\n");
  board.run(100);
  EXPECT_EQ(board.x(10), 50u);
  const u32 subtract = 0xfff5'0513;  // addi a0, a0, -1
  std::vector<u8> bytes(4);
  std::memcpy(bytes.data(), &subtract, 4);
  board.ram.write(PhysAddr(kRam), bytes);
  board.run(150);
  EXPECT_EQ(board.x(10), 25u);
}

TEST(Engine, DataBesideCodeIsStoredWithoutHarm) {
  Board board(R"(
    auipc t1, 0
loop:
    sd a0, 0x100(t1)
    ld a1, 0x100(t1)
    addi a0, a0, 1
    j loop
  )");
  board.run(100'000);
  EXPECT_GE(board.x(11) + 1, board.x(10));
  EXPECT_GT(board.x(11), 20'000u);
}

TEST(Engine, OnePageAtTwoAddressesHasTwoPcs) {
  Board board("");
  const std::vector<u8> code = assemble("auipc a0, 0\n j .\n");
  board.ram.write(PhysAddr(kRam + 0x5000), code);
  PageTables tables(board.ram);
  tables.map(0x1000, kRam + 0x5000, kPteValid | kPteRead | kPteExecute);
  tables.map(0x7000, kRam + 0x5000, kPteValid | kPteRead | kPteExecute);
  board.hart().write_csr(number_of(Csr::satp), tables.satp().raw);
  for (const u64 va : {0x1000, 0x7000, 0x1000}) {
    board.state().privilege = Privilege::kSupervisor;
    board.state().pc = va;
    board.hart().sync();
    board.run(board.state().icount + 5);
    EXPECT_EQ(board.x(10), va);
  }
}

TEST(Engine, RemappedCodeRunsAfterTheFenceAndNotBefore) {
  Board board("");
  board.ram.write(PhysAddr(kRam + 0x5000), assemble("li a0, 1\n ret\n"));
  board.ram.write(PhysAddr(kRam + 0x6000), assemble("li a0, 2\n ret\n"));
  // s0: the PTE's address, s1: its new value. Calls 0x2000, remaps, calls, fences, calls.
  board.ram.write(PhysAddr(kRam + 0x7000), assemble(R"(
    li s2, 0x2000
    jalr s2
    mv a1, a0
    sd s1, 0(s0)
    jalr s2
    mv a2, a0
    sfence.vma
    jalr s2
    mv a3, a0
    j .
  )"));
  PageTables tables(board.ram);
  tables.map(0x1000, kRam + 0x7000, kAll & ~kPteUser);
  tables.map(0x2000, kRam + 0x5000, kAll & ~kPteUser);
  tables.map(0x3000, tables.pte_address(0x2000, 0).value & ~u64{0xfff}, kKernelData);
  board.hart().write_csr(number_of(Csr::satp), tables.satp().raw);
  board.state().x[8] = 0x3000 + (tables.pte_address(0x2000, 0).value & 0xfff);
  board.state().x[9] = Pte::make(PhysAddr(kRam + 0x6000), kAll & ~kPteUser).raw;
  board.state().privilege = Privilege::kSupervisor;
  board.state().pc = 0x1000;
  board.hart().sync();
  board.run(60);
  EXPECT_EQ(board.x(11), 1u);
  EXPECT_EQ(board.x(12), 1u);
  EXPECT_EQ(board.x(13), 2u);
}

}  // namespace
}  // namespace quire
