// What is owed by the translator alone; what every engine owes is in tests/unit/emu/engines.
#include "emu/jit/translator.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <span>

#include "emu/jit/translation_cache.h"
#include "tests/unit/emu/isa/binutils.h"
#include "tests/unit/emu/mem/page_tables.h"

namespace quire::jit {
namespace {

struct FixedEnv final : HartEnv {
  u64 time() override { return 0; }
  bool sbi_call(HartState&) override { return false; }
};

constexpr u64 kRam = 0x8000'0000;

u64 word_at(const Ram& ram, u64 address) {
  u64 value;
  std::memcpy(&value, ram.host(PhysAddr(address)), sizeof(value));
  return value;
}

void put_word(Ram& ram, u64 address, u64 value) {
  ram.write(PhysAddr(address), std::span(reinterpret_cast<const u8*>(&value), sizeof(value)));
}

struct Board {
  Ram ram;
  Bus bus{ram};
  FixedEnv env;
  Hart hart{0, bus, {}, env};
  Translator translator;

  Board(u64 ram_bytes, const TranslatorSettings& settings)
      : ram(PhysAddr(kRam), ram_bytes), translator(hart, settings) {
    hart.reset(kRam, Privilege::kMachine, 0, 0);
    hart.mmu().pmp().allow_everything();
  }
};

TEST(Translator, PagesThatNeverBecomeHotAreGivenUpToo) {
  constexpr u64 kPages = TranslationCache::kMaxPages + 100;
  Board board(kPages * kPageBytes, {});
  const std::vector<u8> code = quire::test::assemble("add t0, t0, t1\n jr t0");
  for (u64 page = 0; page < kPages; ++page) board.ram.write(PhysAddr(kRam + page * kPageBytes), code);
  board.hart.state().x[5] = kRam;
  board.hart.state().x[6] = kPageBytes;
  EXPECT_EQ(board.translator.run(2 * (kPages - 1)), RunExit::kCount);
  EXPECT_EQ(board.hart.state().pc, kRam + (kPages - 1) * kPageBytes);
  EXPECT_EQ(board.translator.stats().flushes, 1u);
}

TEST(Translator, AWriteDropsTheBlocksThatHaveItAndUnlinksThem) {
  Board board(1 << 20,
              {.code_bytes = 2 << 20, .threshold = 1, .hot = 100, .switches = Switches::off({"paths"})});
  const auto put = [&](u64 offset, const char* source) {
    board.ram.write(PhysAddr(kRam + offset), quire::test::assemble(std::string(".option norvc\n") + source));
  };
  put(0, "1: addi a0, a0, 1\n j 2f\n .balign 64\n 2: addi a1, a1, 1\n j 1b");
  board.translator.run(400);
  ASSERT_EQ(board.translator.stats().blocks_dropped, 0u);
  const u64 built = board.translator.stats().blocks_built;
  put(64, "addi a1, a1, 2");
  board.translator.run(800);
  EXPECT_EQ(board.hart.state().x[10], 200u);
  EXPECT_EQ(board.hart.state().x[11], 100u + 2 * 100u);
  EXPECT_EQ(board.translator.stats().blocks_dropped, 1u);
  EXPECT_EQ(board.translator.stats().blocks_built, built + 1);
  put(32, "nop");  // beside them
  EXPECT_EQ(board.translator.stats().blocks_dropped, 1u);
}

TEST(Translator, AWriteDropsABlockThatHasItFarFromItsStart) {
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1});
  const auto put = [&](u64 offset, const char* source) {
    board.ram.write(PhysAddr(kRam + offset), quire::test::assemble(std::string(".option norvc\n") + source));
  };
  put(0, "1: addi a0, a0, 1\n j 2f\n .balign 64\n 2: addi a1, a1, 1\n beqz zero, 1b");
  board.translator.run(400);
  put(32, "nop");  // between the two
  EXPECT_EQ(board.translator.stats().blocks_dropped, 0u);
  put(64, "addi a1, a1, 2");
  EXPECT_GE(board.translator.stats().blocks_dropped, 1u);
  board.translator.run(800);
  EXPECT_EQ(board.hart.state().x[10], 200u);
  EXPECT_EQ(board.hart.state().x[11], 100u + 2 * 100u);
}

// a1 counts odd and a2 even rounds; each way of the branch is long enough for a block of its own.
TEST(Translator, BlocksThatRunAgainAndAgainAreMadeAnewAndCountAsBefore) {
  Board board(1 << 20, {.code_bytes = 2 << 20});
  board.ram.write(PhysAddr(kRam), quire::test::assemble("1: addi a0, a0, 1\n andi a3, a0, 1\n bnez a3, 2f\n"
                                                        "addi a2, a2, 1\n j 1b\n"
                                                        "2: addi a1, a1, 1\n j 1b"));
  board.translator.run(5'000'000);
  EXPECT_GT(board.translator.stats().blocks_remade, 0u);
  EXPECT_EQ(board.hart.state().x[10], 1'000'000u);
  EXPECT_EQ(board.hart.state().x[11], 500'000u);
  EXPECT_EQ(board.hart.state().x[12], 500'000u);
  board.ram.write(PhysAddr(kRam), quire::test::assemble("1: addi a0, a0, 2"));
  board.translator.run(5'000'100);
  EXPECT_EQ(board.hart.state().x[10], 1'000'000u + 2 * 20u);
}

// Its slice of the run ends in the last round, some instructions before the way out.
TEST(Translator, ABreakpointBehindABlockThatWasJustFoundToBeHotStops) {
  constexpr u64 kRound = 43;
  constexpr u64 kRounds = (u64{1} << 18) / kRound;
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1, .hot = 1});
  board.ram.write(PhysAddr(kRam),
                  quire::test::assemble(".option norvc\n 1: addi a0, a0, -1\n beqz a0, 2f\n .rept 40\n"
                                        " addi a1, a1, 1\n .endr\n j 1b\n 2: addi a2, a2, 1\n j 2b"));
  board.hart.state().x[10] = kRounds + 1;
  board.translator.set_breakpoints({kRam + 4 * kRound}, {});
  EXPECT_EQ(board.translator.run(5'000'000), RunExit::kBreakpoint);
  EXPECT_EQ(board.translator.stats().blocks_remade, 1u);
  EXPECT_EQ(board.hart.state().pc, kRam + 4 * kRound);
  EXPECT_EQ(board.hart.state().icount, kRounds * kRound + 2);
  EXPECT_EQ(board.hart.state().x[12], 0u);
}

TEST(Translator, WhatWasDroppedIsTranslatedAsSoonAsItRunsAgain) {
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 50});
  const auto put = [&](const char* source) {
    board.ram.write(PhysAddr(kRam), quire::test::assemble(std::string(".option norvc\n") + source));
  };
  put("1: addi a0, a0, 1\n j 1b");
  board.translator.run(400);
  const u64 cold = board.translator.stats().cold_insns;
  EXPECT_EQ(cold, 2u * 50u);
  put("1: addi a0, a0, 2\n j 1b");
  board.translator.run(800);
  EXPECT_EQ(board.hart.state().x[10], 200u + 2 * 200u);
  EXPECT_GE(board.translator.stats().blocks_dropped, 1u);
  EXPECT_EQ(board.translator.stats().cold_insns, cold);
}

TEST(Translator, WhatEndedAPageCanBeTranslatedOnceItDoesNot) {
  constexpr u64 kLast = kPageBytes - 2;
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1});
  const auto put = [&](u64 offset, const char* source) {
    board.ram.write(PhysAddr(kRam + offset), quire::test::assemble(source));
  };
  put(kLast, ".option norvc\n csrr a0, mscratch\n jr a5");  // in two pages, and done apart
  board.hart.state().x[15] = board.hart.state().pc = kRam + kLast;
  board.translator.run(100);
  const u64 cold = board.translator.stats().cold_insns;
  EXPECT_GT(cold, 20u);
  put(kLast, "c.jr a5");
  board.translator.run(1100);
  EXPECT_LT(board.translator.stats().cold_insns, cold + 20);
}

// Copies by registers that no host register is for: each access is looked up, and borrows. Some page finds
// memory that is almost full.
TEST(Translator, TheLargestBlocksAreMadeWhateverRoomThereIsLeft) {
  constexpr u64 kPages = 2000;
  constexpr u64 kRounds = 4;
  Board board((kPages + 1) * kPageBytes, {.code_bytes = 2 << 20, .threshold = 0, .hot = 0});
  const auto copies = [](u64 count) {
    std::string source = ".option norvc\n 1:";
    for (u64 i = 0; i < count; ++i) {
      const std::string value = " s" + std::to_string(2 + i % 10);
      source += (i % 2 == 0 ? " ld" + value + ", 8(t1)\n" : " sd" + value + ", 8(t3)\n");
    }
    return quire::test::assemble(source +
                                 " addi t2, t2, -1\n beqz t2, 2f\n j 1b\n"
                                 " 2: li t2, 4\n add t4, t4, t5\n jr t4");
  };
  const std::vector<u8> large = copies(60);
  const std::vector<u8> small = copies(2);
  u64 count = 0;
  for (u64 page = 0; page < kPages; ++page) {
    const bool is_small = page * page / 3 % 7 < 2;
    board.ram.write(PhysAddr(kRam + page * kPageBytes), is_small ? small : large);
    count += kRounds * ((is_small ? 2 : 60) + 3) - 1 + 3;
  }
  HartState& state = board.hart.state();
  state.x[6] = state.x[28] = kRam + kPages * kPageBytes;
  state.x[7] = kRounds;
  state.x[29] = kRam;
  state.x[30] = kPageBytes;
  board.translator.run(count);
  EXPECT_EQ(state.pc, kRam + kPages * kPageBytes);
  EXPECT_GT(board.translator.stats().flushes, 10u);
  EXPECT_LT(board.translator.stats().cold_insns, 10u);
}

// What calls have left for their returns is code, too, and goes with the rest.
TEST(Translator, ReturnsFindTheirPlaceWhenAllCodeWasGivenUpSinceTheCall) {
  constexpr u64 kPages = 300;  // more than 2 MiB of code may have
  Board board((kPages + 2) * kPageBytes, {.code_bytes = 2 << 20, .threshold = 1});
  board.ram.write(PhysAddr(kRam),
                  quire::test::assemble("1: li s4, 5\n"
                                        "2: addi s4, s4, -1\n mv t1, s5\n bnez s4, 3f\n mv t1, s1\n"
                                        "3: jal 4f\n addi a1, a1, 1\n bnez s4, 2b\n"
                                        " addi a0, a0, 1\n j 1b\n"
                                        "4: mv s2, ra\n jal 5f\n mv ra, s2\n ret\n"
                                        "5: jr t1"));
  const std::vector<u8> on =
      quire::test::assemble("li t2, 3\n 1: addi t2, t2, -1\n bnez t2, 1b\n add t1, t1, s3\n jr t1");
  for (u64 page = 1; page <= kPages; ++page) board.ram.write(PhysAddr(kRam + page * kPageBytes), on);
  board.ram.write(PhysAddr(kRam + (kPages + 1) * kPageBytes), quire::test::assemble("ret"));
  board.hart.state().x[9] = kRam + kPageBytes;
  board.hart.state().x[19] = kPageBytes;
  board.hart.state().x[21] = kRam + (kPages + 1) * kPageBytes;
  constexpr u64 kTurn = 1 + 5 * 12 + 3 + 9 * kPages;
  EXPECT_EQ(board.translator.run(100 * kTurn), RunExit::kCount);
  EXPECT_EQ(board.hart.state().pc, kRam);
  EXPECT_EQ(board.hart.state().x[10], 100u);
  EXPECT_EQ(board.hart.state().x[11], 500u);
  EXPECT_GT(board.translator.stats().flushes, 50u);
}

// A TLB with a fault can permit stores where loads trap: what was looked up for one is not good for the
// other.
TEST(Translator, LoadsBesideStoresTrapWhereTheirTlbEntryHasLostR) {
  constexpr const char* kCode =
      ".option norvc\n 1: sd a0, 0(s0)\n ld a1, 8(s0)\n addi a0, a0, 1\n j 1b\n"
      ".balign 64\n csrr t1, mepc\n addi t1, t1, 4\n csrw mepc, t1\n mret";
  constexpr u64 kData = 0x4000'0000;
  Board board(4 << 20, {.code_bytes = 2 << 20, .threshold = 1});
  board.ram.write(PhysAddr(kRam), quire::test::assemble(kCode));
  quire::test::PageTables tables(board.ram);
  tables.map(kRam, kRam, quire::test::kAll & ~u64{kPteUser});
  tables.map(kData, kRam + 0x8000, quire::test::kKernelData);
  HartState& state = board.hart.state();
  state.privilege = Privilege::kSupervisor;
  state.satp = tables.satp().raw;
  state.mtvec = kRam + 64;
  state.x[8] = kData;
  board.hart.sync();
  board.translator.run(4 * 25);
  ASSERT_EQ(state.trap_count, 0u);
  ASSERT_TRUE(board.hart.mmu().change_entry(VirtAddr(kData), 0, {.entry = {.flip = kPteRead}}));
  board.translator.run(4 * 25 + 8 * 20);
  EXPECT_EQ(state.trap_count, 20u);
}

TEST(Translator, ABlockThatIsFoundRunningIsMadeAnewWithWindowsAndThenWithThoseThatPay) {
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1, .hot = 2});
  // Along a page, and from page to page.
  board.ram.write(PhysAddr(kRam),
                  quire::test::assemble("1: ld a1, 8(s0)\n ld a2, 0(s1)\n xor s1, s1, s2\n j 1b"));
  HartState& state = board.hart.state();
  state.x[8] = state.x[9] = kRam + 0x8000;
  state.x[18] = 0x3000;
  for (u64 count = 1000; count < 20'000; count += 1000) board.translator.run(count);
  EXPECT_EQ(board.translator.stats().blocks_remade, 3u) << "for windows, without the bad one, and settled";
  EXPECT_EQ(state.x[9], kRam + ((state.icount + 1) / 4 % 2 == 1 ? 0xb000 : 0x8000));
}

// Two blocks take turns, and slices end in the second; the page keeps its code while that one is written to.
TEST(Translator, ABlockThatWasWrittenToMustProveItselfHotAgain) {
  Board board(1 << 20,
              {.code_bytes = 2 << 20, .threshold = 1, .hot = 2, .switches = Switches::off({"paths"})});
  const auto loop = quire::test::assemble(
      ".option norvc\n j 1f\n .balign 64\n 1: nop\n nop\n j 2f\n .balign 64\n 2: nop\n j 1b");
  board.ram.write(PhysAddr(kRam), loop);
  const auto run_on = [&board] {
    const u64 end = board.hart.state().icount + 20'000;
    while (board.hart.state().icount < end) board.translator.run(board.hart.state().icount + 1000);
    return board.translator.stats().blocks_remade;
  };
  EXPECT_EQ(run_on(), 2u) << "hot, and settled";
  EXPECT_EQ(run_on(), 2u);
  board.ram.write(PhysAddr(kRam + 128), std::span(loop).subspan(128));
  EXPECT_EQ(run_on(), 4u);
}

// Neither slices, nor a breakpoint elsewhere in its page, make it begin in its middle.
TEST(Translator, ALoopIsTranslatedFromItsStartHoweverLongItRuns) {
  for (const bool stops : {false, true}) {
    Board board(1 << 20, {.code_bytes = 2 << 20});
    board.ram.write(PhysAddr(kRam), quire::test::assemble("1: addi a1, a1, 1\n sd a1, 0(s0)\n ld a2, 0(s0)\n"
                                                          "add a3, a3, a2\n xor a4, a4, a3\n bnez a1, 1b"));
    board.hart.state().x[8] = kRam + 0x8000;
    if (stops) board.translator.set_breakpoints({kRam + 0x800}, {});
    board.translator.run(20'000'000);
    EXPECT_LE(board.translator.stats().blocks_built, 4u) << stops;
  }
}

// A loop over data that another mapping puts elsewhere: what its accesses knew of the page is forgotten.
TEST(Translator, WindowsOfHotCodeFollowTheMapping) {
  constexpr u64 kData = 0x4000'0000;
  Board board(4 << 20, {.code_bytes = 2 << 20, .threshold = 1, .hot = 0});
  board.ram.write(PhysAddr(kRam), quire::test::assemble("1: ld a1, 8(s0)\n sd a1, 0(s1)\n j 1b"));
  quire::test::PageTables tables(board.ram);
  tables.map(kRam, kRam, quire::test::kAll & ~u64{kPteUser});
  tables.map(kData, kRam + 0x8000, quire::test::kKernelData);
  put_word(board.ram, kRam + 0x8008, 1);
  put_word(board.ram, kRam + 0x9008, 2);
  HartState& state = board.hart.state();
  state.privilege = Privilege::kSupervisor;
  state.satp = tables.satp().raw;
  state.x[8] = state.x[9] = kData;
  board.hart.sync();
  board.translator.run(300);
  EXPECT_EQ(word_at(board.ram, kRam + 0x8000), 1u);
  tables.map(kData, kRam + 0x9000, quire::test::kKernelData);
  board.translator.run(600);
  EXPECT_EQ(word_at(board.ram, kRam + 0x9000), 0u) << "without a fence";
  board.hart.mmu().fence_page(VirtAddr(kData));
  board.translator.run(900);
  EXPECT_EQ(word_at(board.ram, kRam + 0x8000), 1u);
  EXPECT_EQ(word_at(board.ram, kRam + 0x9000), 2u);
}

// At the end of a page, where the bytes of one access are on two.
TEST(Translator, WindowsOfHotCodeDoNotReachBeyondTheirPage) {
  constexpr u64 kData = 0x4000'0000;
  Board board(4 << 20, {.code_bytes = 2 << 20, .threshold = 1, .hot = 0});
  board.ram.write(PhysAddr(kRam),
                  quire::test::assemble("1: ld a1, 0(s0)\n sd a1, 0(s1)\n addi s0, s0, 1\n addi s1, s1, 8\n"
                                        "bne s0, s2, 1b\n 2: j 2b"));
  quire::test::PageTables tables(board.ram);
  tables.map(kRam, kRam, quire::test::kAll & ~u64{kPteUser});
  tables.map(kData, kRam + 0x9000, quire::test::kKernelData);
  tables.map(kData + kPageBytes, kRam + 0x8000, quire::test::kKernelData);
  tables.map(kData + 2 * kPageBytes, kRam + 0xa000, quire::test::kKernelData);
  std::vector<u8> bytes(2 * kPageBytes);
  for (usize i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<u8>(i * 7 + i / 256);
  board.ram.write(PhysAddr(kRam + 0x9000), std::span(bytes).first(kPageBytes));
  board.ram.write(PhysAddr(kRam + 0x8000), std::span(bytes).last(kPageBytes));
  HartState& state = board.hart.state();
  state.privilege = Privilege::kSupervisor;
  state.satp = tables.satp().raw;
  constexpr u64 kFrom = kPageBytes - 64;
  state.x[8] = kData + kFrom;
  state.x[18] = state.x[8] + 128;
  state.x[9] = kData + 2 * kPageBytes;
  board.hart.sync();
  board.translator.run(5 * 128);
  for (u64 i = 0; i < 128; ++i) {
    u64 expected;
    std::memcpy(&expected, &bytes[kFrom + i], sizeof(expected));
    EXPECT_EQ(word_at(board.ram, kRam + 0xa000 + i * 8), expected) << i;
  }
}

// As a page of a process that has ended, which another's data is in now.
TEST(Translator, StoresBesideCodeThatRunsNoMoreSoonCostNoCalls) {
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1});
  board.ram.write(
      PhysAddr(kRam),
      quire::test::assemble("jalr s1\n jalr s1\n jalr s1\n 1: sd a0, 64(s1)\n addi a0, a0, 1\n j 1b"));
  board.ram.write(PhysAddr(kRam + kPageBytes), quire::test::assemble("jr ra"));
  board.hart.state().x[9] = kRam + kPageBytes;
  board.translator.run(3000);
  const u64 calls = board.translator.stats().calls;
  board.translator.run(30'000);
  EXPECT_LT(board.translator.stats().calls, calls + 10);
}

TEST(Translator, CodeAndDataThatShareAPageAreRarelyTranslatedAnew) {
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1});
  board.ram.write(PhysAddr(kRam),
                  quire::test::assemble("auipc s1, 0\n 1: sd a0, 64(s1)\n addi a0, a0, 1\n j 1b"));
  board.translator.run(3'000'000);
  EXPECT_LT(board.translator.stats().blocks_dropped, 30u);
}

struct ToldCode final : EngineObserver {
  std::vector<std::string> told;
  void on_block_made(std::span<const PlacedInsn> insns, std::span<const u8> code,
                     const std::string& ir) override {
    told.push_back("made " + std::to_string(insns[0].address - kRam) + " " + std::to_string(insns.size()));
    EXPECT_FALSE(code.empty() || ir.empty());
  }
  void on_block_dropped(u64 address, DropReason reason) override {
    told.push_back("dropped " + std::to_string(address - kRam) + " " +
                   kDropReasonNames[static_cast<int>(reason)]);
  }
  void on_link_made(u64 from, u64 to) override {
    told.push_back("linked " + std::to_string(from - kRam) + " " + std::to_string(to - kRam));
  }
  void on_code_given_up(u64 blocks) override { told.push_back("gave up " + std::to_string(blocks)); }
};

TEST(Translator, TellsWhatItMakesLinksAndDrops) {
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1, .switches = Switches::off({"paths"})});
  ToldCode observer;
  board.hart.set_engine_observer(&observer);
  board.ram.write(
      PhysAddr(kRam),
      quire::test::assemble(
          ".option norvc\n j 1f\n .balign 64\n 1: nop\n addi a0, a0, 1\n j 0f\n .balign 64\n 0: j 1b"));
  board.translator.run(100);
  EXPECT_EQ(observer.told,
            (std::vector<std::string>{"made 64 3", "made 128 1", "linked 128 64", "linked 64 128"}));
  observer.told.clear();
  board.ram.write(PhysAddr(kRam + 68), quire::test::assemble(".option norvc\n addi a0, a0, 2"));
  EXPECT_EQ(observer.told, (std::vector<std::string>{"dropped 64 written"}));
  observer.told.clear();
  board.translator.set_breakpoints({kRam + 128}, {});
  board.translator.run(board.hart.state().icount + 1);
  EXPECT_EQ(observer.told.at(0), "dropped 128 stop");
  board.hart.set_engine_observer(nullptr);
  observer.told.clear();
  board.translator.run(board.hart.state().icount + 100);
  EXPECT_TRUE(observer.told.empty());
}

TEST(Translator, CountsWhyBlocksWereDroppedAndWhatWasCalledFor) {
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1});
  const std::vector<u8> loop = quire::test::assemble("1: csrr a1, mcycle\n addi a0, a0, 1\n j 1b");
  board.ram.write(PhysAddr(kRam), loop);
  board.translator.run(300);
  board.ram.write(PhysAddr(kRam), loop);
  const EngineStats stats = board.translator.stats();
  EXPECT_EQ(stats.dropped_by[static_cast<usize>(DropReason::kWritten)], stats.blocks_dropped);
  EXPECT_GT(stats.blocks_dropped, 0u);
  EXPECT_EQ(stats.calls_by[static_cast<usize>(CallKind::kCsr)], stats.calls);
  EXPECT_GT(stats.calls, 90u);
  EXPECT_GT(stats.run_ns, 0u);
  EXPECT_GT(stats.translate_ns, 0u);
  EXPECT_LE(stats.translate_ns + stats.outside_ns, stats.run_ns);
}

TEST(Translator, MakesNoLinksWhereTheyAreOff) {
  for (const bool off : {false, true}) {
    Board board(1 << 20, {.code_bytes = 2 << 20,
                          .threshold = 1,
                          .switches = off ? Switches::off({"paths", "links"}) : Switches::off({"paths"})});
    board.ram.write(PhysAddr(kRam), quire::test::assemble("1: addi a0, a0, 1\n j 2f\n .balign 64\n 2: j 1b"));
    board.translator.run(3000);
    EXPECT_EQ(board.hart.state().x[10], 1000u);
    EXPECT_EQ(board.translator.stats().links == 0, off);
  }
}

// After fork(2) both go on with the machine, and each translates what the other does not.
TEST(Translator, ProcessesHaveTheirOwnCode) {
  Board board(1 << 20, {.code_bytes = 2 << 20, .threshold = 1});
  const auto load = [&](const char* body) {
    board.ram.write(PhysAddr(kRam), quire::test::assemble(std::string("1: ") + body + "\n j 1b"));
    board.hart.reset(kRam, Privilege::kMachine, 0, 0);
  };
  load("nop");
  board.translator.run(100);
  int parent_ran[2];
  ASSERT_EQ(pipe(parent_ran), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char signal;
    const bool read_it = read(parent_ran[0], &signal, 1) == 1;
    load("addi a0, a0, 1");
    board.translator.run(2000);
    _exit(read_it && board.hart.state().x[10] == 1000 ? 0 : 1);
  }
  load("addi a1, a1, 3");
  board.translator.run(2000);
  EXPECT_EQ(write(parent_ran[1], "", 1), 1);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  board.translator.run(4000);
  EXPECT_EQ(board.hart.state().x[11], 6000u);
  close(parent_ran[0]);
  close(parent_ran[1]);
}

// The child writes to RAM, as when it goes back to a snapshot, before it has code of its own; the parent has
// other code by then where that of the pages was.
TEST(Translator, AProcessThatHasNotRunYetLeavesItsParentsCodeAlone) {
  constexpr u64 kPages = 300;  // more than 2 MiB of code may have
  constexpr u64 kTime = 100'000;
  const TranslatorSettings settings{
      .code_bytes = 2 << 20, .threshold = 1, .switches = Switches::off({"paths"})};
  std::vector<std::vector<u8>> ways;  // pages of different lengths
  for (u64 length = 1; length < 12; ++length) {
    ways.push_back(quire::test::assemble("1: addi a0, a0, 1\n .rept " + std::to_string(length) +
                                         "\n addi a1, a1, 3\n j 2f\n 2: xor a1, a1, a0\n .endr\n"
                                         " addi t2, t2, -1\n bnez t2, 1b\n li t2, 3\n bgeu t1, s5, 3f\n"
                                         " add t1, t1, s3\n jr t1\n 3: mv t1, s1\n jr t1"));
  }
  // Round and round through these pages from now on.
  const auto run = [](Board& board, u64 first, u64 last, u64 count) {
    board.hart.state().x[9] = kRam + first * kPageBytes;
    board.hart.state().x[21] = kRam + last * kPageBytes;
    board.translator.run(count);
  };
  const auto start = [&](Board& board) {
    for (u64 page = 0; page < kPages; ++page) {
      board.ram.write(PhysAddr(kRam + page * kPageBytes), ways[page * page % ways.size()]);
    }
    board.hart.state().x[6] = kRam;
    board.hart.state().x[7] = 3;
    board.hart.state().x[19] = kPageBytes;
    run(board, 0, 100, kTime);
  };
  const auto change_code = [&](Board& board) {
    run(board, 0, kPages - 1, 2 * kTime);
    run(board, 150, 250, 3 * kTime);
  };
  Board undisturbed(kPages * kPageBytes, settings);
  start(undisturbed);
  change_code(undisturbed);
  run(undisturbed, 150, 250, 4 * kTime);
  EXPECT_GT(undisturbed.translator.stats().flushes, 0u);

  Board board(kPages * kPageBytes, settings);
  start(board);
  int go_on[2];
  ASSERT_EQ(pipe(go_on), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char signal;
    const bool read_it = read(go_on[0], &signal, 1) == 1;
    const std::vector<u8> nothing(kPageBytes);
    for (u64 page = 0; page < kPages; ++page) board.ram.write(PhysAddr(kRam + page * kPageBytes), nothing);
    _exit(read_it ? 0 : 1);
  }
  change_code(board);
  EXPECT_EQ(write(go_on[1], "", 1), 1);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  run(board, 150, 250, 4 * kTime);
  EXPECT_EQ(board.hart.state().x[10], undisturbed.hart.state().x[10]);
  EXPECT_EQ(board.hart.state().x[11], undisturbed.hart.state().x[11]);
  close(go_on[0]);
  close(go_on[1]);
}

}  // namespace
}  // namespace quire::jit
