// quire doctor: what this machine has and lacks for Quire's parts, and which Debian package installs it.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

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
};

struct PythonPackage {
  const char* name;
  const char* purpose;
};

/// The Python package needs none of these.
constexpr PythonPackage kPythonPackages[] = {
    {"numpy", "to_numpy() of recordings"},
    {"pyarrow", "write_parquet(); recordings as Arrow tables"},
    {"pandas", "to_pandas() of recordings and sweeps"},
    {"matplotlib", "plots"},
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

struct CloseProgram {
  void operator()(FILE* program) const { ::pclose(program); }
};

std::string in_quotes(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

/// First line: what the Python is; then the names of those packages that it finds. Empty when there is no
/// Python.
std::vector<std::string> ask_python(const std::string& python) {
  std::string names;
  for (const PythonPackage& package : kPythonPackages) {
    names += fmt::format("\"{}\", ", package.name);
  }
  const std::string program = fmt::format(
      "import sys, importlib.util as util\n"
      "print(\"%d.%d.%d\" % sys.version_info[:3])\n"
      "for name in [\"quire\", {}]:\n"
      "    if util.find_spec(name): print(name)\n",
      names);
  const std::string command = fmt::format("{} -c {} 2>/dev/null", in_quotes(python), in_quotes(program));
  std::vector<std::string> lines;
  const std::unique_ptr<FILE, CloseProgram> answer(::popen(command.c_str(), "r"));
  char line[256];
  while (answer && std::fgets(line, sizeof line, answer.get()) != nullptr) {
    lines.emplace_back(line, std::strcspn(line, "\n"));
  }
  return lines;
}

/// The Python that `quire maps`, `fi` and the like run on, and what it has.
std::string python_lines() {
  const std::string python = python_interpreter();
  const std::vector<std::string> has = ask_python(python);
  if (has.empty()) {
    return fmt::format("  lacks  Python: '{}' cannot be started; 'quire fi', 'maps' and the like need it\n",
                       python);
  }
  const auto is_there = [&has](const std::string& name) {
    return std::find(has.begin(), has.end(), name) != has.end();
  };
  std::string text =
      is_there("quire")
          ? fmt::format("  have   Python {} with the package quire ({})\n", has[0], python)
          : fmt::format(
                "  lacks  the package quire in Python {} ({}): 'pip install .' in the source tree, or "
                "set QUIRE_PYTHON to a Python that has it\n",
                has[0], python);
  std::string missing;
  for (const PythonPackage& package : kPythonPackages) {
    text += fmt::format("  {}  {} for that Python ({})\n", is_there(package.name) ? "have " : "lacks",
                        package.name, package.purpose);
    if (!is_there(package.name)) {
      missing += fmt::format(" {}", package.name);
    }
  }
  return missing.empty() ? text : text + fmt::format("to have the rest in Python: pip install{}\n", missing);
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
  const std::string no_translator = translator_trial();
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
  text += python_lines();
  print_answer(text);
  Report report;
  report.origin = supervisor ? Origin::kGuest : Origin::kEmulator;
  report.status = supervisor ? 0 : 3;
  return report;
}

}  // namespace quire::cli
