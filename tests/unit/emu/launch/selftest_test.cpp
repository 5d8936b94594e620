// The supervisor's own test of its lower layers (guest/init/selftest.cpp), on our machine with a drive.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "quire/launch.h"
#include "quire/streams.h"

namespace quire {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSectorBytes = 512;
constexpr std::size_t kSectors = 64;

class Selftest : public testing::Test {
 protected:
  void SetUp() override {
    if (supervisor_image().empty()) {
      GTEST_SKIP() << "this build has no supervisor in it (QUIRE_GUEST=OFF)";
    }
    std::string bytes(kSectors * kSectorBytes, 0);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / kSectorBytes);
    std::ofstream(disk_, std::ios::binary) << bytes;
  }
  void TearDown() override { fs::remove(disk_); }

  std::string disk_contents() const {
    std::ifstream file(disk_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// What the test says of the first two sectors.
  std::string sum_of_disk() const {
    std::uint32_t sum = 0;
    for (const char byte : disk_contents().substr(0, 2 * kSectorBytes)) {
      sum = sum * 31 + static_cast<std::uint8_t>(byte);
    }
    char text[16];
    std::snprintf(text, sizeof text, "%08x", sum);
    return text;
  }
  Stop run(const std::string& how, Drive drive) {
    Config config;
    config.command_line = "quire.loglevel=6 quire.selftest" + how;
    prepare_supervisor(config, nullptr);
    config.drives.push_back(drive);
    config.uart = log_;
    config.stdout_stream = output_;
    Machine machine(config);
    return machine.run({.timeout_seconds = 120});
  }
  bool logged(const std::string& words) const { return log_->contents().find(words) != std::string::npos; }

  const fs::path disk_ = fs::temp_directory_path() / ("quire_selftest_" + std::to_string(::getpid()));
  const std::shared_ptr<BufferSink> log_ = std::make_shared<BufferSink>();
  const std::shared_ptr<BufferSink> output_ = std::make_shared<BufferSink>();
};

TEST_F(Selftest, EveryGroupPassesWithADrive) {
  const std::string sum = sum_of_disk();
  const Stop stop = run("", {disk_.string(), false});
  EXPECT_EQ(stop.reason, StopReason::kExited) << log_->contents();
  EXPECT_EQ(stop.exit_status, 0) << log_->contents();
  for (const char* group :
       {"kernel map", "frames", "slabs", "vmalloc", "threads", "time", "user mode", "devices"}) {
    EXPECT_TRUE(logged(std::string("selftest: ") + group + ": ok")) << group << ":\n" << log_->contents();
  }
  EXPECT_TRUE(logged("disk of 64 sectors, sum of the first two " + sum)) << log_->contents();
  EXPECT_TRUE(logged("entropy device works")) << log_->contents();
  EXPECT_EQ(output_->contents(), "selftest: standard output\n");
  // It writes the first sector over the last.
  const std::string after = disk_contents();
  EXPECT_EQ(after.substr((kSectors - 1) * kSectorBytes), after.substr(0, kSectorBytes));
}

TEST_F(Selftest, ADriveThatIsReadOnlyStaysAsItIs) {
  const std::string before = disk_contents();
  const Stop stop = run("", {disk_.string(), true});
  EXPECT_EQ(stop.exit_status, 0) << log_->contents();
  EXPECT_EQ(disk_contents(), before);
}

TEST_F(Selftest, KernelFaultsEndInOneLineAndStatus255) {
  for (const char* way :
       {"panic", "overflow", "write-text", "null", "jump-data", "vmalloc-guard", "vmalloc-freed"}) {
    const std::size_t lines_before = log_->contents().size();
    const Stop stop = run(std::string("=") + way, {disk_.string(), true});
    EXPECT_EQ(stop.reason, StopReason::kExited) << way;
    EXPECT_EQ(stop.exit_status, 255) << way;
    const std::string log = log_->contents().substr(lines_before);
    EXPECT_EQ(log.find("survived"), std::string::npos) << log;
    EXPECT_NE(log.find("panic"), std::string::npos) << log;
  }
}

}  // namespace
}  // namespace quire
