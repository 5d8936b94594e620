// quire fi: campaigns of fault injection. They are the Python package's; this finds it and hands over.
#include <unistd.h>

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

/// Says in one line when the package is not there.
constexpr const char* kProgram =
    "import sys\n"
    "try:\n"
    "    from quire.fi.command import main\n"
    "except ImportError as error:\n"
    "    sys.exit(print(f\"quire: 'quire fi' needs the Python package: {error}; 'pip install .' in the "
    "source tree, "
    "or set QUIRE_PYTHON to a Python that has it\", file=sys.stderr) or 3)\n"
    "sys.exit(main(sys.argv[1:]))\n";

/// QUIRE_PYTHON, the launcher of a build folder, or the python3 of PATH.
std::string interpreter() {
  if (const char* const chosen = std::getenv("QUIRE_PYTHON"); chosen != nullptr && *chosen != '\0') {
    return chosen;
  }
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto beside = self.parent_path() / "python";
  if (!failed && ::access(beside.c_str(), X_OK) == 0 &&
      std::filesystem::exists(self.parent_path() / "pylib")) {
    return beside;
  }
  return "python3";
}

}  // namespace

int fi_command(int argc, char** argv) {
  const std::string python = interpreter();
  std::vector<char*> words = {const_cast<char*>(python.c_str()), const_cast<char*>("-c"),
                              const_cast<char*>(kProgram)};
  words.insert(words.end(), argv + 2, argv + argc);
  words.push_back(nullptr);
  ::execvp(python.c_str(), words.data());
  complain("'quire fi' runs on Python, and '" + python + "' cannot be started: " + std::strerror(errno) +
           "; install python3 or set QUIRE_PYTHON");
  return kErrorStatus;
}

}  // namespace quire::cli
