#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "quire/arch/bootinfo.h"
#include "quire/launch.h"
#include "tests/unit/emu/machine/elf_builder.h"

namespace quire {
namespace {

namespace fs = std::filesystem;

class Initramfs : public testing::Test {
 protected:
  Initramfs() {
    fs::create_directories(folder_);
    const auto elf = test::ElfBuilder().load(0x10000, 0x10000, std::vector<arch::u8>(64), 128).build();
    std::ofstream(program_.host_path, std::ios::binary)
        .write(reinterpret_cast<const char*>(elf.data()), static_cast<std::streamsize>(elf.size()));
  }
  ~Initramfs() override { fs::remove_all(folder_); }

  static std::string text(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static bool mentions(const std::vector<std::uint8_t>& archive, const std::string& words) {
    return std::string(archive.begin(), archive.end()).find(words) != std::string::npos;
  }

  const fs::path folder_ = fs::temp_directory_path() / ("quire_launch_" + std::to_string(::getpid()));
  Program program_{.host_path = (folder_ / "p").string(), .args = {}, .env = {}, .cwd = "/", .files = {}};
};

TEST_F(Initramfs, HoldsTheRunFileOnlyWithAProgram) {
  const std::string run_file = std::string(arch::kRunFilePath).substr(1);
  EXPECT_TRUE(mentions(make_initramfs(program_), run_file));
  EXPECT_FALSE(mentions(make_base_initramfs(), run_file));
  EXPECT_TRUE(mentions(make_base_initramfs(), "etc/passwd"));
}

TEST_F(Initramfs, IsTheSameEveryTime) { EXPECT_EQ(make_initramfs(program_), make_initramfs(program_)); }

TEST_F(Initramfs, PreparingNeedsASupervisorInTheBuild) {
  Config config;
  config.seed = 7;
  config.command_line = "quire.loglevel=7";
  if (supervisor_image().empty()) {
    EXPECT_THROW(prepare_supervisor(config, &program_), Error);
    return;
  }
  prepare_supervisor(config, &program_);
  EXPECT_EQ(config.command_line, "quire.loglevel=7 quire.seed=7");
  EXPECT_EQ(config.initrd, make_initramfs(program_));
  config.command_line = "quire.seed=9";
  prepare_supervisor(config, nullptr);
  EXPECT_EQ(config.command_line, "quire.seed=9");
  EXPECT_NO_THROW(Machine{config});
}

TEST_F(Initramfs, FilesThatCannotFitAreRefusedByName) {
  if (supervisor_image().empty()) {
    GTEST_SKIP() << "this build has no supervisor in it (QUIRE_GUEST=OFF)";
  }
  const std::string large = (folder_ / "large").string();
  std::ofstream(large, std::ios::binary) << std::string(9 << 20, 'x');
  program_.files.push_back({large, "/data/large"});
  Config config;
  config.ram_bytes = 16 << 20;
  try {
    prepare_supervisor(config, &program_);
    FAIL() << "18 MiB of archive and files were taken for 16 MiB of RAM";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("/data/large alone has 9437184 bytes"), std::string::npos)
        << error.what();
  }
  config.ram_bytes = 32 << 20;
  EXPECT_NO_THROW(prepare_supervisor(config, &program_));
}

TEST_F(Initramfs, ExportWritesWhatQemuNeeds) {
  Config config;
  config.ram_bytes = 96 << 20;
  config.kernel = {1, 2, 3};
  config.initrd = {4, 5};
  config.command_line = "quire.seed=3";
  const fs::path out = folder_ / "deep" / "export";
  export_qemu(config, out.string());
  EXPECT_EQ(text(out / "kernel"), "\1\2\3");
  EXPECT_EQ(text(out / "initramfs.cpio"), "\4\5");
  EXPECT_EQ(text(out / "command-line"), "quire.seed=3\n");
  EXPECT_NE(text(out / "run.sh").find("-M virt -m 96M"), std::string::npos);
  EXPECT_NE(fs::status(out / "run.sh").permissions() & fs::perms::owner_exec, fs::perms::none);
  export_qemu(config, out.string());  // over an older export
}

TEST_F(Initramfs, ExportNamesWhatItCannotWrite) {
  const fs::path in_the_way = folder_ / "file";
  std::ofstream(in_the_way) << "x";
  try {
    export_qemu(Config{}, in_the_way.string());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_NE(std::string(error.what()).find(in_the_way.string()), std::string::npos);
  }
}

}  // namespace
}  // namespace quire
