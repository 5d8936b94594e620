// The subcommands. Each throws quire::Error for what the user must correct; the report is what is left to
// say.
#pragma once

#include <string>

#include "emu/cli/options.h"
#include "emu/cli/report.h"

namespace quire::cli {

Report run_command(const Options& options);
Report boot_command(const Options& options);
Report bare_command(const Options& options);
/// Prints its findings on stdout; status 3 when something is missing without which no program runs.
Report doctor_command();
/// `quire fi ...` and what else the Python package does: becomes Python; returns the status only when that
/// fails.
bool is_python_command(const char* name);
int python_command(int argc, char** argv);
/// What runs it: QUIRE_PYTHON, the launcher of a build folder, the python of the virtual environment that the
/// command is installed in, or the python3 of PATH.
std::string python_interpreter();

}  // namespace quire::cli
