#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "quire/launch.h"
#include "tests/unit/emu/machine/elf_builder.h"

namespace quire {
namespace {

namespace fs = std::filesystem;

class TextSink final : public ByteSink {
 public:
  void write(std::span<const std::uint8_t> data) override { text.append(data.begin(), data.end()); }
  std::string text;
};

class EventLog final : public TraceSink {
 public:
  void on_event(const TraceEvent& event) override {
    if (event.id == arch::TraceEventId::k_spawn || event.id == arch::TraceEventId::k_exit) {
      events.push_back(event);
    }
  }
  std::vector<TraceEvent> events;
};

/// A supervisor that waits on its control port. The programs are built here (package g++-riscv64-linux-gnu).
class Spawn : public testing::Test {
 protected:
  void SetUp() override {
    if (supervisor_image().empty()) {
      GTEST_SKIP() << "this build has no supervisor in it (QUIRE_GUEST=OFF)";
    }
    fs::create_directories(folder_);
    Config config;
    config.stdout_stream = output_;
    prepare_supervisor(config, nullptr);
    machine_ = std::make_unique<Machine>(config);
    machine_->add_sink(&log_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string compile(const std::string& name, const std::string& source) {
    const fs::path path = folder_ / name;
    std::ofstream(folder_ / (name + ".c")) << source;
    const std::string command =
        "riscv64-linux-gnu-gcc -static -O1 -o " + path.string() + " " + path.string() + ".c";
    EXPECT_EQ(std::system(command.c_str()), 0) << "needs the package g++-riscv64-linux-gnu";
    return path.string();
  }

  const fs::path folder_ = fs::temp_directory_path() / ("quire_spawn_" + std::to_string(::getpid()));
  const std::shared_ptr<TextSink> output_ = std::make_shared<TextSink>();
  EventLog log_;
  std::unique_ptr<Machine> machine_;
};

TEST_F(Spawn, StopsWhereTheProgramStartsAndRunsItOnDemand) {
  Program program{};
  program.host_path = compile("args",
                              "#include <stdio.h>\n#include <stdlib.h>\nint main(int c, char** v) {\n"
                              "  printf(\"%s %s %s\\n\", v[1], v[2], getenv(\"K\")); return c; }\n");
  program.args = {"one", "two"};
  program.env = {"K=V"};
  const int pid = spawn(*machine_, program);
  EXPECT_GT(pid, 1);
  ASSERT_EQ(log_.events.size(), 1U);
  EXPECT_EQ(log_.events[0].args[1], static_cast<std::uint64_t>(pid));
  EXPECT_EQ(machine_->icount(), log_.events[0].icount + 1);
  EXPECT_EQ(output_->text, "");
  EXPECT_EQ(machine_->run({.timeout_seconds = 60}).reason, StopReason::kIdle);
  EXPECT_EQ(output_->text, "one two V\n");
  ASSERT_EQ(log_.events.size(), 2U);
  EXPECT_EQ(log_.events[1].args[1], 3U << 8);
}

TEST_F(Spawn, ProgramsRunSideBySideAndRepeat) {
  Program program{};
  program.host_path = compile("ticks",
                              "#include <stdio.h>\nint main(void) {\n"
                              "  for (volatile int i = 0; i < 20000000; i++) {}\n  puts(\"done\"); }\n");
  EXPECT_NE(spawn(*machine_, program), spawn(*machine_, program));
  EXPECT_EQ(machine_->run({.timeout_seconds = 60}).reason, StopReason::kIdle);
  EXPECT_EQ(output_->text, "done\ndone\n");

  Config again = machine_->config();
  Machine second(again);
  EXPECT_GT(spawn(second, program), 1);
  EXPECT_GT(spawn(second, program), 1);
  second.run({.timeout_seconds = 60});
  EXPECT_EQ(second.digest(), machine_->digest());
}

TEST_F(Spawn, SaysWhoRefusesAndGoesOn) {
  Program program{};
  program.host_path = (folder_ / "missing").string();
  EXPECT_THROW(spawn(*machine_, program), Error);
  // Fit for the host's checks; where its interpreter would be depends on the guest's directory.
  const auto odd = test::ElfBuilder()
                       .load(0x10000, 0x10000, std::vector<arch::u8>(64), 128)
                       .segment(arch::SegmentType::kInterp, 0, {'n', 'o', '/', 'l', 'd', 0})
                       .build();
  program.host_path = (folder_ / "odd").string();
  std::ofstream(program.host_path, std::ios::binary)
      .write(reinterpret_cast<const char*>(odd.data()), static_cast<std::streamsize>(odd.size()));
  try {
    spawn(*machine_, program);
    FAIL() << "the supervisor started it";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_NE(std::string(error.what()).find("refused " + program.host_path), std::string::npos)
        << error.what();
  }
  program.host_path = compile("good", "int main(void) { return 0; }\n");
  EXPECT_GT(spawn(*machine_, program), 1);
}

TEST_F(Spawn, ARefusedFileIsNamedAndTheProgramNotStarted) {
  Program program{};
  program.host_path = compile("good", "int main(void) { return 0; }\n");
  // A directory below a file: the guest finds out.
  program.files.push_back({program.host_path, "/one"});
  spawn(*machine_, program);
  program.files.front().guest_path = "/one/two";
  EventLog log;
  machine_->add_sink(&log);
  try {
    spawn(*machine_, program);
    FAIL() << "the supervisor took it";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("refused /one/two"), std::string::npos) << error.what();
  }
  machine_->run({.max_insns = 10'000'000});
  for (const TraceEvent& event : log.events) {  // the first program may end now
    EXPECT_NE(event.id, arch::TraceEventId::k_spawn);
  }
  machine_->remove_sink(&log);
}

TEST_F(Spawn, ProgressIsCalledAndMayThrow) {
  Program program{};
  program.host_path = compile("good", "int main(void) { return 0; }\n");
  struct Enough {};
  EXPECT_THROW(spawn(*machine_, program, [](const Stop&) -> SpawnGoes { throw Enough(); }), Enough);
}

}  // namespace
}  // namespace quire
