#include "emu/launch/program_plan.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>

#include "tests/unit/emu/machine/elf_builder.h"

namespace quire {
namespace {

namespace fs = std::filesystem;
using arch::u64;
using arch::u8;
using test::ElfBuilder;

constexpr u64 kMemory = 256 << 20;

class ProgramPlanTest : public testing::Test {
 protected:
  ProgramPlanTest() { fs::create_directories(folder_); }
  ~ProgramPlanTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::vector<u8>& data, int mode = 0755) {
    const fs::path path = folder_ / name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    ::chmod(path.c_str(), static_cast<mode_t>(mode));
    return path.string();
  }
  std::string write(const std::string& name, const std::string& text) {
    return write(name, std::vector<u8>(text.begin(), text.end()));
  }
  static ElfBuilder program() { return ElfBuilder().load(0x10000, 0x10000, std::vector<u8>(64), 128); }

  ProgramPlan plan(const std::string& path, std::vector<GuestFile> files = {}) {
    Program wanted;
    wanted.host_path = path;
    wanted.files = std::move(files);
    return plan_program(wanted, kMemory);
  }
  /// What is said after "PATH: "; a failure when the file is accepted or the message does not name it.
  std::string complaint(const std::string& path) {
    try {
      plan(path);
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.kind(), ErrorKind::kFile);
      EXPECT_TRUE(message.starts_with(path + ": ")) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos);
      return message.substr(path.size() + 2);
    }
    ADD_FAILURE() << path << " was accepted";
    return {};
  }

  const fs::path folder_ = fs::temp_directory_path() / ("quire_plan_" + std::to_string(::getpid()));
};

TEST_F(ProgramPlanTest, ProgramKeepsItsPathAndBecomesExecutable) {
  const std::string path = write("hello", program().build(), 0644);
  const ProgramPlan made = plan(path);
  EXPECT_EQ(made.tree.entries().at(path).mode, S_IFREG | 0755U);
  EXPECT_NE(made.run_file.find(std::string("exe=") + path), std::string::npos);
}

TEST_F(ProgramPlanTest, RunFileHoldsArgumentsInOrderAndDefaults) {
  Program wanted;
  wanted.host_path = write("hello", program().build());
  wanted.args = {"-x", "", "a b"};
  wanted.env = {"HOME=/elsewhere", "K=V=W"};
  wanted.cwd = "/work/";
  fs::create_directories(folder_ / "work/inner");
  write("work/inner/file", "text");
  fs::create_symlink("inner/file", folder_ / "work/link");
  wanted.files = {{(folder_ / "work").string(), "/work"}};
  const ProgramPlan made = plan_program(wanted, kMemory);
  const std::string expected = std::string("quire-run 1\0cwd=/work\0exe=", 26) + wanted.host_path + '\0' +
                               "arg=" + wanted.host_path + std::string("\0arg=-x\0arg=\0arg=a b\0", 21) +
                               "env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" +
                               std::string("\0env=HOME=/elsewhere\0env=K=V=W\0", 31);
  EXPECT_EQ(made.run_file, expected);
  EXPECT_TRUE(made.tree.contains("/work/inner/file"));
  EXPECT_EQ(made.tree.entries().at("/work/link").mode & S_IFMT, S_IFLNK | 0U);
}

TEST_F(ProgramPlanTest, StartsInADirectoryThatIsThere) {
  Program wanted;
  wanted.host_path = write("hello", program().build());
  const auto starts_in = [&](const std::string& cwd, const GuestMounts& mounts = {}) {
    wanted.cwd = cwd;
    try {
      plan_program(wanted, kMemory, mounts);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return false;
    }
  };
  EXPECT_TRUE(starts_in("/"));
  EXPECT_TRUE(starts_in("/var/tmp"));
  EXPECT_TRUE(starts_in("/dev/shm"));
  EXPECT_TRUE(starts_in(folder_.string()));  // the program is in it
  EXPECT_FALSE(starts_in("/nowhere"));
  EXPECT_FALSE(starts_in("/etc/passwd"));
  EXPECT_TRUE(starts_in("/mnt/deep", {.root = {}, .shares = {{folder_.string(), "/mnt", false}}}));
}

TEST_F(ProgramPlanTest, SaysWhyAFileCannotRun) {
  EXPECT_EQ(complaint((folder_ / "missing").string()), "No such file or directory");
  EXPECT_EQ(complaint(folder_.string()), "is a directory");
  EXPECT_EQ(complaint(write("empty", "")), "the file is empty");
  EXPECT_EQ(complaint(write("text", "hello\n")), "neither a riscv64 ELF executable nor a #! script");
  EXPECT_EQ(complaint(write("locked", program().build(), 0)),
            ::geteuid() == 0 ? "unreadable: mode 0000 lets nobody read it" : "Permission denied");
  auto truncated = program().build();
  truncated.resize(truncated.size() - 1);
  EXPECT_EQ(complaint(write("truncated", truncated)).substr(0, 9), "truncated");
}

TEST_F(ProgramPlanTest, RefusesAbsurdMemorySizes) {
  for (const u64 memsz : {u64{1} << 63, u64{1} << 39, ~u64{0}, kMemory + 1}) {
    auto builder = program();
    builder.segments[0].memsz = memsz;
    EXPECT_NE(complaint(write("absurd", builder.build())).find("p_memsz"), std::string::npos) << memsz;
  }
}

TEST_F(ProgramPlanTest, RefusesWhatTheSupervisorCouldNotMap) {
  auto overlapping = program();
  overlapping.load(0x10800, 0x10800, std::vector<u8>(64), 64);
  EXPECT_NE(complaint(write("overlapping", overlapping.build())).find("0x10800 overlaps"), std::string::npos);
  auto descending = program();
  descending.load(0x4000, 0x4000, std::vector<u8>(64), 64);
  EXPECT_NE(complaint(write("descending", descending.build())).find("should come before"), std::string::npos);
  auto misaligned = program().build();
  test::poke(misaligned, test::segment_field(0, offsetof(arch::Elf64ProgramHeader, vaddr)), u64{0x10008});
  EXPECT_NE(complaint(write("misaligned", misaligned)).find("cannot be mapped"), std::string::npos);
  auto far = program();
  far.header.entry = u64{1} << 38;
  EXPECT_NE(complaint(write("far", far.build())).find("entry point 0x4000000000"), std::string::npos);
  auto aligned = program();
  aligned.segments[0].align = u64{1} << 40;
  EXPECT_NE(complaint(write("aligned", aligned.build())).find("p_align 0x10000000000"), std::string::npos);
}

TEST_F(ProgramPlanTest, AnInterpreterThatIsNowhereIsNamed) {
  const auto file =
      program().segment(arch::SegmentType::kInterp, 0, {'/', 'l', 'i', 'b', '/', 'n', 'o', 0}).build();
  EXPECT_NE(complaint(write("dynamic", file)).find("/lib/no"), std::string::npos);
}

TEST_F(ProgramPlanTest, ScriptsBringTheirInterpreter) {
  const std::string interpreter = write("interp", program().build());
  const std::string script = write("script", "#! " + interpreter + " -f\nbody\n");
  const std::string outer = write("outer", "#!" + script);
  const ProgramPlan made = plan(outer);
  EXPECT_TRUE(made.tree.contains(interpreter));
  EXPECT_TRUE(made.tree.contains(script));
}

TEST_F(ProgramPlanTest, ScriptsMayUseAFileTheyWereGiven) {
  const std::string interpreter = write("busybox", program().build());
  const std::string script = write("script", "#!/bin/quire-test-sh\n");
  EXPECT_TRUE(plan(script, {{interpreter, "/bin/quire-test-sh"}}).tree.contains("/bin/quire-test-sh"));
  EXPECT_NE(complaint(script).find("/bin/quire-test-sh"), std::string::npos);
}

TEST_F(ProgramPlanTest, ScriptsInALoopAreRefused) {
  const std::string path = (folder_ / "loop").string();
  write("loop", "#!" + path + "\n");
  EXPECT_NE(complaint(path).find("too many levels"), std::string::npos);
  EXPECT_EQ(complaint(write("nothing", "#! \n")), "its #! line names no interpreter");
}

/// The cross toolchain's own dynamic program shapes (package g++-riscv64-linux-gnu).
TEST_F(ProgramPlanTest, DynamicProgramsGetTheirLibraries) {
  const std::string source = write("main.cpp", "#include <iostream>\nint main() { std::cout << 1; }\n");
  const std::string path = (folder_ / "dynamic").string();
  ASSERT_EQ(std::system(("riscv64-linux-gnu-g++ -o " + path + " " + source).c_str()), 0)
      << "needs the package g++-riscv64-linux-gnu";
  const ProgramPlan made = plan(path);
  for (const char* library : {"/lib/ld-linux-riscv64-lp64d.so.1", "/lib/libc.so.6", "/lib/libm.so.6",
                              "/lib/libstdc++.so.6", "/lib/libgcc_s.so.1"}) {
    EXPECT_TRUE(made.tree.contains(library)) << library;
  }
}

TEST_F(ProgramPlanTest, BaseTreeKnowsNobody) {
  const GuestTree tree = base_tree();
  const auto& passwd = tree.entries().at("/etc/passwd").data;
  EXPECT_NE(std::string(passwd.begin(), passwd.end()).find("nobody:x:65534"), std::string::npos);
}

}  // namespace
}  // namespace quire
