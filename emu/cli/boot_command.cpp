// quire boot: a whole system. The UART is the command's stdin and stdout.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emu/cli/commands.h"
#include "emu/cli/files.h"
#include "emu/cli/raw_terminal.h"
#include "emu/cli/session.h"
#include "quire/host_file.h"
#include "quire/settings.h"
#include "quire/streams.h"

namespace quire::cli {
namespace {

constexpr const char* kBuiltin = "builtin";

/// Whether what comes from standard input comes in its own time.
bool input_is_live() {
  struct stat status = {};
  return ::fstat(STDIN_FILENO, &status) == 0 &&
         (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || ::isatty(STDIN_FILENO) != 0);
}

void read_images(Config& config, const Options& options) {
  if (options.bios != kBuiltin) {
    config.mode = BootMode::kFirmware;
    config.firmware = read_host_file(options.bios).data;
    config.firmware_name = options.bios;
  }
  if (!options.kernel.empty()) {
    config.kernel = read_host_file(options.kernel).data;
    config.kernel_name = options.kernel;
  } else if (config.mode != BootMode::kFirmware) {
    throw Error(ErrorKind::kUsage,
                "there is nothing to boot: give --kernel FILE, or firmware with --bios FILE");
  }
  if (!options.initrd.empty()) {
    config.initrd = read_host_file(options.initrd).data;
    if (config.initrd.empty()) {
      throw Error(ErrorKind::kFile, fmt::format("{}: the file is empty", options.initrd));
    }
  }
  if (!options.dtb.empty()) {
    config.device_tree = read_host_file(options.dtb).data;
    if (config.device_tree.empty()) {
      throw Error(ErrorKind::kFile, fmt::format("{}: the file is empty", options.dtb));
    }
    config.device_tree_name = options.dtb;
  }
}

Config boot_config(const Options& options) {
  Config config = machine_config(options);
  config.mode = BootMode::kSupervisor;
  if (options.harts != 1) {
    throw Error(ErrorKind::kUsage,
                fmt::format("--smp {}: the machine has one hart as yet; leave it away, or 1", options.harts));
  }
  config.command_line = options.append;
  if (input_is_live() || config.net.mode != NetMode::kNone) {
    config.idle_time = IdleTime::kWait;
  }
  read_images(config, options);
  return config;
}

Report dump_device_tree(Config config, const std::string& path) {
  const Machine machine(std::move(config));
  const auto tree = machine.device_tree();
  write_file(path, {reinterpret_cast<const char*>(tree.data()), tree.size()});
  Report report;
  report.origin = Origin::kGuest;
  report.status = 0;
  return report;
}

}  // namespace

Report boot_command(const Options& options) {
  Config config = boot_config(options);
  if (!options.dump_dtb.empty()) {
    return dump_device_tree(std::move(config), options.dump_dtb);
  }
  const auto patience = std::make_shared<Patience>(options.timeout_seconds);
  config.uart = standard_sink(STDOUT_FILENO, patience);
  if (::isatty(STDIN_FILENO) == 0) {
    config.uart_in = std::make_shared<FdSource>(STDIN_FILENO);
    return Session(std::move(config), options, patience).run();
  }
  if (!TerminalMode::possible()) {  // in the background: the keys are not for us
    return Session(std::move(config), options, patience).run();
  }
  const auto keys = std::make_shared<TerminalInput>();
  config.uart_in = keys;
  Session session(std::move(config), options, patience);
  const RawTerminal terminal(session.machine(), keys);
  return session.run();
}

}  // namespace quire::cli
