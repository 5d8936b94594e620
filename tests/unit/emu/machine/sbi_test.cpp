#include "emu/machine/sbi/sbi.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace quire::sbi {
namespace {

constexpr std::uint64_t kBase = 0x10;
constexpr std::uint64_t kTime = 0x54494d45;
constexpr std::uint64_t kIpi = 0x735049;
constexpr std::uint64_t kRfence = 0x52464e43;
constexpr std::uint64_t kHsm = 0x48534d;
constexpr std::uint64_t kSrst = 0x53525354;
constexpr std::uint64_t kDbcn = 0x4442434e;
constexpr std::uint64_t kRam = 0x8000'0000;

/// A machine of three harts (0 and 2 started) that writes down what it is told.
class FakePlatform final : public SbiPlatform {
 public:
  unsigned hart_count() const override { return 3; }
  std::uint64_t machine_id_csr(unsigned number) const override { return number; }
  void set_timer(unsigned hart, std::uint64_t ticks) override { note("timer", hart, ticks); }
  void raise_software_interrupt(unsigned hart) override { note("ipi", hart); }
  void fence_i(unsigned hart) override { note("fence_i", hart); }
  void sfence_vma(unsigned hart, std::uint64_t start, std::uint64_t size,
                  std::optional<std::uint64_t> asid) override {
    note("sfence", hart, start);
    log += " " + std::to_string(size) + (asid ? " asid " + std::to_string(*asid) : "");
  }
  HartStatus hart_status(unsigned hart) const override {
    return hart == 1 ? HartStatus::kStopped : HartStatus::kStarted;
  }
  void start_hart(unsigned hart, std::uint64_t address, std::uint64_t opaque) override {
    note("start", hart, address);
    log += " " + std::to_string(opaque);
  }
  void stop_hart(unsigned hart) override { note("stop", hart); }
  void suspend_hart(unsigned hart) override { note("suspend", hart); }
  void suspend_hart_and_resume_at(unsigned hart, std::uint64_t address, std::uint64_t) override {
    note("suspend-resume", hart, address);
  }
  void reset(ResetKind kind, int exit_status) override {
    note(kind == ResetKind::kShutdown ? "shutdown" : "reboot", static_cast<unsigned>(exit_status));
  }
  bool read_memory(std::uint64_t address, std::span<std::uint8_t> out) override {
    if (!is_ram(address, out.size())) {
      return false;
    }
    std::memcpy(out.data(), ram.data() + (address - kRam), out.size());
    return true;
  }
  bool write_memory(std::uint64_t address, std::span<const std::uint8_t> data) override {
    if (!is_ram(address, data.size())) {
      return false;
    }
    std::memcpy(ram.data() + (address - kRam), data.data(), data.size());
    return true;
  }
  void console_write(std::span<const std::uint8_t> data) override { output.append(data.begin(), data.end()); }
  std::size_t console_read(std::span<std::uint8_t> out) override {
    const std::size_t count = std::min(out.size(), input.size());
    std::memcpy(out.data(), input.data(), count);
    input.erase(0, count);
    return count;
  }

  Return call(std::uint64_t extension, std::uint64_t function, std::array<std::uint64_t, 6> args = {}) {
    log.clear();
    return handle(*this, {.hart = 0, .extension = extension, .function = function, .args = args});
  }

  std::string log;
  std::string output;
  std::string input;
  std::array<std::uint8_t, 4096> ram{};

 private:
  static bool is_ram(std::uint64_t address, std::size_t size) {
    return address >= kRam && address - kRam <= 4096 && size <= 4096 - (address - kRam);
  }
  void note(const char* what, unsigned hart) {
    log += (log.empty() ? "" : "; ") + std::string(what) + " " + std::to_string(hart);
  }
  void note(const char* what, unsigned hart, std::uint64_t value) {
    note(what, hart);
    log += " " + std::to_string(value);
  }
};

class Sbi : public testing::Test {
 protected:
  FakePlatform machine_;
};

TEST_F(Sbi, BaseAnswersVersionAndProbes) {
  EXPECT_EQ(machine_.call(kBase, 0).value, 0x0200'0000U);
  for (const std::uint64_t id : {kBase, kTime, kIpi, kRfence, kHsm, kSrst, kDbcn}) {
    EXPECT_EQ(machine_.call(kBase, 3, {id}).value, 1U) << std::hex << id;
  }
  EXPECT_EQ(machine_.call(kBase, 3, {0x504d55}).value, 0U);  // PMU
  EXPECT_EQ(machine_.call(kBase, 4).value, 0xf11U);
  EXPECT_EQ(machine_.call(kBase, 7).error, Status::kNotSupported);
}

TEST_F(Sbi, UnknownExtensionsAndFunctionsAreNotSupported) {
  EXPECT_EQ(machine_.call(0x504d55, 0).error, Status::kNotSupported);
  for (const std::uint64_t id : {kTime, kIpi, kRfence, kHsm, kSrst, kDbcn}) {
    EXPECT_EQ(machine_.call(id, 17).error, Status::kNotSupported) << std::hex << id;
    EXPECT_EQ(machine_.log, "");
  }
}

TEST_F(Sbi, SetTimerGoesToTheCaller) {
  EXPECT_EQ(machine_.call(kTime, 0, {1234}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "timer 0 1234");
}

TEST_F(Sbi, HartMasksSelectHartsFromTheirBase) {
  EXPECT_EQ(machine_.call(kIpi, 0, {0b101, 0}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "ipi 0; ipi 2");
  EXPECT_EQ(machine_.call(kIpi, 0, {0b11, 1}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "ipi 1; ipi 2");
  EXPECT_EQ(machine_.call(kIpi, 0, {0, ~0ULL}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "ipi 0; ipi 1; ipi 2");
}

TEST_F(Sbi, AMaskWithAMissingHartDoesNothing) {
  EXPECT_EQ(machine_.call(kIpi, 0, {0b1001, 0}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.call(kIpi, 0, {1, 3}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.call(kIpi, 0, {1, ~1ULL}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.log, "");
}

TEST_F(Sbi, RemoteFencesTakeRangesAndAsids) {
  EXPECT_EQ(machine_.call(kRfence, 0, {1, 0}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "fence_i 0");
  EXPECT_EQ(machine_.call(kRfence, 1, {1, 0, 4096, 8192}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "sfence 0 4096 8192");
  EXPECT_EQ(machine_.call(kRfence, 2, {1, 0, 4096, 8192, 7}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "sfence 0 4096 8192 asid 7");
  EXPECT_EQ(machine_.call(kRfence, 1, {1, 0, 0, 0}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "sfence 0 0 18446744073709551615");
  EXPECT_EQ(machine_.call(kRfence, 1, {1, 0, ~0ULL - 10, 4096}).error, Status::kInvalidAddress);
}

TEST_F(Sbi, HartsStartOnlyWhenStoppedAndOnlyInRam) {
  EXPECT_EQ(machine_.call(kHsm, 0, {3, kRam, 0}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.call(kHsm, 0, {0, kRam, 0}).error, Status::kAlreadyAvailable);
  EXPECT_EQ(machine_.call(kHsm, 0, {1, 0x1000, 0}).error, Status::kInvalidAddress);
  EXPECT_EQ(machine_.call(kHsm, 0, {1, kRam + 1, 0}).error, Status::kInvalidAddress);
  EXPECT_EQ(machine_.call(kHsm, 0, {1, kRam + 16, 5}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "start 1 2147483664 5");
  EXPECT_EQ(machine_.call(kHsm, 2, {1}).value, 1U);
  EXPECT_EQ(machine_.call(kHsm, 2, {~0ULL}).error, Status::kInvalidParam);
}

TEST_F(Sbi, SuspendTellsReservedTypesFromPlatformTypes) {
  EXPECT_EQ(machine_.call(kHsm, 3, {0}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "suspend 0");
  EXPECT_EQ(machine_.call(kHsm, 3, {0x8000'0000, kRam, 1}).error, Status::kSuccess);
  EXPECT_EQ(machine_.log, "suspend-resume 0 2147483648");
  EXPECT_EQ(machine_.call(kHsm, 3, {0x8000'0000, 0x1000, 1}).error, Status::kInvalidAddress);
  EXPECT_EQ(machine_.call(kHsm, 3, {1}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.call(kHsm, 3, {0x9000'0000}).error, Status::kNotSupported);
}

TEST_F(Sbi, SystemResetChecksTypeAndReason) {
  EXPECT_EQ(machine_.call(kSrst, 0, {3, 0}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.call(kSrst, 0, {0, 2}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.log, "");
  machine_.call(kSrst, 0, {0, 1});
  EXPECT_EQ(machine_.log, "shutdown 1");
  machine_.call(kSrst, 0, {2, 0});
  EXPECT_EQ(machine_.log, "reboot 0");
}

TEST_F(Sbi, DebugConsoleMovesBytesOfRamOnly) {
  std::memcpy(machine_.ram.data(), "hello", 5);
  EXPECT_EQ(machine_.call(kDbcn, 0, {5, kRam, 0}).value, 5U);
  EXPECT_EQ(machine_.output, "hello");
  EXPECT_EQ(machine_.call(kDbcn, 0, {5, kRam + 4094, 0}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.call(kDbcn, 0, {5, kRam, 1}).error, Status::kInvalidParam);
  machine_.input = "xyz";
  EXPECT_EQ(machine_.call(kDbcn, 1, {2, kRam + 100, 0}).value, 2U);
  EXPECT_EQ(machine_.ram[101], 'y');
  EXPECT_EQ(machine_.call(kDbcn, 1, {2, 0x1000, 0}).error, Status::kInvalidParam);
  EXPECT_EQ(machine_.input, "z");
  EXPECT_EQ(machine_.call(kDbcn, 2, {'!'}).error, Status::kSuccess);
  EXPECT_EQ(machine_.output, "hello!");
}

TEST_F(Sbi, LegacyConsoleAnswersMinusOneForNoInput) {
  EXPECT_TRUE(is_legacy(2));
  EXPECT_EQ(machine_.call(2, 0).error, Status::kFailed);
  machine_.input = "q";
  EXPECT_EQ(machine_.call(2, 0).value, std::uint64_t{'q'});
  machine_.call(8, 0);
  EXPECT_EQ(machine_.log, "shutdown 0");
}

}  // namespace
}  // namespace quire::sbi
