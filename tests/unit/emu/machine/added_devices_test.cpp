#include "emu/machine/added_devices.h"

#include <gtest/gtest.h>

extern "C" {
#include <libfdt.h>
}

#include <string>

#include "emu/machine/device_tree.h"
#include "quire/error.h"
#include "quire/machine.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;

AddedDevice device(std::string name, std::optional<u64> base = {}, std::optional<unsigned> irq = {}) {
  AddedDevice made;
  made.name = std::move(name);
  made.compatible = {"example," + made.name};
  made.base = base;
  made.irq = irq;
  return made;
}

Config with(std::vector<AddedDevice> devices) {
  Config config = config_for(BootMode::kBare, {jump(0)});
  config.devices = std::move(devices);
  return config;
}

std::string refusal(const AddedDevice& added) {
  try {
    place_added_devices(with({device("first", 0x1040'0000, 40), added}));
  } catch (const Error& error) {
    return error.kind() == ErrorKind::kUsage ? error.what() : "an error of another kind";
  }
  return "";
}

void expect_refused(const AddedDevice& added, const std::string& words) {
  EXPECT_NE(refusal(added).find(words), std::string::npos) << refusal(added);
}

TEST(AddedDevices, AreWhereTheyAskToBe) {
  const auto placed = place_added_devices(with({device("adder", 0x1030'0000, 20)}));
  ASSERT_EQ(placed.size(), 1U);
  EXPECT_EQ(placed[0].region.base, 0x1030'0000U);
  EXPECT_EQ(placed[0].region.size_bytes, 0x1000U);
  EXPECT_EQ(placed[0].irq, 20U);
}

TEST(AddedDevices, OthersGetTheFirstFreePlaceAfterThose) {
  AddedDevice odd = device("odd");
  odd.size_bytes = 0x1008;
  const auto placed = place_added_devices(with({odd, device("next"), device("fixed", 0x0400'0000, 64)}));
  EXPECT_EQ(placed[0].region.base, 0x0400'1000U);
  EXPECT_EQ(placed[1].region.base, 0x0400'3000U) << "places are whole pages";
  EXPECT_EQ(placed[0].irq, 65U);
  EXPECT_EQ(placed[1].irq, 66U);
}

TEST(AddedDevices, WhatCannotBeIsRefusedByName) {
  expect_refused(device("late", 0x1000'0000), "overlaps the UART");
  expect_refused(device("late", 0x1000'8000), "overlaps the virtio slots");
  expect_refused(device("late", 0x1040'0000), "overlaps the device 'first'");
  expect_refused(device("late", 0x8000'0000), "overlaps RAM");
  expect_refused(device("late", 0x1030'0010), "give a multiple of 0x1000");
  expect_refused(device("late", ~u64{0xfff}), "physical addresses end");
  expect_refused(device("late", {}, 10), "the UART's");
  expect_refused(device("late", {}, 8), "a virtio slot's");
  expect_refused(device("late", {}, 40), "another added device's");
  expect_refused(device("late", {}, 0), "there are 1 to 95");
  expect_refused(device("late", {}, 96), "there are 1 to 95");
  expect_refused(device("first"), "is there twice");
  expect_refused(device("two words"), "is no name for a device");
  AddedDevice odd = device("odd");
  odd.size_bytes = 3;
  expect_refused(odd, "cannot be 3 bytes large");
  AddedDevice huge = device("huge");
  huge.size_bytes = u64{128} << 20;
  expect_refused(huge, "give it an address");
  AddedDevice unknown = device("unknown");
  unknown.compatible.clear();
  expect_refused(unknown, "compatible");
}

TEST(AddedDevices, AreInTheDeviceTree) {
  const Config config = with({device("adder", 0x1030'0000, 20)});
  const auto blob = build_device_tree({.ram_bytes = config.ram_bytes,
                                       .command_line = "",
                                       .initrd = std::nullopt,
                                       .seed = 0,
                                       .virtio_slots = 2,
                                       .added = place_added_devices(config)});
  const int node = fdt_path_offset(blob.data(), "/soc/adder@10300000");
  ASSERT_GE(node, 0);
  EXPECT_EQ(fdt_node_check_compatible(blob.data(), node, "example,adder"), 0);
  int length = 0;
  const auto* irq = static_cast<const fdt32_t*>(fdt_getprop(blob.data(), node, "interrupts", &length));
  ASSERT_EQ(length, 4);
  EXPECT_EQ(fdt32_to_cpu(*irq), 20U);
}

/// Doubles what is written to it, and asserts its line while that is odd.
class Doubler final : public Device {
 public:
  explicit Doubler(IrqLine& irq) : irq_(irq) {}
  std::string_view name() const override { return "doubler"; }
  void reset() override { value_ = 0; }
  void transfer(StateArchive& archive) override { archive(value_); }
  u64 read(u64 /*offset*/, unsigned /*size*/) override { return value_ * 2; }
  void write(u64 /*offset*/, unsigned /*size*/, u64 value) override {
    value_ = value;
    irq_.set(value % 2 != 0);
  }

 private:
  IrqLine& irq_;
  u64 value_ = 0;
};

TEST(AddedDevices, AreReadAndWrittenByTheGuest) {
  Code code;
  append_address(code, t0, 0x10300);
  code.insert(code.end(), {addi(t1, zero, 21), sd(t1, t0, 0), ld(a0, t0, 0), jump(0)});
  Config config = config_for(BootMode::kBare, code);
  AddedDevice doubler = device("doubler", 0x1030'0000, 20);
  doubler.make = [](const DeviceWiring& wiring) { return std::make_unique<Doubler>(wiring.irq); };
  config.devices = {doubler};
  Machine machine(config);
  machine.run({.max_insns = code.size()});
  EXPECT_EQ(machine.hart().x(a0), 42U);

  const Snapshot snapshot = machine.snapshot();
  Config other = config;
  other.devices.clear();
  Machine without(other);
  try {
    without.restore(snapshot);
    FAIL() << "a machine without the device took its snapshot";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("added devices"), std::string::npos) << error.what();
  }
  Machine twin(config);
  twin.restore(snapshot);
  EXPECT_TRUE(twin.snapshot().same(snapshot));
}

/// Counts its own ticks, one each microsecond, and tells nobody.
class Ticker final : public Device {
 public:
  Ticker(Clock& clock, unsigned& ticks) : clock_(clock), ticks_(ticks) {}
  ~Ticker() override { clock_.cancel(event_); }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;
  std::string_view name() const override { return "ticker"; }
  void reset() override { schedule(); }
  void transfer(StateArchive& /*archive*/) override {}
  u64 read(u64 /*offset*/, unsigned /*size*/) override { return 0; }
  void write(u64 /*offset*/, unsigned /*size*/, u64 /*value*/) override {}

 private:
  void schedule() {
    event_ = clock_.schedule(clock_.now_ns() + 1000, [this] {
      ++ticks_;
      schedule();
    });
  }
  Clock& clock_;
  unsigned& ticks_;
  Clock::EventId event_ = 0;
};

TEST(AddedDevices, AGuestThatWaitsIsStoppedByVirtualTime) {
  unsigned ticks = 0;
  Config config = config_for(BootMode::kBare, {kWfi, jump(-4)});
  AddedDevice ticker = device("ticker");
  ticker.make = [&ticks](const DeviceWiring& wiring) {
    return std::make_unique<Ticker>(wiring.clock, ticks);
  };
  config.devices = {ticker};
  Machine machine(config);
  const Stop stop = machine.run({.max_ns = 10'500});
  EXPECT_EQ(stop.reason, StopReason::kLimit);
  EXPECT_EQ(machine.time_ns(), 10'500U);
  EXPECT_EQ(ticks, 10U);
  machine.run({.max_ns = 500});
  EXPECT_EQ(machine.time_ns(), 11'000U);
  EXPECT_EQ(ticks, 10U) << "what is due then is for the next run";
}

}  // namespace
}  // namespace quire
