// quire doctor: what this machine has and lacks for Quire's parts, and which Debian package installs it.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <thread>

#include "emu/cli/commands.h"
#include "emu/cli/message.h"
#include "quire/launch.h"
#include "quire/machine.h"

namespace quire::cli {
namespace {

struct Need {
  const char* name;
  const char* path;  ///< empty: a program of that name on PATH
  const char* package;
  const char* purpose;
};

constexpr Need kOptional[] = {
    {"riscv64-linux-gnu-gcc", "", "gcc-riscv64-linux-gnu", "compile riscv64 Linux programs"},
    {"riscv64 libc, static", "/usr/riscv64-linux-gnu/lib/libc.a", "libc6-dev-riscv64-cross",
     "link static programs"},
    {"riscv64 libc, shared", "/usr/riscv64-linux-gnu/lib/libc.so.6", "libc6-riscv64-cross",
     "run dynamically linked programs"},
    {"qemu-system-riscv64", "", "qemu-system-riscv", "run what --export-qemu writes; compare with QEMU"},
    {"OpenSBI", "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin", "opensbi", "firmware for QEMU"},
    {"gdb-multiarch", "", "gdb-multiarch", "debug guests (--gdb), look into riscv64 ELF files"},
    {"Unicorn", "/usr/include/unicorn/unicorn.h", "libunicorn-dev", "tests that compare with Unicorn"},
    {"pytest", "/usr/lib/python3/dist-packages/pytest/__init__.py", "python3-pytest", "Quire's tests"},
    {"pandas", "/usr/lib/python3/dist-packages/pandas/__init__.py", "python3-pandas",
     "to_pandas() of recorded events"},
};

bool on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access(fmt::format("{}/{}", folder, name).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

bool present(const Need& need) {
  return need.path[0] == '\0' ? on_path(need.name) : ::access(need.path, R_OK) == 0;
}

std::string host_line() {
  struct sysinfo info = {};
  ::sysinfo(&info);
  const double ram_gib = static_cast<double>(info.totalram) * info.mem_unit / (1ULL << 30);
  return fmt::format("{} CPUs, {:.1f} GiB of memory", std::thread::hardware_concurrency(), ram_gib);
}

}  // namespace

Report doctor_command() {
  std::string text = fmt::format("quire {}\n  host   {}\n", QUIRE_VERSION, host_line());
  const bool supervisor = !supervisor_image().empty();
  if (supervisor) {
    text += fmt::format("  have   supervisor inside, {} KiB\n", supervisor_image().size() / 1024);
  } else {
    text += "  lacks  supervisor: this build left it out (QUIRE_GUEST=OFF); 'quire run' cannot work\n";
  }
  const std::string no_translator = translator_problem();
  text += no_translator.empty() ? "  have   translator (--engine jit)\n"
                                : fmt::format("  lacks  translator: {}\n", no_translator);
  std::string missing;
  for (const Need& need : kOptional) {
    const bool has = present(need);
    text += fmt::format("  {}  {} ({})\n", has ? "have " : "lacks", need.name, need.purpose);
    if (!has) {
      missing += fmt::format(" {}", need.package);
    }
  }
  if (!missing.empty()) {
    text += fmt::format("to have the rest: sudo apt-get install{}\n", missing);
  }
  print_answer(text);
  Report report;
  report.origin = supervisor ? Origin::kGuest : Origin::kEmulator;
  report.status = supervisor ? 0 : 3;
  return report;
}

}  // namespace quire::cli
