// The commands that are the Python package's: this finds it and hands over.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "emu/cli/commands.h"
#include "emu/cli/message.h"

namespace quire::cli {
namespace {

constexpr int kErrorStatus = 3;

struct PythonCommand {
  const char* name;
  const char* module;       ///< has main(words)
  const char* first_words;  ///< what main() is given before the user's own
};
constexpr PythonCommand kCommands[] = {
    {"bench", "quire.bench", ""},         {"fi", "quire.fi.command", ""},
    {"maps", "quire.commands", "maps"},   {"walk", "quire.commands", "walk"},
    {"trace", "quire.commands", "trace"}, {"stat", "quire.commands", "stat"},
    {"snap", "quire.commands", "snap"}};

const PythonCommand* find_command(const char* name) {
  const auto* const found =
      std::find_if(std::begin(kCommands), std::end(kCommands),
                   [name](const auto& command) { return std::strcmp(command.name, name) == 0; });
  return found == std::end(kCommands) ? nullptr : found;
}

/// Says in one line when the package is not there.
std::string program_for(const PythonCommand& command) {
  return fmt::format(
      "import sys\n"
      "try:\n"
      "    from {1} import main\n"
      "except ImportError as error:\n"
      "    sys.exit(print(f\"quire: 'quire {0}' needs the Python package: {{error}}; 'pip install .' in the "
      "source "
      "tree, or set QUIRE_PYTHON to a Python that has it\", file=sys.stderr) or 3)\n"
      "sys.exit(main('{2}'.split() + sys.argv[1:]))\n",
      command.name, command.module, command.first_words);
}

}  // namespace

std::string python_interpreter() {
  if (const char* const chosen = std::getenv("QUIRE_PYTHON"); chosen != nullptr && *chosen != '\0') {
    return chosen;
  }
  std::error_code failed;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
  const auto beside = folder / "python";
  const bool has_package = std::filesystem::exists(folder / "pylib") ||
                           std::filesystem::exists(folder.parent_path() / "pyvenv.cfg");
  return !failed && has_package && ::access(beside.c_str(), X_OK) == 0 ? beside.string() : "python3";
}

bool is_python_command(const char* name) { return find_command(name) != nullptr; }

int python_command(int argc, char** argv) {
  const std::string python = python_interpreter();
  const std::string program = program_for(*find_command(argv[1]));
  std::vector<char*> words = {const_cast<char*>(python.c_str()), const_cast<char*>("-c"),
                              const_cast<char*>(program.c_str())};
  words.insert(words.end(), argv + 2, argv + argc);
  words.push_back(nullptr);
  ::execvp(python.c_str(), words.data());
  complain(std::string("'quire ") + argv[1] + "' runs on Python, and '" + python +
           "' cannot be started: " + std::strerror(errno) + "; install python3 or set QUIRE_PYTHON");
  return kErrorStatus;
}

}  // namespace quire::cli
