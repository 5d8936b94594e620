#include "quire/machine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "quire/arch/memmap.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;

constexpr std::uint32_t kClintUpper = arch::kClint.base >> 12;

constexpr std::uint32_t kShiftRight32 = insn_i(0x13, 5, t0, t0, 32);  // srli

Config counting_loop() { return config_for(BootMode::kBare, {addi(t0, t0, 1), jump(-4)}); }

TEST(Machine, RefusesImpossibleSettings) {
  const auto refused = [](auto change) {
    Config config = counting_loop();
    change(config);
    try {
      Machine machine(config);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kUsage;
    }
    return false;
  };
  EXPECT_TRUE(refused([](Config& c) { c.ram_bytes = 1 << 20; }));
  EXPECT_TRUE(refused([](Config& c) { c.ram_bytes = 100ULL << 40; }));
  EXPECT_TRUE(refused([](Config& c) { c.ram_bytes = (16 << 20) + 4096; }));
  EXPECT_TRUE(refused([](Config& c) { c.tlb.entries = 3; }));
  EXPECT_TRUE(refused([](Config& c) { c.tlb = {.entries = 4, .ways = 8}; }));
  EXPECT_TRUE(refused([](Config& c) { c.drives.resize(7); }));
  EXPECT_TRUE(refused([](Config& c) { c.initrd.resize(16 << 20); }));
}

TEST(Machine, StartsAtTheEntryInTheModeAskedFor) {
  Machine bare(config_for(BootMode::kBare, {jump(0)}));
  EXPECT_EQ(bare.hart().pc(), kRam);
  EXPECT_EQ(bare.hart().privilege(), arch::Privilege::kMachine);
  EXPECT_EQ(bare.hart().x(a0), 0U);
  std::uint8_t magic[4];
  bare.memory().read(bare.hart().x(a1), magic);
  EXPECT_EQ(magic[0], 0xd0);
  EXPECT_EQ(magic[3], 0xed);
  Machine supervised(config_for(BootMode::kSupervisor, {jump(0)}));
  EXPECT_EQ(supervised.hart().privilege(), arch::Privilege::kSupervisor);
}

TEST(Machine, StopsAtExactlyTheCountAskedFor) {
  Machine machine(counting_loop());
  std::uint64_t total = 0;
  for (const std::uint64_t count : {1U, 2U, 7U, 1000U, 12345U, 1'500'000U}) {
    const Stop stop = machine.run({.max_insns = count});
    total += count;
    EXPECT_EQ(stop.reason, StopReason::kLimit);
    EXPECT_EQ(stop.icount, total);
    EXPECT_EQ(machine.hart().x(t0), (total + 1) / 2);
    EXPECT_EQ(stop.pc, kRam + 4 * (total % 2));
  }
  EXPECT_EQ(machine.run({.max_insns = 0}).icount, total);
}

TEST(Machine, TimeoutIsOfTheHost) {
  Machine machine(counting_loop());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(machine.run({.timeout_seconds = 0.05}).reason, StopReason::kTimeout);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took.count(), 0.05);
  EXPECT_LT(took.count(), 2.0);
}

TEST(Machine, StopRequestsComeFromAnyThread) {
  Machine machine(counting_loop());
  std::thread other([&machine] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    machine.request_stop();
  });
  EXPECT_EQ(machine.run().reason, StopReason::kRequested);
  other.join();
  EXPECT_EQ(machine.run({.max_insns = 10}).reason, StopReason::kLimit);
}

TEST(Machine, AStopRequestedBeforeTheRunEndsItAtOnce) {
  Machine machine(counting_loop());
  machine.request_stop();
  const Stop stop = machine.run({.max_insns = 10});
  EXPECT_EQ(stop.reason, StopReason::kRequested);
  EXPECT_EQ(stop.icount, 0U);
}

TEST(Machine, FinisherCarriesTheStatus) {
  Code code;
  append_exit(code, 42);
  Machine machine(config_for(BootMode::kBare, code));
  const Stop stop = machine.run();
  EXPECT_EQ(stop.reason, StopReason::kExited);
  EXPECT_EQ(stop.exit_status, 42);
  const Stop again = machine.run();
  EXPECT_EQ(again.exit_status, 42);
  EXPECT_EQ(again.icount, stop.icount);
}

TEST(Machine, WaitingForEverIsIdle) {
  Machine machine(config_for(BootMode::kBare, {kWfi, jump(-4)}));
  EXPECT_EQ(machine.run().reason, StopReason::kIdle);
}

/// Says "not yet" until it has been waited for, then gives one byte, then ends.
class LateSource final : public ByteSource {
 public:
  ReadResult read(std::span<std::uint8_t> out) override {
    if (waits == 0) {
      return {ReadStatus::kNotYet, 0};
    }
    if (given || out.empty()) {
      return {ReadStatus::kEnd, 0};
    }
    given = true;
    out[0] = 'Z';
    return {ReadStatus::kData, 1};
  }
  bool wait(int) override {
    ++waits;
    return !given;
  }
  int waits = 0;
  bool given = false;
};

/// Sleeps until the UART has a byte, by PLIC source 10 and mie.MEIE, and ends with it as status; then idles.
Code uart_reader() {
  Code code{lui(t0, arch::kPlic.base >> 12),
            addi(t1, zero, 1),
            sw(t1, t0, 40),  // priority of source 10
            lui(t2, 2),
            add(t0, t2, t0),
            addi(t1, zero, 1024),
            sw(t1, t0, 0),
            lui(t0, arch::kUart.base >> 12),
            addi(t1, zero, 1),
            store(0, t1, t0, 1),  // IER: receive
            lui(t1, 1),
            addi(t1, t1, -2048),
            csrrs(zero, 0x304, t1),
            kWfi,
            insn_i(0x03, 4, t1, t0, 0)};
  code.insert(code.end(), {slli(t1, t1, 16), lui(t2, 3), addi(t2, t2, 0x333), bit_or(t1, t1, t2),
                           lui(t0, kFinisherUpper), sw(t1, t0, 0), jump(0)});
  return code;
}

TEST(Machine, WaitsForInputWhenNothingElseIsDue) {
  Config config = config_for(BootMode::kBare, uart_reader());
  const auto source = std::make_shared<LateSource>();
  config.uart_in = source;
  Machine machine(config);
  const Stop stop = machine.run({.max_insns = 1000, .timeout_seconds = 10});
  EXPECT_EQ(stop.reason, StopReason::kExited) << stop.detail;
  EXPECT_EQ(stop.exit_status, 'Z');
  EXPECT_EQ(source->waits, 1);
}

TEST(Machine, InputThatHasEndedLeavesItIdle) {
  Config config = config_for(BootMode::kBare, uart_reader());
  const auto source = std::make_shared<LateSource>();
  source->waits = 1;
  source->given = true;
  config.uart_in = source;
  Machine machine(config);
  EXPECT_EQ(machine.run({.max_insns = 1000, .timeout_seconds = 10}).reason, StopReason::kIdle);
}

TEST(Machine, TimeoutEndsAWaitForInput) {
  class SilentSource final : public ByteSource {
   public:
    ReadResult read(std::span<std::uint8_t>) override { return {ReadStatus::kNotYet, 0}; }
    bool wait(int timeout_ms) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(timeout_ms));
      return true;
    }
  };
  Config config = config_for(BootMode::kBare, uart_reader());
  config.uart_in = std::make_shared<SilentSource>();
  Machine machine(config);
  EXPECT_EQ(machine.run({.timeout_seconds = 0.05}).reason, StopReason::kTimeout);
  std::thread other([&machine] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    machine.request_stop();
  });
  EXPECT_EQ(machine.run({.timeout_seconds = 10}).reason, StopReason::kRequested);
  other.join();
}

/// A stream that fails throws through the engine; the machine is still there afterwards.
TEST(Machine, AFailingStreamEndsTheRunWithItsError) {
  class BrokenSink final : public ByteSink {
   public:
    void write(std::span<const std::uint8_t>) override {
      throw Error(ErrorKind::kFile, "stdout: broken pipe");
    }
  };
  Config config =
      config_for(BootMode::kBare, {lui(t0, arch::kUart.base >> 12), store(0, t1, t0, 0), jump(0)});
  config.uart = std::make_shared<BrokenSink>();
  Machine machine(config);
  EXPECT_THROW(machine.run({.max_insns = 100}), Error);
  EXPECT_NO_THROW(machine.run({.max_insns = 0}));
}

/// mtimecmp = 100 ticks; wfi; then `t2` = mtime, and exit. MTIE is set, MIE is not: WFI wakes without a trap.
Code timer_program() {
  Code code{lui(t0, kClintUpper + 4), addi(t1, zero, 100),    sd(t1, t0, 0),
            addi(t1, zero, 128),      csrrs(zero, 0x304, t1), kWfi,
            csrrs(a2, 0xc01, zero)};
  append_exit(code, 1);
  return code;
}

TEST(Machine, WfiJumpsToTheNextEvent) {
  Machine machine(config_for(BootMode::kBare, timer_program()));
  const Stop stop = machine.run();
  EXPECT_EQ(stop.reason, StopReason::kExited);
  EXPECT_EQ(machine.hart().x(a2), 100U);
  EXPECT_LT(stop.icount, 20U);
  EXPECT_GE(machine.time_ns(), 10'000U);
}

/// Counts in t0 until the timer, set anew each 37 ticks by the trap handler, has come 50 times.
Code interrupting_program() {
  Code code;
  code.push_back(auipc(t1, 0));
  code.push_back(addi(t1, t1, 0x100));
  code.push_back(csrrw(zero, 0x305, t1));  // mtvec
  code.push_back(lui(t2, kClintUpper + 4));
  code.push_back(addi(t1, zero, 37));
  code.push_back(sd(t1, t2, 0));
  code.push_back(addi(t1, zero, 128));
  code.push_back(csrrw(zero, 0x304, t1));                             // mie.MTIE
  code.push_back(insn_i(0x73, 6, zero, static_cast<Reg>(8), 0x300));  // csrsi mstatus, MIE
  code.push_back(addi(t0, t0, 1));
  code.push_back(jump(-4));
  code.resize(0x100 / 4, addi(zero, zero, 0));
  // Handler: mtimecmp += 37; count in a2; sum of mepc in a6.
  code.push_back(ld(t1, t2, 0));
  code.push_back(addi(t1, t1, 37));
  code.push_back(sd(t1, t2, 0));
  code.push_back(csrrs(t1, 0x341, zero));
  code.push_back(add(a6, a6, t1));
  code.push_back(addi(a2, a2, 1));
  code.push_back(addi(t1, zero, 50));
  code.push_back(blt(a2, t1, 9 * 4));
  append_exit(code, 3);
  code.push_back(0x3020'0073);  // mret
  return code;
}

TEST(Machine, InterruptsComeAtTheSameInstructionHoweverTheRunIsCut) {
  const Config config = config_for(BootMode::kBare, interrupting_program());
  Machine whole(config);
  const Stop end = whole.run({.max_insns = 10'000'000});
  ASSERT_EQ(end.reason, StopReason::kExited);
  ASSERT_EQ(end.exit_status, 3);
  for (const std::uint64_t slice : {1U, 3U, 17U, 370U, 1000U}) {
    Machine cut(config);
    Stop stop;
    do {
      stop = cut.run({.max_insns = slice});
    } while (stop.reason == StopReason::kLimit);
    EXPECT_EQ(stop.icount, end.icount);
    EXPECT_EQ(cut.digest(), whole.digest()) << slice;
    EXPECT_EQ(cut.hart().x(a6), whole.hart().x(a6));
  }
}

TEST(Machine, DigestsAtACountAreTheSameOnEveryWayThere) {
  const Config config = config_for(BootMode::kBare, interrupting_program());
  for (const std::uint64_t count : {5U, 369U, 370U, 371U, 3700U, 9999U}) {
    Machine direct(config);
    direct.run({.max_insns = count});
    Machine stepped(config);
    for (std::uint64_t i = 0; i < count; ++i) {
      stepped.run({.max_insns = 1});
    }
    EXPECT_EQ(direct.digest(), stepped.digest()) << count;
  }
}

TEST(Machine, DigestSeesRegistersRamAndTime) {
  Machine one(counting_loop());
  Machine two(counting_loop());
  EXPECT_EQ(one.digest(), two.digest());
  two.hart().set_x(5, 1);
  EXPECT_NE(one.digest(), two.digest());
  two.hart().set_x(5, 0);
  const std::uint8_t byte = 1;
  two.memory().write(kRam + (8 << 20), {&byte, 1});
  EXPECT_NE(one.digest(), two.digest());
  const std::uint8_t zero_byte = 0;
  two.memory().write(kRam + (8 << 20), {&zero_byte, 1});
  EXPECT_EQ(one.digest(), two.digest());
  two.run({.max_insns = 1});
  EXPECT_NE(one.digest(), two.digest());
}

class EventLog final : public TraceSink {
 public:
  explicit EventLog(Machine& machine) : machine_(machine) {}
  void on_event(const TraceEvent& event) override {
    events.push_back(event);
    EXPECT_THROW(machine_.run(), Error);
    machine_.request_stop();
  }
  std::vector<TraceEvent> events;

 private:
  Machine& machine_;
};

/// Registers a record at 0x80001000 whose words are set by the host, and rings for event 5 with 2 arguments:
/// once, and after one more instruction for ever.
Code ringing() {
  Code code;
  append_address(code, t0, 0x80001);
  code.push_back(lui(t1, arch::kTracePort.base >> 12));
  code.push_back(sd(t0, t1, 8));
  code.push_back(lui(t2, 0x20));
  code.push_back(addi(t2, t2, 5));
  code.push_back(sd(t2, t1, 16));
  code.push_back(addi(a2, zero, 1));
  code.push_back(sd(t2, t1, 16));
  code.push_back(jump(-4));
  return code;
}

TEST(Machine, TraceEventsReachSinksAtTheInstruction) {
  Machine machine(config_for(BootMode::kBare, ringing()));
  const std::uint64_t record[] = {11, 22, 33};
  machine.memory().write(kRam + 0x1000, {reinterpret_cast<const std::uint8_t*>(record), sizeof record});
  EventLog log(machine);
  machine.add_sink(&log);
  const Stop stop = machine.run({.max_insns = 1000});
  ASSERT_EQ(log.events.size(), 1U);
  EXPECT_EQ(log.events[0].id, arch::TraceEventId::k_exit);
  EXPECT_EQ(log.events[0].args[1], 22U);
  EXPECT_EQ(log.events[0].args[2], 0U);
  EXPECT_EQ(log.events[0].icount, 7U);
  EXPECT_EQ(stop.reason, StopReason::kRequested);
  EXPECT_EQ(stop.icount, 8U);
  EXPECT_EQ(machine.hart().x(a2), 0U);
}

TEST(Machine, SinksMayRemoveThemselvesAndOthersWhileTold) {
  Machine machine(config_for(BootMode::kBare, ringing()));
  struct Counting : TraceSink {
    void on_event(const TraceEvent& /*event*/) override { ++count; }
    int count = 0;
  };
  struct Removing final : Counting {
    void on_event(const TraceEvent& event) override {
      Counting::on_event(event);
      machine->remove_sink(this);
      machine->remove_sink(other);
      machine->add_sink(added);
    }
    Machine* machine = nullptr;
    Counting* other = nullptr;
    Counting* added = nullptr;
  };
  Counting before;
  Counting removed;
  Counting behind;
  Counting added;
  Removing removing;
  removing.machine = &machine;
  removing.other = &removed;
  removing.added = &added;
  for (TraceSink* sink : {static_cast<TraceSink*>(&before), static_cast<TraceSink*>(&removing),
                          static_cast<TraceSink*>(&removed), static_cast<TraceSink*>(&behind)}) {
    machine.add_sink(sink);
  }
  machine.run({.max_insns = 12});  // rings at the 8th, the 10th and the 12th
  EXPECT_EQ(before.count, 3);
  EXPECT_EQ(removing.count, 1);
  EXPECT_EQ(removed.count, 0);
  EXPECT_EQ(behind.count, 3);
  EXPECT_EQ(added.count, 2);
}

TEST(Machine, ViewsRefuseWhatIsNotThere) {
  Machine machine(counting_loop());
  EXPECT_THROW(machine.hart(1), Error);
  EXPECT_THROW(machine.hart().x(32), Error);
  EXPECT_THROW(machine.hart().csr(0x7ff), Error);
  std::uint8_t bytes[2];
  EXPECT_THROW(machine.memory().read(kRam - 1, bytes), Error);
  EXPECT_THROW(machine.memory().write(kRam + (16 << 20) - 1, bytes), Error);
  machine.hart().set_x(0, 5);
  EXPECT_EQ(machine.hart().x(0), 0U);
}

TEST(Machine, WalkTellsEveryStepAndTouchesNothing) {
  Machine machine(counting_loop());
  const std::uint64_t root = kRam + (1 << 20);
  const auto put = [&machine](std::uint64_t address, std::uint64_t value) {
    machine.memory().write(address, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  };
  using arch::Pte;
  put(root, Pte::make(arch::PhysAddr(root + 4096), arch::kPteValid).raw);
  put(root + 4096 + 8,
      Pte::make(arch::PhysAddr(kRam + (2 << 20)), arch::kPteValid | arch::kPteRead | arch::kPteUser).raw);
  const auto satp = arch::Satp::make(arch::SatpMode::kSv39, 1, arch::PhysAddr(root)).raw;
  const arch::VirtAddr va((2 << 20) + 0x1234);
  const auto before = machine.digest();
  const Walk good = machine.walk(va, satp, arch::Access::kRead);
  ASSERT_EQ(good.steps.size(), 2U);
  EXPECT_EQ(good.steps[1].pte_address, root + 4096 + 8);
  EXPECT_EQ(good.physical_address, kRam + (2 << 20) + 0x1234);
  EXPECT_EQ(good.page_bytes, 2U << 20);
  EXPECT_FALSE(good.fault);
  const Walk bad = machine.walk(va, satp, arch::Access::kWrite);
  EXPECT_EQ(bad.fault, arch::Exception::kStorePageFault);
  EXPECT_FALSE(bad.fault_reason.empty());
  EXPECT_EQ(machine.digest(), before);
}

TEST(Machine, ScreenShowsWhatTheGuestStores) {
  // The framebuffer of 16x16 pixels takes the last 2 MiB of RAM.
  const std::uint64_t address = kRam + (64 << 20) - (2 << 20);
  Config config =
      config_for(BootMode::kBare, {lui(t0, static_cast<std::uint32_t>(address >> 12)), slli(t0, t0, 32),
                                   kShiftRight32, lui(t1, 0xff), addi(t1, t1, 0x12), sw(t1, t0, 4), jump(0)});
  config.ram_bytes = 64 << 20;
  EXPECT_FALSE(Machine(config).screen());
  config.screen = ScreenSize{16, 16};
  Machine machine(config);
  machine.run({.max_insns = 100});
  const Screen screen = *machine.screen();
  EXPECT_EQ(screen.size.height, 16U);
  ASSERT_EQ(screen.rgba.size(), 16U * 16 * 4);
  const std::vector<std::uint8_t> second(screen.rgba.begin() + 4, screen.rgba.begin() + 8);
  EXPECT_EQ(second, (std::vector<std::uint8_t>{0x0f, 0xf0, 0x12, 255}));
}

TEST(Machine, RefusesScreensThatDoNotFitOrThatNobodyKnowsOf) {
  Config config = counting_loop();
  config.screen = ScreenSize{16, 16};
  const Machine fits(config);
  config.device_tree.assign(fits.device_tree().begin(), fits.device_tree().end());
  try {
    Machine machine(config);
    ADD_FAILURE() << "a screen that the device tree does not have was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("a screen and a device tree"), std::string::npos);
  }
  config.device_tree.clear();
  for (const ScreenSize size : {ScreenSize{15, 100}, ScreenSize{100, 9000}, ScreenSize{8192, 8192}}) {
    config.screen = size;
    EXPECT_THROW(Machine machine(config), Error);
  }
}

}  // namespace
}  // namespace quire
