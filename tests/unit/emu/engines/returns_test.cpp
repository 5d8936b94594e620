// Guests that call and return in ways that a prediction of returns must not believe; part of the tests of
// each engine (engine_under_test.h).
#include "tests/unit/emu/engines/programs.h"

namespace quire {
namespace {

using namespace test;

TEST(Returns, ComeFromDepthsThatNoPredictionKeeps) {
  expect_same(R"(
  again:
    li a0, 10007
    jal down
    addi s11, s11, 1
    j again
  down:
    pro
    addi a0, a0, -1
    add s1, s1, a0
    beqz a0, 1f
    jal down
    addi s2, s2, 1
  1: epi
  )",
              Memory::kBare, 1'000'000, 7);
}

TEST(Returns, LeaveManyCallsAtOnce) {
  expect_same(R"(
  again:
    li a0, 10100
    mv s0, sp
    jal s1, 2f                # where calls are to come back to
    addi s11, s11, 1
    jal leaf
    jal outer
    j again
  2: jal down
    addi s3, s3, 1            # never
  outer:
    pro
    jal leaf
    epi
  leaf:
    addi s4, s4, 1
    ret
  down:
    pro
    addi a0, a0, -1
    beqz a0, 1f
    jal down
  1: mv sp, s0                # as longjmp() does, by a register and by ra
    andi t0, s11, 1
    beqz t0, 3f
    mv ra, s1
    ret
  3: jr s1
  )",
              Memory::kBare, 700'000, 8);
}

TEST(Returns, GoToOtherPlacesThanTheCallCameFrom) {
  expect_same(R"(
  again:
    .option norvc
    jal skip
    addi s1, s1, 1            # skipped at times
    addi s2, s2, 1
    .option rvc
    jal odd
    addi s3, s3, 1
    jal s6, 1f
    li a0, 5
    jal a1, 2f
    addi s11, s11, 1
    j again
  1: jal beside
    addi s4, s4, 1            # never
  2: jal twice
    addi s7, s7, 1
    addi a0, a0, -1
    bnez a0, 2b
    mv ra, a1
    ret
  skip:
    andi t1, s2, 3
    sltiu t1, t1, 1
    slli t1, t1, 2
    add ra, ra, t1
    ret
  odd:
    ori ra, ra, 1             # the lowest bit does not count
    ret
  beside:
    li t1, 0x1000             # the same place of the next page
    add ra, ra, t1
    ret
  twice:                      # a call that is come back from twice
    mv s8, ra
    andi t1, a0, 1
    beqz t1, 1f
    jal odd
    ori ra, s8, 1
    addi a0, a0, -1
    bgtz a0, 1f
    mv ra, a1
  1: ret
    .org 0x1000
    .rept 200
    c.nop
    .endr
    addi s5, s5, 1
    jr s6
  )",
              Memory::kBare, 200'000, 500);
}

// At times, so that there is code at both places.
TEST(Returns, GoToTheSamePlaceOfAnotherPage) {
  expect_same(R"(
    li s2, 0x80001f00
    li s3, 0x80002000
  again:
    andi s1, s11, 1
    slli s1, s1, 12           # to the next page, or to the call
    jal s6, 1f
    jal s6, 2f
    addi s11, s11, 1
    j again
  1: jal near
    addi s4, s4, 1
    jr s6
  2: jalr s3
    addi s4, s4, 3
    jr s6
  near:
    add ra, ra, s1
    beqz s1, 3f
    jr s2                     # the return is in the page that it is to
  3: ret
    .org 0x1000
    .rept 200
    c.nop
    .endr
    addi s5, s5, 1
    jr s6
    .org 0x1f00
    ret
    .org 0x2000
    add ra, ra, s1
    ret
  )",
              Memory::kBare, 200'000, 400);
}

// Two stacks whose depths differ, and one that is not come back to before the other has returned far.
TEST(Returns, AreOnTheStackThatTheGuestHasChosen) {
  expect_same(R"(
    li s0, 0x80210000         # the other's context: ra, sp
    jal t1, 1f
  second:
    li a0, 3
    jal walk
    addi s2, s2, 1
    j second
  1: sd t1, 0(s0)
    li t1, 0x80220000
    sd t1, 8(s0)
  again:
    li a0, 9
    jal walk
    addi s11, s11, 1
    j again
  walk:
    pro
    sd a0, 0(sp)
    addi a0, a0, -1
    beqz a0, 1f
    jal walk
    andi t0, s11, 1
    beqz t0, 1f
    jal swap
  1: jal swap
    ld a0, 0(sp)
    epi
  swap:
    ld t1, 0(s0)
    ld t2, 8(s0)
    sd ra, 0(s0)
    sd sp, 8(s0)
    mv ra, t1
    mv sp, t2
    ret
  )",
              Memory::kBare, 300'000, 500);
}

TEST(Returns, FindTheCodeThatIsThereByThen) {
  expect_same(R"(
    .option norvc
    auipc s0, 0
    lw s3, 16(s0)             # the other instruction
  again:
    jal rewrite               # 8(s0)
    addi s2, s2, 1
    addi s4, s4, 1
    addi s11, s11, 1
    j again
  rewrite:
    lw t0, 12(s0)             # exchanges what follows the call for what is in s3
    sw s3, 12(s0)
    mv s3, t0
    fence.i
    ret
  )",
              Memory::kBare, 100'000, 5'000);
}

TEST(Returns, AreExactWhereCallsStandAtTheEndOfAPage) {
  expect_same(R"(
    j again
    .org 0xff0
  again:
    .option norvc
    addi s1, s1, 1
    jal leaf
    addi s2, s2, 1
    jal leaf
    .org 0x1000
    addi s3, s3, 1
    j 1f
    .option rvc
    .org 0x1ffa
    .option norvc
  1: addi s4, s4, 1
    jal leaf                  # straddles
    addi s5, s5, 1
    jal nest
    addi s11, s11, 1
    j again
    .option rvc
  leaf:
    addi s6, s6, 1
    ret
    .org 0x3000
  nest:
    pro
    jal leaf
    jal leaf
    epi
  )",
              Memory::kBare, 200'000, 5'000);
}

// One frame with code at two addresses: what a call has left holds for one of them.
TEST(Returns, AreToTheAddressOfTheCallAndNotOnlyToItsCode) {
  expect_same(R"(
    li s2, 0x6000
    li s3, 0x7000
  again:
    jalr s2
    jalr s3
    addi s11, s11, 1
    andi s7, s11, 1
    j again
    .org 0x7000
    pro
    auipc t0, 0
    slli t0, t0, 1
    add s4, s4, t0
    jal cross
    auipc t0, 0               # where this runs
    add s5, s5, t0
    xor s5, s5, s4
    jal inner
    epi
  inner:
    pro
    auipc t0, 0
    slli t0, t0, 2
    add s6, s6, t0
    jal cross
    epi
  cross:                      # at times to the same place of the other address
    beqz s7, 1f
    li t1, 0x1000
    xor ra, ra, t1
  1: ret
  )",
              Memory::kMapped, 300'000, 2'000);
}

// The page of the call is another frame by the time of the return; with and without a fence, and in another
// address space.
TEST(Returns, AreInThePageThatIsMappedByThen) {
  expect_same(R"(
    li s0, 0x202048           # page 9's entry
    li s1, 0x400              # from frame 9 to frame 10
    li s2, 0x80380            # the other space's root
    csrr t0, satp
    li t1, 0x80300
    xor s2, s2, t1
    li s4, 0x9000
    jr s4
    .org 0x4000
  change:
    pro
    addi s3, s3, 1
    andi t0, s3, 7
    li t1, 5
    bltu t0, t1, 2f
    beq t0, t1, 1f
    csrr t2, satp             # to the other space
    xor t2, t2, s2
    csrw satp, t2
    j 2f
  1: ld t2, 0(s0)
    xor t2, t2, s1
    sd t2, 0(s0)
    andi t0, s3, 8
    beqz t0, 2f
    sfence.vma
  2: jal leaf
    epi
  leaf:
    addi s8, s8, 1
    ret
    .org 0x9000
  1: jal change
    addi s5, s5, 1
    jal leaf
    addi s11, s11, 1
    j 1b
    .org 0xa000
  1: jal change
    addi s6, s6, 1
    jal leaf
    addi s11, s11, 1
    j 1b
  )",
              Memory::kMapped, 300'000, 10'000);
}

}  // namespace
}  // namespace quire
