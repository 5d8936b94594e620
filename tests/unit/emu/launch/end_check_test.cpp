// The check at the end of a run (guest/init/end_check.cpp) finds what is left over: leaks made here, from
// outside, in the supervisor's own variables at the moment the program exits.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "quire/launch.h"
#include "quire/streams.h"

namespace quire {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSatp = 0x180;

class ExitWatch final : public TraceSink {
 public:
  explicit ExitWatch(Machine& machine) : machine_(machine) { machine_.add_sink(this); }
  void on_event(const TraceEvent& event) override {
    if (event.id == arch::TraceEventId::k_exit) {
      machine_.request_stop();
    }
  }

 private:
  Machine& machine_;
};

/// A program that has just exited, before the supervisor checks. Built here (package gcc-riscv64-linux-gnu).
class EndCheck : public testing::Test {
 protected:
  void SetUp() override {
    if (supervisor_image().empty()) {
      GTEST_SKIP() << "this build has no supervisor in it (QUIRE_GUEST=OFF)";
    }
    fs::create_directories(folder_);
    const std::string source = (folder_ / "quiet.c").string();
    std::ofstream(source) << "int main(void) { return 7; }\n";
    Program program{};
    program.host_path = (folder_ / "quiet").string();
    ASSERT_EQ(std::system(("riscv64-linux-gnu-gcc -static -o " + program.host_path + " " + source).c_str()),
              0);
    Config config;
    config.command_line = "quire.check quire.loglevel=6";
    config.uart = log_;
    prepare_supervisor(config, &program);
    machine_ = std::make_unique<Machine>(config);
    watch_ = std::make_unique<ExitWatch>(*machine_);
    ASSERT_EQ(machine_->run({.timeout_seconds = 60}).reason, StopReason::kRequested) << log_->contents();
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// Physical address of the supervisor's virtual one.
  std::uint64_t physical(std::uint64_t va) const {
    const Walk walk = machine_->walk(arch::VirtAddr(va), machine_->hart().csr(kSatp), arch::Access::kRead,
                                     arch::Privilege::kSupervisor);
    EXPECT_FALSE(walk.fault) << va;
    return walk.physical_address;
  }
  std::uint64_t variable(const char* mangled) const {
    const auto va = machine_->symbol(mangled);
    EXPECT_TRUE(va) << mangled;
    return physical(va.value_or(0));
  }
  template <class T>
  T read(std::uint64_t address) const {
    std::uint8_t bytes[sizeof(T)];
    machine_->memory().read(address, bytes);
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  template <class T>
  void add_one(std::uint64_t address) {
    const T value = read<T>(address) + 1;
    std::uint8_t bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof value);
    machine_->memory().write(address, bytes);
  }
  /// The record of the first frame that the page cache alone holds (guest/mem/frame.h: references, use).
  std::uint64_t cached_frame() const {
    constexpr std::uint64_t kRecordBytes = 32;
    constexpr std::uint8_t kPageCache = 4;
    const auto table = physical(read<std::uint64_t>(variable("_ZN6kernel12frame_detail8g_framesE")));
    const auto count = read<std::uint64_t>(variable("_ZN6kernel12frame_detail13g_frame_countE"));
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t record = table + i * kRecordBytes;
      if (read<std::uint32_t>(record) == 1 && read<std::uint8_t>(record + 4) == kPageCache) {
        return record;
      }
    }
    ADD_FAILURE() << "no frame is cached";
    return table;
  }
  Stop finish() { return machine_->run({.timeout_seconds = 60}); }
  void expect_panic(const std::string& words) {
    EXPECT_EQ(finish().exit_status, 255);
    EXPECT_NE(log_->contents().find(words), std::string::npos) << log_->contents();
  }

  const fs::path folder_ = fs::temp_directory_path() / ("quire_end_check_" + std::to_string(::getpid()));
  const std::shared_ptr<BufferSink> log_ = std::make_shared<BufferSink>();
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<ExitWatch> watch_;
};

TEST_F(EndCheck, NothingLeftOverIsSaidAndTheStatusKept) {
  EXPECT_EQ(finish().exit_status, 7);
  EXPECT_NE(log_->contents().find("nothing leaked"), std::string::npos) << log_->contents();
}

TEST_F(EndCheck, AnOpenFileIsFound) {
  add_one<std::uint64_t>(variable("_ZN6kernel4File5live_E"));
  expect_panic("1 open files, expected 0");
}

TEST_F(EndCheck, ACommittedPageIsFound) {
  add_one<std::uint64_t>(variable("_ZZN6kernel12commit_stateEvE5state") + 16);
  expect_panic("1 committed pages, expected 0");
}

TEST_F(EndCheck, AReferenceTooManyIsFound) {
  add_one<std::uint32_t>(cached_frame());
  expect_panic("frame.references == counts");
}

}  // namespace
}  // namespace quire
