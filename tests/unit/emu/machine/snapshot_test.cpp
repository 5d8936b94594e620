#include "quire/snapshot.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "emu/machine/snapshot_impl.h"
#include "quire/arch/memmap.h"
#include "quire/machine.h"
#include "quire/streams.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;

constexpr std::uint64_t kRamBytes = 64ULL << 20;

/// Stores its counter into a new page each time around: five instructions.
Config page_filler() {
  Config config =
      config_for(BootMode::kBare, {addi(t0, t0, 1), lui(t2, 1), add(t1, t1, t2), sd(t0, t1, 0), jump(-16)});
  config.ram_bytes = kRamBytes;
  return config;
}

Machine& prepared(Machine& machine) {
  machine.hart().set_x(t1, kRam + (1 << 20));
  return machine;
}

std::string file_in(const std::string& name) {
  return (std::filesystem::path(::testing::TempDir()) / name).string();
}

ErrorKind kind_of(const std::function<void()>& action, std::string* text = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (text != nullptr) {
      *text = error.what();
    }
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kInternal;
}

TEST(Snapshot, ARestoredMachineGoesOnAsTheFirstTime) {
  Machine machine(page_filler());
  prepared(machine).run({.max_insns = 1000});
  const Snapshot start = machine.snapshot();
  const std::uint64_t then = machine.digest();
  machine.run({.max_insns = 5000});
  const std::uint64_t end = machine.digest();
  for (int i = 0; i < 20; ++i) {
    machine.restore(start);
    ASSERT_EQ(machine.digest(), then);
    ASSERT_EQ(machine.icount(), start.icount());
    machine.run({.max_insns = static_cast<std::uint64_t>(100 * i)});
    machine.run({.max_insns = 5000 - static_cast<std::uint64_t>(100 * i)});
    ASSERT_EQ(machine.digest(), end);
  }
}

TEST(Snapshot, GoesForwardAndBackBetweenAny) {
  Machine machine(page_filler());
  prepared(machine);
  std::vector<Snapshot> taken;
  std::vector<std::uint64_t> digests;
  for (int i = 0; i < 6; ++i) {
    taken.push_back(machine.snapshot());
    digests.push_back(machine.digest());
    machine.run({.max_insns = 3333});
  }
  for (const std::size_t at : {3U, 0U, 5U, 5U, 1U, 4U, 2U}) {
    machine.restore(taken[at]);
    EXPECT_EQ(machine.digest(), digests[at]);
    EXPECT_EQ(taken[at].digest(), digests[at]);
    machine.run({.max_insns = 777});
  }
}

TEST(Snapshot, SeesWhatTheHostAndTheGuestWroteSinceTheLast) {
  Machine machine(page_filler());
  const Snapshot empty = machine.snapshot();
  const std::uint8_t byte[] = {0xaa};
  machine.memory().write(kRam + (8 << 20) + 5, byte);
  const Snapshot changed = machine.snapshot();
  const SnapshotDiff diff = empty.diff(changed);
  ASSERT_EQ(diff.memory.size(), 1U);
  EXPECT_EQ(diff.memory[0].address, kRam + (8 << 20) + 5);
  EXPECT_EQ(diff.memory[0].bytes, 1U);
  EXPECT_TRUE(diff.values.empty());
  EXPECT_TRUE(diff.parts.empty());
  EXPECT_EQ(changed.pages(), empty.pages() + 1);
  machine.restore(empty);
  std::uint8_t read[1];
  machine.memory().read(kRam + (8 << 20) + 5, read);
  EXPECT_EQ(read[0], 0);
  EXPECT_TRUE(empty.diff(machine.snapshot()).empty());
}

TEST(Snapshot, AFileThatTellsOtherThingsThanItsStateIsRefusedAndTheMachineStays) {
  Machine machine(page_filler());
  prepared(machine).run({.max_insns = 100});
  const Snapshot good = machine.snapshot();
  const std::uint64_t digest = machine.digest();
  const std::function<void(Snapshot::Impl&)> lies[] = {
      [](Snapshot::Impl& impl) { ++impl.icount; }, [](Snapshot::Impl& impl) { ++impl.time_ns; },
      [](Snapshot::Impl& impl) { impl.pc += 4; }, [](Snapshot::Impl& impl) { impl.digest_words[3] ^= 1; },
      [](Snapshot::Impl& impl) { impl.values.back().value ^= 1; }};
  const std::string path = file_in("told.qs");
  for (const auto& lie : lies) {
    auto impl = std::make_shared<Snapshot::Impl>(good.impl());
    lie(*impl);
    Snapshot(impl).save(path);
    const Snapshot loaded = Snapshot::load(path);
    EXPECT_EQ(kind_of([&] { machine.restore(loaded); }), ErrorKind::kFile);
    EXPECT_EQ(machine.digest(), digest);
  }
  good.save(path);
  machine.run({.max_insns = 50});
  machine.restore(Snapshot::load(path));
  EXPECT_EQ(machine.digest(), digest);
}

TEST(Snapshot, NamesTheRegistersThatDiffer) {
  Machine machine(page_filler());
  const Snapshot before = machine.snapshot();
  machine.hart().set_x(a0, 7);
  const SnapshotDiff diff = before.diff(machine.snapshot());
  ASSERT_EQ(diff.values.size(), 1U);
  EXPECT_EQ(diff.values[0].name, "x10");
  EXPECT_EQ(diff.values[0].after, 7U);
}

TEST(Snapshot, DecodedCodeOfTheOtherMomentIsForgotten) {
  Config config = config_for(BootMode::kBare, {addi(t0, t0, 1), jump(-4)});
  Machine machine(config);
  machine.run({.max_insns = 100});
  const Snapshot ones = machine.snapshot();
  const std::uint32_t twos = addi(t0, t0, 2);
  machine.memory().write(kRam, std::span(reinterpret_cast<const std::uint8_t*>(&twos), sizeof twos));
  machine.run({.max_insns = 100});
  EXPECT_EQ(machine.hart().x(t0), 50U + 100U);
  machine.restore(ones);
  machine.run({.max_insns = 100});
  EXPECT_EQ(machine.hart().x(t0), 100U);
}

TEST(Snapshot, AnotherMachineOfTheSameSettingsTakesItFromAFile) {
  const std::string path = file_in("quire-snapshot-test.qs");
  Machine first(page_filler());
  prepared(first).run({.max_insns = 4242});
  first.snapshot().save(path);
  first.run({.max_insns = 1000});
  Machine second(page_filler());
  const Snapshot loaded = Snapshot::load(path);
  second.restore(loaded);
  EXPECT_EQ(second.icount(), 4242U);
  EXPECT_EQ(second.digest(), loaded.digest());
  second.run({.max_insns = 1000});
  EXPECT_EQ(second.digest(), first.digest());
  std::remove(path.c_str());
}

TEST(Snapshot, WhatGoesWithTheMachineGoesWithIt) {
  Machine machine(page_filler());
  std::uint32_t part = 1;
  machine.add_part("mine", [&part](StateArchive& archive) { archive(part); });
  const Snapshot one = machine.snapshot();
  part = 2;
  machine.restore(one);
  EXPECT_EQ(part, 1U);
  machine.remove_part("mine");
  EXPECT_EQ(kind_of([&] { machine.restore(one); }), ErrorKind::kUsage);
}

TEST(Snapshot, IsRefusedByAMachineOfOtherSettings) {
  Machine machine(page_filler());
  const Snapshot snapshot = machine.snapshot();
  Config config = page_filler();
  config.ram_bytes = kRamBytes / 2;
  Machine smaller(config);
  std::string text;
  EXPECT_EQ(kind_of([&] { smaller.restore(snapshot); }, &text), ErrorKind::kUsage);
  EXPECT_NE(text.find("RAM '64 MiB', this one has '32 MiB'"), std::string::npos) << text;
  config = page_filler();
  config.seed = 3;
  Machine other(config);
  EXPECT_EQ(kind_of([&] { other.restore(snapshot); }, &text), ErrorKind::kUsage);
  EXPECT_NE(text.find("seed '0'"), std::string::npos) << text;
}

TEST(Snapshot, IsRefusedWhileASinkIsTold) {
  Machine machine(page_filler());
  const Snapshot snapshot = machine.snapshot();
  struct Eager final : Observer {
    Machine* machine = nullptr;
    const Snapshot* snapshot = nullptr;
    int refused = 0;
    void on_insn(const InsnEvent&) override {
      refused += kind_of([this] { machine->restore(*snapshot); }) == ErrorKind::kState;
      refused += kind_of([this] { machine->snapshot(); }) == ErrorKind::kState;
    }
  } eager;
  eager.machine = &machine;
  eager.snapshot = &snapshot;
  machine.add_observer(&eager, Observed::kInsn);
  machine.run({.max_insns = 1});
  machine.remove_observer(&eager);
  EXPECT_EQ(eager.refused, 2);
}

TEST(Snapshot, FilesThatAreNoneOrDamagedAreRefused) {
  const std::string path = file_in("quire-snapshot-damaged.qs");
  Machine machine(page_filler());
  prepared(machine).run({.max_insns = 1000});
  machine.snapshot().save(path);
  std::ifstream in(path, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  const auto refused = [&path](const std::string& bytes, const char* why) {
    std::ofstream(path, std::ios::binary) << bytes;
    std::string text;
    EXPECT_EQ(kind_of([&path] { Snapshot::load(path); }, &text), ErrorKind::kFile);
    EXPECT_NE(text.find(why), std::string::npos) << text;
  };
  refused("", "not a snapshot");
  refused("ELF and more than that", "not a snapshot");
  for (const std::size_t length : {16U, 17U, 100U}) {
    refused(good.substr(0, length), "truncated or damaged");
  }
  refused(good.substr(0, good.size() - 1), "truncated or damaged");
  // Some bits of a compressed stream say the same either way: what is not refused must be the snapshot.
  const Snapshot whole = machine.snapshot();
  unsigned found = 0;
  for (std::size_t at = 16; at < good.size(); at += 37) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    std::ofstream(path, std::ios::binary) << bad;
    try {
      const Snapshot same = Snapshot::load(path);
      EXPECT_TRUE(whole.diff(same).empty()) << at;
      EXPECT_EQ(whole.digest(), same.digest()) << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFile);
      ++found;
    }
  }
  EXPECT_GT(found, good.size() / 37 / 2);
  std::string later = good;
  later[8] = 9;
  refused(later, "format 9");
  std::remove(path.c_str());
  EXPECT_EQ(kind_of([] { Snapshot::load("/nowhere/at/all.qs"); }), ErrorKind::kFile);
  EXPECT_EQ(kind_of([&machine] { machine.snapshot().save("/nowhere/at/all.qs"); }), ErrorKind::kFile);
}

TEST(Snapshot, WhatWasWrittenToX0IsNoState) {
  Machine one(config_for(BootMode::kBare, {addi(zero, a0, 1), jump(-4)}));
  Machine two(config_for(BootMode::kBare, {addi(zero, a0, 1), jump(-4)}));
  one.hart().set_x(a0, 41);
  for (Machine* machine : {&one, &two}) machine->run({.max_insns = 1});
  one.hart().set_x(a0, 0);
  EXPECT_TRUE(one.snapshot().same(two.snapshot()));
}

}  // namespace
}  // namespace quire
