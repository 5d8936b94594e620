// quire run: a riscv64 Linux program on the supervisor.
//
// The guest's three streams are the command's own, byte for byte, or the terminal it was started on; the
// supervisor's log goes to a file or is kept, to be shown when the supervisor itself fails.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "emu/cli/commands.h"
#include "emu/cli/host_terminal.h"
#include "emu/cli/message.h"
#include "emu/cli/session.h"
#include "quire/launch.h"
#include "quire/settings.h"
#include "quire/streams.h"

namespace quire::cli {
namespace {

constexpr std::size_t kKeptLogBytes = std::size_t{16} << 10;

Program program_of(const Options& options) {
  Program program;
  program.host_path = options.program;
  program.args = options.args;
  program.cwd = options.cwd.value_or("/");
  for (const std::string& variable : options.env) {
    if (variable.find('=') == std::string::npos || variable.front() == '=') {
      throw Error(ErrorKind::kUsage, fmt::format("--env '{}' is not K=V, as in --env LANG=C", variable));
    }
    program.env.push_back(variable);
  }
  for (const std::string& file : options.files) {
    HostGuestPath paths = parse_host_guest(file);
    program.files.push_back({std::move(paths.host), std::move(paths.guest)});
  }
  return program;
}

/// The current directory, read-only, at the path it has on the host: for programs that are not given a root.
void share_current_directory(const Options& options, Program& program, GuestMounts& mounts) {
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string();
  if (error) {
    return;  // it is gone
  }
  if (::access(here.c_str(), R_OK | X_OK) != 0) {
    note("the current directory cannot be read: the program does not see it");
    return;
  }
  if (collides_with_guest(here)) {
    note(fmt::format("the program does not see the current directory: the guest has its own {}", here));
    return;
  }
  const bool hides = std::any_of(program.files.begin(), program.files.end(), [&](const GuestFile& file) {
    return file.guest_path.starts_with(here + "/");
  });
  if (hides) {
    note("the program does not see the current directory: a file given with --file is in it");
    return;
  }
  mounts.shares.push_back({here, here, false});
  if (!options.cwd) {
    program.cwd = here;
  }
}

GuestMounts mounts_of(const Options& options, Program& program) {
  GuestMounts mounts;
  if (options.root) {
    mounts.root = parse_root(*options.root);
  } else if (options.export_qemu.empty()) {
    share_current_directory(options, program, mounts);
  }
  for (const std::string& share : options.guest_shares) {
    mounts.shares.push_back(parse_shared_path(share));
  }
  return mounts;
}

/// The log's file, or memory when the user named none.
struct KernelLog {
  explicit KernelLog(const std::string& path) {
    if (path.empty()) {
      kept = std::make_shared<BufferSink>(kKeptLogBytes);
      sink = kept;
      return;
    }
    fd = path == "-" ? ::dup(STDERR_FILENO)
                     : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
      throw Error(ErrorKind::kFile, fmt::format("{}: {}; check --kernel-log", path, std::strerror(errno)));
    }
    sink = std::make_shared<FdSink>(fd, path);
  }
  ~KernelLog() {
    if (fd >= 0) {
      ::close(fd);
    }
  }
  KernelLog(const KernelLog&) = delete;
  KernelLog& operator=(const KernelLog&) = delete;

  std::string last_line() const {
    std::string text = kept ? kept->contents() : "";
    text.erase(text.find_last_not_of("\r\n") + 1);
    return text.substr(text.find_last_of('\n') + 1);
  }

  int fd = -1;
  std::shared_ptr<ByteSink> sink;
  std::shared_ptr<BufferSink> kept;
};

/// A program on the user's terminal is told what kind it is, unless --env does.
void lend_name(Program& program) {
  const char* kind = std::getenv("TERM");
  const auto names_it = [](const std::string& entry) { return entry.starts_with("TERM="); };
  if (kind != nullptr && std::none_of(program.env.begin(), program.env.end(), names_it)) {
    program.env.push_back(fmt::format("TERM={}", kind));
  }
}

void add_kernel_word(Config& config, std::string_view word) {
  config.command_line += config.command_line.empty() ? "" : " ";
  config.command_line += word;
}

/// A name without a directory is not looked for along PATH, which who gives --root may expect.
std::string hint_for_root(const Options& options) {
  if (!options.root || options.program.find('/') != std::string::npos) {
    return "";
  }
  const std::string root = parse_root(*options.root).host_path;
  for (const char* directory : {"/usr/local/bin/", "/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"}) {
    std::error_code error;
    const auto there = std::filesystem::symlink_status(root + directory + options.program, error);
    if (std::filesystem::exists(there)) {
      return fmt::format("; did you mean {}{}?", directory, options.program);
    }
  }
  return "; PROGRAM is a path in the root, as in /usr/bin/env";
}

/// An end that is the supervisor's doing, not the program's.
void judge_supervisor(const Session& session, const KernelLog& log, const Options& options, Report& report) {
  const bool panicked = session.events().events(arch::TraceEventId::k_panic) > 0;
  const bool never_started = report.origin == Origin::kGuest && session.processes().main_program() == nullptr;
  if (!panicked && !never_started) {
    return;
  }
  report.origin = Origin::kEmulator;
  report.status = 3;
  const std::string line = log.last_line();
  if (never_started && line.starts_with("cannot run ")) {
    report.detail = line + hint_for_root(options);
    return;
  }
  report.detail = panicked ? "the supervisor panicked"
                           : fmt::format("{}: the supervisor did not start it", options.program);
  if (!line.empty()) {
    report.detail += fmt::format("; its log ends: {}", line);
  } else {
    report.detail += options.kernel_log.empty() ? "; --kernel-log FILE keeps its log"
                                                : fmt::format("; see its log, {}", options.kernel_log);
  }
}

/// Hears from the supervisor what came of --fail-alloc.
struct InjectionWatch final : TraceSink {
  void on_event(const TraceEvent& event) override {
    if (event.id == arch::TraceEventId::k_injection) {
      outcome = {event.args[0], event.args[1]};
    }
  }
  std::optional<InjectionOutcome> outcome;
};

void report_injection(const InjectionWatch& watch, const Options& options, Report& report) {
  if (options.fail_alloc.empty()) {
    return;
  }
  report.injection = watch.outcome;
  if (watch.outcome && watch.outcome->refused == 0) {
    note(fmt::format("--fail-alloc {} was not reached: the run made {} allocations too few",
                     options.fail_alloc, watch.outcome->missing));
  }
}

/// The signal alone would not tell who sent it, or what helps.
void explain_lack_of_memory(const Session& session, const Options& options, const Report& report) {
  if (session.events().faults(arch::FaultKind::k_oom) == 0 || report.origin != Origin::kGuest) {
    return;
  }
  if (options.fail_alloc.empty()) {
    note("the guest had no memory left, and a process of it was killed; --ram gives more");
  } else {
    note(fmt::format("a process was killed because --fail-alloc {} left it without memory",
                     options.fail_alloc));
  }
}

}  // namespace

Report run_command(const Options& options) {
  if (!options.export_qemu.empty() && !options.screen.empty()) {
    throw Error(ErrorKind::kUsage,
                "--export-qemu and --screen do not go together: QEMU's board has no such screen");
  }
  Config config = machine_config(options);
  config.mode = BootMode::kSupervisor;
  Program program = program_of(options);
  const GuestMounts mounts = mounts_of(options, program);
  const KernelLog log(options.kernel_log);
  config.uart = log.sink;
  const HostTerminal terminal(options.export_qemu.empty() ? Lend::kYes : Lend::kNo);
  if (terminal.active()) {
    config.stdin_stream = terminal.source();
    config.idle_time = IdleTime::kWait;  // who sits there expects sleep 1 to take a second
    config.command_line = terminal.kernel_options();
    lend_name(program);
  } else {
    config.stdin_stream = std::make_shared<FdSource>(STDIN_FILENO);
  }
  const auto patience = std::make_shared<Patience>(options.timeout_seconds);
  config.stdout_stream = standard_sink(STDOUT_FILENO, patience);
  config.stderr_stream = standard_sink(STDERR_FILENO, patience);
  if (options.check) {
    add_kernel_word(config, "quire.check");
  }
  if (!options.fail_alloc.empty()) {
    add_kernel_word(config, "quire.fail-alloc=" + options.fail_alloc);
  }
  prepare_supervisor(config, &program, mounts);

  if (!options.export_qemu.empty()) {
    export_qemu(config, options.export_qemu);
    note(fmt::format("wrote {}; run.sh in it starts QEMU", options.export_qemu));
    Report report;
    report.origin = Origin::kGuest;
    report.status = 0;
    return report;
  }

  Session session(std::move(config), options, patience);
  InjectionWatch injection;
  session.machine().add_sink(&injection);
  Report report = session.run();
  session.machine().remove_sink(&injection);
  report_injection(injection, options, report);
  judge_supervisor(session, log, options, report);
  explain_lack_of_memory(session, options, report);
  return report;
}

}  // namespace quire::cli
