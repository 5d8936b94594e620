#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "quire/debug.h"
#include "quire/machine.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;

constexpr std::uint64_t kData = kRam + 0x1800;

/// Writes 1, 2, 3 ... to the word at kData, and reads it back, for ever.
Code counting_in_memory() {
  Code code;
  append_address(code, t2, kData >> 12);
  code.insert(code.end(), {addi(t2, t2, 0x7f0), addi(t2, t2, 16),  // kData
                           addi(t0, t0, 1), sw(t0, t2, 0), ld(t1, t2, 0), jump(-12)});
  return code;
}
constexpr std::uint64_t kLoop = kRam + 5 * 4;  // the addi

TEST(Debugging, BreakpointsStopBeforeTheInstruction) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  machine.add_breakpoint(kLoop + 4);
  machine.add_breakpoint(kLoop + 4);
  Stop stop = machine.run({.max_insns = 1000});
  EXPECT_EQ(stop.reason, StopReason::kBreakpoint);
  EXPECT_EQ(stop.pc, kLoop + 4);
  EXPECT_EQ(stop.icount, 6U);
  stop = machine.run({.max_insns = 1000});
  EXPECT_EQ(stop.reason, StopReason::kBreakpoint);
  EXPECT_EQ(stop.icount, 10U);
  machine.remove_breakpoint(kLoop + 4);
  EXPECT_EQ(machine.run({.max_insns = 1000}).reason, StopReason::kLimit);
  machine.remove_breakpoint(kLoop + 4);
}

TEST(Debugging, RangesStopBeforeEachOfTheirInstructions) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  machine.run({.max_insns = 200});  // blocks exist
  machine.add_breakpoint_range(kLoop + 1, kLoop + 8);
  std::vector<std::uint64_t> places;
  for (int i = 0; i < 4; ++i) {
    const Stop stop = machine.run({.max_insns = 1000});
    ASSERT_EQ(stop.reason, StopReason::kBreakpoint);
    places.push_back(stop.pc - kLoop);
  }
  EXPECT_EQ(places, (std::vector<std::uint64_t>{4, 8, 4, 8}));
  machine.remove_breakpoint_range(kLoop + 1, kLoop + 8);
  machine.add_breakpoint_range(0, ~std::uint64_t{0});
  for (std::uint64_t at = machine.icount() + 1; at < 300; ++at) {
    EXPECT_EQ(machine.run({.max_insns = 1000}).icount, at);
  }
  EXPECT_THROW(machine.add_breakpoint_range(8, 4), Error);
}

TEST(Debugging, ABreakpointIsHitAgainWhereARestoredHartComesToItAgain) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  machine.add_breakpoint(kLoop);
  ASSERT_EQ(machine.run({.max_insns = 1000}).icount, 5U);
  const Snapshot snapshot = machine.snapshot();
  ASSERT_EQ(machine.run({.max_insns = 2}).icount, 7U);
  machine.restore(snapshot);
  EXPECT_EQ(machine.run({.max_insns = 2}).reason, StopReason::kBreakpoint);
  EXPECT_EQ(machine.icount(), 5U);
}

/// Notes accesses, and asks for a stop at each.
class AccessLog final : public Observer {
 public:
  explicit AccessLog(Machine& machine) : machine_(machine) {}
  void on_access(const AccessEvent& event) override {
    events.push_back(event);
    machine_.request_stop();
  }
  std::vector<AccessEvent> events;

 private:
  Machine& machine_;
};

TEST(Debugging, ObservedMemoryIsToldWithValuesAndStopsAreExact) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  machine.run({.max_insns = 200});  // fast entries exist
  AccessLog log(machine);
  const Watchpoint place{kData + 1, 1, WatchKind::kWrite};
  machine.observe_memory(&log, place);
  const Stop stop = machine.run({.max_insns = 1000});
  EXPECT_EQ(stop.reason, StopReason::kRequested);
  EXPECT_EQ(stop.pc, kLoop + 8);
  ASSERT_EQ(log.events.size(), 1U);
  EXPECT_EQ(log.events[0].address, kData);
  EXPECT_EQ(log.events[0].size_bytes, 4U);
  EXPECT_EQ(log.events[0].value, machine.hart().x(5));
  EXPECT_EQ(log.events[0].at.pc, kLoop + 4);
  EXPECT_EQ(log.events[0].at.icount + 1, stop.icount);
  EXPECT_TRUE(log.events[0].is_store);
  machine.stop_observing_memory(&log, place);
  EXPECT_EQ(machine.run({.max_insns = 1000}).reason, StopReason::kLimit);
}

TEST(Debugging, AllOfMemoryCanBeObserved) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  AccessLog log(machine);
  machine.observe_memory(&log, {0, ~std::uint64_t{0}, WatchKind::kAccess});
  while (machine.icount() < 405) machine.run({.max_insns = 405 - machine.icount()});
  EXPECT_EQ(log.events.size(), 200U);
}

TEST(Debugging, AnInterruptsObserverStopsBeforeTheHandler) {
  class Stopper final : public Observer {
   public:
    explicit Stopper(Machine& machine) : machine_(machine) {}
    void on_interrupt(const TrapEvent&) override { machine_.request_stop(); }

   private:
    Machine& machine_;
  };
  constexpr std::uint64_t kHandler = kRam + 0x40;
  Code code(0x50 / 4, jump(0));
  Machine machine(config_for(BootMode::kBare, code));
  machine.hart().set_csr(0x305, kHandler);  // mtvec
  machine.hart().set_csr(0x304, 1U << 3);   // mie.MSIE
  machine.hart().set_csr(0x300, 1U << 3);   // mstatus.MIE
  Stopper stopper(machine);
  machine.add_observer(&stopper, Observed::kInterrupt);
  machine.run({.max_insns = 100});
  machine.hart().set_csr(0x304, 1U << 1);  // mie.SSIE, which software can raise
  machine.hart().set_csr(0x344, 1U << 1);  // mip.SSIP
  const Stop stop = machine.run({.max_insns = 100});
  EXPECT_EQ(stop.reason, StopReason::kRequested);
  EXPECT_EQ(stop.pc, kHandler);
  EXPECT_EQ(stop.icount, 100U);
  machine.remove_observer(&stopper);
}

TEST(Debugging, ABreakpointSetByASinkHoldsAtOnce) {
  class Setter final : public Observer {
   public:
    explicit Setter(Machine& machine) : machine_(machine) {}
    void on_device(const DeviceEvent&) override { machine_.add_breakpoint(kRam + 8); }

   private:
    Machine& machine_;
  };
  Machine machine(
      config_for(BootMode::kBare, {lui(t0, arch::kUart.base >> 12), store(0, t1, t0, 0), jump(0)}));
  Setter setter(machine);
  machine.add_observer(&setter, Observed::kDevice);
  const Stop stop = machine.run({.max_insns = 5'000'000});
  EXPECT_EQ(stop.reason, StopReason::kBreakpoint);
  EXPECT_EQ(stop.icount, 2U);
  machine.remove_observer(&setter);
}

TEST(Debugging, WatchpointsStopAfterTheAccessWithItsAddress) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  machine.run({.max_insns = 200});  // fast entries exist
  const Watchpoint on_write{kData + 1, 1, WatchKind::kWrite};
  machine.add_watchpoint(on_write);
  Stop stop = machine.run({.max_insns = 1000});
  ASSERT_EQ(stop.reason, StopReason::kWatchpoint) << stop.detail;
  ASSERT_TRUE(stop.watch.has_value());
  EXPECT_EQ(stop.watch->address, kData + 1);
  EXPECT_EQ(stop.watch->pc, kLoop + 4);
  EXPECT_TRUE(stop.watch->is_store);
  EXPECT_EQ(stop.pc, kLoop + 8);
  const std::uint64_t first = stop.icount;
  stop = machine.run({.max_insns = 1000});
  EXPECT_EQ(stop.icount, first + 4);

  machine.remove_watchpoint(on_write);
  machine.add_watchpoint({kData + 6, 2, WatchKind::kRead});
  stop = machine.run({.max_insns = 1000});
  ASSERT_EQ(stop.reason, StopReason::kWatchpoint);
  EXPECT_EQ(stop.watch->address, kData + 6);
  EXPECT_FALSE(stop.watch->is_store);
  EXPECT_EQ(stop.pc, kLoop + 12);
}

TEST(Debugging, WatchpointsBesideTheAccessAreNotHit) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  machine.add_watchpoint({kData + 4, 8, WatchKind::kWrite});
  machine.add_watchpoint({kData - 8, 8, WatchKind::kAccess});
  machine.add_watchpoint({kData, 4, WatchKind::kRead});
  EXPECT_EQ(machine.run({.max_insns = 7}).reason, StopReason::kLimit);
  EXPECT_EQ(machine.run({.max_insns = 1}).reason, StopReason::kWatchpoint);
}

TEST(Debugging, ImpossibleWatchpointsAreRefused) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  EXPECT_THROW(machine.add_watchpoint({kData, 0, WatchKind::kWrite}), Error);
  EXPECT_THROW(machine.add_watchpoint({~std::uint64_t{0}, 2, WatchKind::kWrite}), Error);
  EXPECT_THROW(machine.add_watchpoint({0, 1ULL << 40, WatchKind::kWrite}), Error);
  EXPECT_NO_THROW(machine.add_watchpoint({~std::uint64_t{0}, 1, WatchKind::kWrite}));
}

TEST(Debugging, NeitherBreakpointsNorWatchpointsChangeTheRun) {
  const Config config = config_for(BootMode::kBare, counting_in_memory());
  Machine plain(config);
  plain.run({.max_insns = 5000});
  Machine debugged(config);
  debugged.add_breakpoint(kLoop + 8);
  debugged.add_watchpoint({kData, 4, WatchKind::kAccess});
  std::uint64_t stops = 0;
  while (debugged.icount() < 5000) {
    stops += debugged.run({.max_insns = 5000 - debugged.icount()}).reason == StopReason::kLimit ? 0 : 1;
  }
  EXPECT_EQ(debugged.digest(), plain.digest());
  EXPECT_GT(stops, 3 * 1200U);
}

/// Paging on in S-mode: 0x4000'0000 is the RAM's first GiB, but for the hole of a 4 KiB table.
struct Paged {
  static constexpr std::uint64_t kRoot = kRam + (4 << 20);
  static constexpr std::uint64_t kVa = 0x4000'0000;

  Paged() : machine(config_for(BootMode::kBare, {jump(0)})) {
    put(kRoot + 8, kRam >> 12 << 10 | 0xcf);                 // a GiB: V R W X A D
    machine.hart().set_csr(0x3b0, ~std::uint64_t{0} >> 10);  // PMP: all of memory, R W X
    machine.hart().set_csr(0x3a0, 0x1f);
    machine.hart().set_csr(0x180, 8ULL << 60 | kRoot >> 12);
    machine.hart().set_privilege(arch::Privilege::kSupervisor);
  }
  void put(std::uint64_t address, std::uint64_t value) {
    std::array<std::uint8_t, 8> bytes;
    std::memcpy(bytes.data(), &value, 8);
    machine.memory().write(address, bytes);
  }
  Machine machine;
};

TEST(Debugging, VirtualMemoryIsReadAndWrittenThroughTheTables) {
  Paged paged;
  paged.put(kRam + 0x5ffc, 0x1122334455667788);
  std::array<std::uint8_t, 8> bytes{};
  EXPECT_EQ(paged.machine.read_virtual(Paged::kVa + 0x5ffc, bytes), 8U);
  EXPECT_EQ(bytes[0], 0x88);
  EXPECT_EQ(bytes[7], 0x11);
  bytes[7] = 0x99;
  EXPECT_EQ(paged.machine.write_virtual(Paged::kVa + 0x5ffc, bytes), 8U);
  paged.machine.memory().read(kRam + 0x5ffc, bytes);
  EXPECT_EQ(bytes[7], 0x99);
  // RAM ends 16 MiB on, within the page's GiB.
  EXPECT_EQ(paged.machine.read_virtual(Paged::kVa + (16 << 20) - 3, bytes), 3U);
  EXPECT_EQ(paged.machine.read_virtual(0, bytes), 0U);
  paged.machine.hart().set_privilege(arch::Privilege::kMachine);
  EXPECT_EQ(paged.machine.read_virtual(kRam + 0x5ffc, bytes), 8U);
}

TEST(Debugging, VirtualMemoryIsSeenAsTheTlbHasIt) {
  Paged paged;
  paged.machine.hart().set_pc(Paged::kVa);
  paged.machine.run({.max_insns = 1});
  const auto entries = paged.machine.tlb_entries();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].va, Paged::kVa);
  EXPECT_EQ(entries[0].physical_address, kRam);
  EXPECT_EQ(entries[0].page_bytes, 1U << 30);
  paged.put(Paged::kRoot + 8, 0);  // without a fence
  std::array<std::uint8_t, 4> bytes{};
  EXPECT_EQ(paged.machine.read_virtual(Paged::kVa, bytes), 4U);
  EXPECT_EQ(bytes[0], 0x6f);
}

TEST(Debugging, RestartIsPowerOnWithTheCountsKept) {
  Code code;
  append_exit(code, 42);
  Machine machine(config_for(BootMode::kBare, code));
  const Stop first = machine.run();
  ASSERT_EQ(first.reason, StopReason::kExited);
  machine.restart();
  EXPECT_EQ(machine.hart().pc(), kRam);
  EXPECT_EQ(machine.hart().x(t0), 0U);
  const Stop second = machine.run();
  EXPECT_EQ(second.reason, StopReason::kExited);
  EXPECT_EQ(second.icount, 2 * first.icount);
}

class Recorder final : public Observer {
 public:
  void on_insn(const InsnEvent& event) override {
    insns.push_back(event.at.pc);
    for (const RegisterWrite& write : event.writes) {
      if (write.bank == RegisterWrite::Bank::kX) x_writes.emplace_back(write.number, write.value);
      if (write.bank == RegisterWrite::Bank::kCsr) csr_writes.emplace_back(write.number, write.value);
    }
    accesses.insert(accesses.end(), event.accesses.begin(), event.accesses.end());
  }
  void on_trap(const TrapEvent& event) override { traps.push_back(event); }
  void on_interrupt(const TrapEvent& event) override { interrupts.push_back(event); }
  void on_device(const DeviceEvent& event) override { devices.emplace_back(event.device); }
  void on_mmu(const MmuEvent& event) override { mmu.push_back(event); }
  void on_sbi(const SbiEvent& event) override { sbi.push_back(event); }

  std::vector<std::uint64_t> insns;
  std::vector<std::pair<unsigned, std::uint64_t>> x_writes, csr_writes;
  std::vector<MemoryAccess> accesses;
  std::vector<TrapEvent> traps, interrupts;
  std::vector<std::string> devices;
  std::vector<MmuEvent> mmu;
  std::vector<SbiEvent> sbi;
};

constexpr ObservedSet kEverything = ObservedSet(Observed::kInsn) | Observed::kMmu | Observed::kTrap |
                                    Observed::kInterrupt | Observed::kDevice | Observed::kSbi;

TEST(Observers, SeeEveryInstructionWithItsEffects) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  Recorder recorder;
  machine.add_observer(&recorder, Observed::kInsn);
  machine.run({.max_insns = 9});
  machine.remove_observer(&recorder);
  machine.run({.max_insns = 9});
  EXPECT_EQ(recorder.insns, (std::vector<std::uint64_t>{kRam, kRam + 4, kRam + 8, kRam + 12, kRam + 16, kLoop,
                                                        kLoop + 4, kLoop + 8, kLoop + 12}));
  EXPECT_EQ(recorder.x_writes.back(), (std::pair<unsigned, std::uint64_t>{t1, 1}));
  ASSERT_EQ(recorder.accesses.size(), 2U);
  EXPECT_TRUE(recorder.accesses[0].is_store);
  EXPECT_EQ(recorder.accesses[0].address, kData);
  EXPECT_EQ(recorder.accesses[0].size_bytes, 4);
  EXPECT_EQ(recorder.accesses[0].value, 1U);
  EXPECT_FALSE(recorder.accesses[1].is_store);
  EXPECT_EQ(recorder.accesses[1].size_bytes, 8);
}

TEST(Observers, SeeTrapsOnceAndNotAsRetired) {
  // mtvec is 0: the handler's fetch fails for ever.
  Machine machine(config_for(BootMode::kBare, {kEcall}));
  Recorder recorder;
  machine.add_observer(&recorder, kEverything);
  machine.run({.max_insns = 2});
  EXPECT_TRUE(recorder.insns.empty());
  ASSERT_EQ(recorder.traps.size(), 2U);
  EXPECT_EQ(recorder.traps[0].cause, 11U);
  EXPECT_EQ(recorder.traps[0].at.icount, 0U);
  EXPECT_EQ(recorder.traps[0].at.pc, kRam);
  EXPECT_EQ(recorder.traps[0].handler, 0U);
  EXPECT_EQ(recorder.traps[1].cause, 1U);
  EXPECT_EQ(recorder.traps[1].at.icount, 1U);
  machine.remove_observer(&recorder);
}

TEST(Observers, SeeTheFirmwaresCalls) {
  Machine machine(
      config_for(BootMode::kSupervisor, {addi(a7, zero, 0x10), addi(a6, zero, 3), kEcall, jump(0)}));
  Recorder recorder;
  machine.add_observer(&recorder, kEverything);
  machine.run({.max_insns = 3});
  ASSERT_EQ(recorder.sbi.size(), 1U);
  EXPECT_EQ(recorder.sbi[0].extension, 0x10U);
  EXPECT_EQ(recorder.sbi[0].function, 3U);
  EXPECT_EQ(recorder.sbi[0].error, 0U);
  EXPECT_EQ(recorder.sbi[0].at.pc, kRam + 8);
  EXPECT_EQ(recorder.insns.size(), 3U);
  EXPECT_EQ(recorder.x_writes.back().first, static_cast<unsigned>(a1));
  machine.remove_observer(&recorder);
}

TEST(Observers, SeeWalksFillsAndDevices) {
  Paged paged;
  Recorder recorder;
  paged.machine.add_observer(&recorder, kEverything);
  paged.machine.hart().set_pc(Paged::kVa);
  paged.machine.run({.max_insns = 10});
  ASSERT_EQ(recorder.mmu.size(), 2U);
  EXPECT_EQ(recorder.mmu[0].kind, MmuEvent::Kind::kWalk);
  EXPECT_EQ(recorder.mmu[0].va, Paged::kVa);
  EXPECT_EQ(recorder.mmu[0].access, arch::Access::kExecute);
  EXPECT_EQ(recorder.mmu[0].page_bytes, 1U << 30);
  EXPECT_TRUE(recorder.mmu[0].fault.empty());
  EXPECT_EQ(recorder.mmu[1].kind, MmuEvent::Kind::kFill);
  EXPECT_EQ(recorder.mmu[1].physical_address, kRam);
  paged.machine.remove_observer(&recorder);
}

TEST(Observers, MayRemoveThemselvesAndOthersWhileTold) {
  Machine machine(config_for(BootMode::kBare, counting_in_memory()));
  class Remover final : public Observer {
   public:
    explicit Remover(Machine& machine) : machine_(machine) {}
    void on_insn(const InsnEvent& /*event*/) override {
      ++count;
      machine_.remove_observer(this);
      for (Observer* one : others) machine_.remove_observer(one);
      machine_.add_observer(&added, Observed::kInsn);
    }
    int count = 0;
    std::vector<Observer*> others;
    Recorder added;

   private:
    Machine& machine_;
  };
  Recorder before;
  Remover remover(machine);
  Recorder behind;
  Recorder removed;
  remover.others = {&before, &removed};
  for (Observer* one : std::initializer_list<Observer*>{&before, &remover, &behind, &removed}) {
    machine.add_observer(one, Observed::kInsn);
  }
  machine.run({.max_insns = 5});
  EXPECT_EQ(remover.count, 1);
  EXPECT_EQ(before.insns.size(), 1U);
  EXPECT_EQ(behind.insns.size(), 5U);
  EXPECT_EQ(removed.insns.size(), 0U);
  EXPECT_EQ(remover.added.insns.size(), 4U);
  machine.remove_observer(&behind);
  machine.remove_observer(&remover.added);
  machine.run({.max_insns = 5});
  EXPECT_EQ(behind.insns.size(), 5U);
}

/// Counts with floating point in a handlerless loop, so that a host's unit left dirty would show.
TEST(Observers, ChangeNothing) {
  const std::uint32_t fcvt = 0xd2228053 | 5 << 15;                     // fcvt.d.l f0, t0
  const std::uint32_t fdiv = 0x1a007053 | 1 << 7 | 0 << 15 | 0 << 20;  // fdiv.d f1, f0, f0
  const std::uint32_t fsqrt = 0x5a007053 | 2 << 7;                     // fsqrt.d f2, f0
  Code code{lui(t1, 6), csrrs(zero, 0x300, t1)};                       // mstatus.FS
  code.insert(code.end(), {addi(t0, t0, 1), fcvt | 7 << 12, fdiv, fsqrt, jump(-16)});
  const Config config = config_for(BootMode::kBare, code);
  class Divider final : public Observer {
   public:
    void on_insn(const InsnEvent& event) override {
      volatile double zero_value = 0;
      quotient = static_cast<double>(event.at.icount) / (zero_value + 3.0) + 1.0 / zero_value;
    }
    volatile double quotient = 0;
  };
  Machine plain(config);
  plain.run({.max_insns = 20'000});
  Machine observed(config);
  Divider divider;
  observed.add_observer(&divider, kEverything);
  observed.run({.max_insns = 20'000});
  EXPECT_EQ(observed.digest(), plain.digest());
  EXPECT_EQ(observed.hart().csr(1), plain.hart().csr(1));
  observed.remove_observer(&divider);
}

}  // namespace
}  // namespace quire
