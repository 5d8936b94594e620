// The quire command: parse, do, report. Exit statuses: docs of `quire --help`.
#include <csignal>
#include <cstring>
#include <exception>
#include <new>

#include "emu/cli/commands.h"
#include "emu/cli/files.h"
#include "emu/cli/message.h"
#include "quire/error.h"

namespace {

using quire::cli::Command;
using quire::cli::Options;
using quire::cli::Origin;
using quire::cli::Report;

constexpr int kUsageStatus = 2;
constexpr int kErrorStatus = 3;

Report failed(Origin origin, int status, const std::string& detail) {
  Report report;
  report.origin = origin;
  report.status = status;
  report.detail = detail;
  return report;
}

void check_outputs(Options& options) {
  if (!options.signature.empty()) {
    quire::cli::check_writable(options.signature);
  }
  if (!options.dump_dtb.empty()) {
    quire::cli::check_writable(options.dump_dtb);
  }
  if (!options.screenshot.empty()) {
    quire::cli::check_writable(options.screenshot);
  }
  if (options.json && !options.json->empty()) {
    const std::string path = *options.json;
    options.json.reset();  // a complaint about this file cannot go into it
    quire::cli::check_writable(path);
    options.json = path;
  }
}

Report perform(Options& options) {
  try {
    check_outputs(options);
    switch (options.command) {
      case Command::kRun:
        return run_command(options);
      case Command::kBoot:
        return boot_command(options);
      case Command::kBare:
        return bare_command(options);
      case Command::kDoctor:
        return quire::cli::doctor_command();
    }
  } catch (const quire::Error& error) {
    const bool usage = error.kind() == quire::ErrorKind::kUsage;
    return failed(usage ? Origin::kUsage : Origin::kEmulator, usage ? kUsageStatus : kErrorStatus,
                  error.what());
  } catch (const std::bad_alloc&) {
    return failed(Origin::kEmulator, kErrorStatus,
                  "the host has not enough memory; give the guest less with --ram");
  } catch (const std::exception& error) {
    return failed(Origin::kEmulator, kErrorStatus, error.what());
  }
  return {};
}

/// Says what is to be said, and returns the command's status.
int conclude(const Report& report, const Options& options) {
  if (!report.detail.empty()) {
    quire::cli::complain(report.detail);
  }
  try {
    deliver(report, options);
  } catch (const quire::Error& error) {
    quire::cli::complain(error.what());
    return kErrorStatus;
  }
  return report.status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && quire::cli::is_python_command(argv[1])) {
    return quire::cli::python_command(argc, argv);
  }
  quire::cli::prepare_standard_streams();
  // A limit on the size of files fails the write that meets it, as a full disk does.
  std::signal(SIGXFSZ, SIG_IGN);
  quire::cli::Parsed parsed = quire::cli::parse_command_line(argc, argv);
  quire::cli::set_color_wanted(parsed.options.color);
  if (!parsed.status) {
    const Report report = perform(parsed.options);
    return conclude(report, parsed.options);
  }
  if (*parsed.status != 0) {
    return conclude(failed(Origin::kUsage, *parsed.status, parsed.text), parsed.options);
  }
  try {
    quire::cli::print_answer(parsed.text);
    return 0;
  } catch (const quire::Error& error) {
    quire::cli::complain(error.what());
    return kErrorStatus;
  }
}
