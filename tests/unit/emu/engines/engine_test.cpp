// What every engine owes (emu/hart/engine.h); part of the tests of each, which say what
// make_engine_under_test() makes.
#include "emu/hart/engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "emu/hart/csr.h"
#include "emu/hart/execute.h"
#include "tests/unit/emu/engines/engine_under_test.h"
#include "tests/unit/emu/isa/binutils.h"
#include "tests/unit/emu/mem/page_tables.h"

namespace quire {
namespace {

using namespace test;

constexpr u64 kPort = 0x1000'0000;

struct FixedEnv final : HartEnv {
  u64 time() override { return 0; }
  bool sbi_call(HartState&) override { return false; }
};

class Port final : public Device {
 public:
  std::function<void(u64)> on_write = [](u64) {};
  std::string_view name() const override { return "port"; }
  void reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  u64 read(u64, unsigned) override { return 0; }
  void write(u64, unsigned, u64 value) override { on_write(value); }
};

/// A board with an engine; code starts at kRam, in M-mode.
struct Board {
  Ram ram{PhysAddr(kRam), 0x40'0000};
  Bus bus{ram};
  FixedEnv env;
  Port port;
  std::unique_ptr<Hart> owner;
  std::unique_ptr<HartEngine> engine;

  explicit Board(const std::string& source, const TlbConfig& tlb = {}) : Board(assemble(source), tlb) {}
  explicit Board(const std::vector<u8>& code, const TlbConfig& tlb = {},
                 ExtensionSet extensions = kDefaultExtensions) {
    bus.add_device(PhysAddr(kPort), 0x1000, &port);
    ram.write(PhysAddr(kRam), code);
    owner = std::make_unique<Hart>(0, bus, tlb, env, extensions);
    engine = make_engine_under_test(*owner);
    hart().reset(kRam, Privilege::kMachine, 0, 0);
    hart().mmu().pmp().allow_everything();
  }
  Hart& hart() { return *owner; }
  HartState& state() { return owner->state(); }
  u64 x(unsigned r) { return state().x[r]; }
  RunExit run(u64 until) { return engine->run(until); }
  /// The same without blocks.
  void step(u64 until) {
    while (state().icount < until) {
      hart().take_pending_interrupt();
      if (const auto insn = fetch(hart())) execute(hart(), *insn);
    }
  }
  std::vector<u64> everything() {
    std::vector<u64> out;
    hart().append_architectural_state(out);
    for (u64 offset = 0; offset < ram.size_bytes(); offset += 8) {
      u64 word;
      std::memcpy(&word, ram.host(PhysAddr(kRam + offset)), 8);
      if (word != 0) out.insert(out.end(), {offset, word});
    }
    return out;
  }
};

// Traps, page faults, stores, calls, loops over two pages, atomics and floating point, for ever; the tables
// at 1 MiB map the first 2 MiB at VA 0 with 4 KiB pages, A and D clear.
constexpr const char* kBusyProgram = R"(
    li t0, 0x80100000          # root, then two tables
    li t1, 0x20040401
    sd t1, 0(t0)
    li t0, 0x80101000
    li t1, 0x20040801
    sd t1, 0(t0)
    li t0, 0x80102000
    li t1, 0x2000000f          # V R W X of 0x80000000
    li t2, 512
fill:
    sd t1, 0(t0)
    addi t0, t0, 8
    addi t1, t1, 0x400
    addi t2, t2, -1
    bnez t2, fill
    sd zero, -8(t0)            # the last page is not there
    li t0, 0x80000200          # handler
    csrw mtvec, t0
    li t0, 1
    slli t0, t0, 63
    li t1, 0x80100
    or t0, t0, t1
    csrw satp, t0
    li t0, 0x2800
    csrs mstatus, t0           # MPP = S, FS
    li t0, 0x280               # the loop, as mapped
    csrw mepc, t0
    mret
    .org 0x200
    csrr t5, mepc
    addi t5, t5, 4
    csrw mepc, t5
    addi s11, s11, 1
    mret
    .org 0x280
    li s0, 0x10000
    li s1, 0
loop:
    andi t0, s1, 0xff
    slli t1, t0, 5
    add t1, t1, s0
    sd s1, 3(t1)               # misaligned, at times across pages
    ld t2, 3(t1)
    add s2, s2, t2
    li t3, 0x1ff000
    sw s1, 0(t3)               # faults
    amoadd.d t4, s1, (s0)
    lr.d t4, (s0)
    sc.d t6, s2, (s0)
    fcvt.d.l fa0, s1
    fadd.d fa1, fa1, fa0
    fdiv.d fa2, fa1, fa0
    mulhu s3, s2, s1
    divu s4, s2, s1
    jal ra, far
    ecall
    addi s1, s1, 1
    bnez s1, loop
    .org 0x1ffe - 1024
far:
    .rept 512
    c.addi s5, 1
    .endr
    .option norvc
    addi s5, s5, 1             # straddles two pages
    ret
)";

TEST(Engine, StopsExactlyAtEveryCountAndAgreesWithSingleSteps) {
  const std::vector<u8> code = assemble(kBusyProgram);
  Board reference(code);
  Board sliced(code);
  for (u64 count = 1; count < 12'000; count = count < 1000 ? count + 1 : count + 37) {
    reference.step(count);
    ASSERT_EQ(sliced.run(count), RunExit::kCount);
    ASSERT_EQ(sliced.state().icount, count);
    ASSERT_EQ(sliced.state().pc, reference.state().pc) << count;
  }
  EXPECT_EQ(sliced.everything(), reference.everything());
  EXPECT_GT(sliced.state().trap_count, 10u);
  EXPECT_GT(sliced.state().page_fault_count, 3u);
}

class Slicing : public testing::TestWithParam<TlbConfig> {};

TEST_P(Slicing, ChangesNothing) {
  const std::vector<u8> code = assemble(kBusyProgram);
  constexpr u64 kEnd = 300'000;
  Board whole(code, GetParam());
  whole.run(kEnd);
  for (unsigned seed = 1; seed <= 3; ++seed) {
    std::mt19937_64 random(seed);
    Board cut(code, GetParam());
    while (cut.state().icount < kEnd) {
      cut.run(std::min(kEnd, cut.state().icount + 1 + random() % (random() % 7 == 0 ? 5000 : 90)));
    }
    ASSERT_EQ(cut.everything(), whole.everything()) << "seed " << seed;
    EXPECT_EQ(cut.hart().mmu().tlb().stats().hits, whole.hart().mmu().tlb().stats().hits);
    EXPECT_EQ(cut.hart().mmu().tlb().stats().walks, whole.hart().mmu().tlb().stats().walks);
    EXPECT_EQ(cut.hart().mmu().tlb().stats().misses, whole.hart().mmu().tlb().stats().misses);
  }
}

/// Runs to `until`, over breakpoints; their stops by pc.
std::map<u64, unsigned> run_over_breakpoints(Board& board, u64 until, u64 slice) {
  std::map<u64, unsigned> stops;
  while (board.state().icount < until) {
    const RunExit exit = board.run(std::min(until, board.state().icount + slice));
    if (exit == RunExit::kBreakpoint) ++stops[board.state().pc];
  }
  return stops;
}

// In the loop of kBusyProgram: in mid-block, after a store that faults, a jump's target, an instruction that
// straddles two pages, one at the start of a page, the handler; and one that shares its page offset alone.
const std::vector<u64> kBusyBreakpoints = {0x292, 0x2a0, 0x1bfe, 0x1ffe, 0x2002, kRam + 0x200, kRam + 0x1290};

TEST_P(Slicing, BreakpointsChangeNothing) {
  const std::vector<u8> code = assemble(kBusyProgram);
  constexpr u64 kEnd = 60'000;
  Board plain(code, GetParam());
  plain.run(kEnd);
  std::optional<std::map<u64, unsigned>> expected;
  for (const u64 slice : {u64{1'000'000}, u64{777}, u64{50}, u64{1}}) {
    Board board(code, GetParam());
    board.engine->set_breakpoints(kBusyBreakpoints);
    const auto stops = run_over_breakpoints(board, kEnd, slice);
    ASSERT_EQ(board.everything(), plain.everything()) << slice;
    EXPECT_EQ(board.hart().mmu().tlb().stats().hits, plain.hart().mmu().tlb().stats().hits);
    EXPECT_EQ(board.hart().mmu().tlb().stats().walks, plain.hart().mmu().tlb().stats().walks);
    if (!expected) expected = stops;
    EXPECT_EQ(stops, *expected) << slice;
  }
  EXPECT_GT((*expected)[0x292], 20u);
  EXPECT_EQ((*expected)[0x2a0], (*expected)[0x292]);  // the store before it traps, its handler comes back
  EXPECT_GE((*expected)[0x1ffe] + 1, (*expected)[0x1bfe]);
  EXPECT_GE((*expected)[0x2002] + 1, (*expected)[0x1bfe]);
  EXPECT_GT((*expected)[kRam + 0x200], 20u);
  EXPECT_EQ(expected->count(kRam + 0x1290), 0u);
}

TEST_P(Slicing, AStopAtABreakpointIsTheStateOfAStopAtItsCount) {
  const std::vector<u8> code = assemble(kBusyProgram);
  Board board(code, GetParam());
  board.engine->set_breakpoints(kBusyBreakpoints);
  for (unsigned stops = 0; stops < 40;) {
    if (board.run(1'000'000) != RunExit::kBreakpoint) continue;
    ++stops;
    Board limited(code, GetParam());
    limited.run(board.state().icount);
    ASSERT_EQ(board.everything(), limited.everything()) << std::hex << board.state().pc;
  }
}

INSTANTIATE_TEST_SUITE_P(Tlbs, Slicing,
                         testing::Values(TlbConfig{}, TlbConfig{2, 1, TlbPolicy::kDefault},
                                         TlbConfig{8, 8, TlbPolicy::kLru}, TlbConfig{4, 2, TlbPolicy::kFifo},
                                         TlbConfig{16, 4, TlbPolicy::kRandom}));

TEST(Engine, BreakpointsStopBeforeTheInstructionAndOnceAtATime) {
  Board board(".option norvc\n loop: addi a0, a0, 1\n addi a1, a1, 1\n addi a2, a2, 1\n j loop\n");
  board.run(6);  // blocks exist already
  board.engine->set_breakpoints({kRam + 4});
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  EXPECT_EQ(board.state().pc, kRam + 4);
  EXPECT_EQ(board.state().icount, 9u);
  EXPECT_EQ(board.x(10), 3u);
  EXPECT_EQ(board.x(11), 2u);
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  EXPECT_EQ(board.state().icount, 13u);
  EXPECT_EQ(board.run(14), RunExit::kCount);
  EXPECT_EQ(board.run(17), RunExit::kCount);  // the limit comes first
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  EXPECT_EQ(board.state().icount, 17u);
  board.engine->set_breakpoints({});
  EXPECT_EQ(board.run(1000), RunExit::kCount);
  EXPECT_EQ(board.x(11), 250u);
}

TEST(Engine, BreakpointsHoldWhenTheirCodeIsWritten) {
  Board board(".option norvc\n loop: addi a0, a0, 1\n addi a1, a1, 1\n j loop\n");
  board.engine->set_breakpoints({kRam + 4});
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  board.ram.write(PhysAddr(kRam + 4), assemble(".option norvc\n addi a1, a1, 16\n"));
  EXPECT_EQ(board.run(1000), RunExit::kBreakpoint);
  EXPECT_EQ(board.x(11), 16u);
}

TEST(Engine, StraddlingInstructionsAreKeptOnce) {
  // A TLB that must see every access lets no fast entry lead to the second page.
  Board board(assemble(kBusyProgram), {8, 8, TlbPolicy::kLru});
  board.run(100'000);
  const auto dropped_or_kept = [&board] { return board.engine->stats().blocks_built; };
  const u64 before = dropped_or_kept();
  board.run(300'000);
  EXPECT_LT(dropped_or_kept() - before, 50u);
}

TEST(Engine, HandlersDoNotGrowTheStack) {
  Board board("loop: addi a0, a0, 1\n addi a1, a1, 1\n ld a2, 0(sp)\n j loop\n");
  board.state().x[2] = kRam + 0x1000;
  board.run(8'000'000);  // 64 MiB of return addresses, were there any
  EXPECT_EQ(board.x(10), 2'000'000u);
}

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

TEST(Engine, StraddlingInstructionsFollowTheirSecondPage) {
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

TEST(Engine, StraddlingInstructionsMayNeedTheSlowPath) {
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

// --- extensions that are off ---

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
