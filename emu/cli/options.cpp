// Definition of the command line with CLI11; see options.h.
//
// Invariant: nothing behind PROGRAM is looked at, so that a program's options are never taken for ours.
#include "emu/cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <sstream>

namespace quire::cli {
namespace {

constexpr const char* kFooter =
    "Exit status: the guest's (128 + signal when one killed it); 124 when --max-insns or --timeout ended the "
    "run;\n"
    "2 for a wrong command line; 3 for an error of the emulator or of a file; 130 after Ctrl-C.\n"
    "The first Ctrl-C stops the run and still reports; a second one ends quire at once.";

std::string boot_footer() {
  return std::string(
             "The UART is the guest's console. On a terminal every key, Ctrl-C too, goes to the guest; "
             "Ctrl-A x "
             "ends the\n"
             "run, Ctrl-A Ctrl-A sends Ctrl-A. While the guest waits and may be typed to, its clock goes as "
             "the "
             "host's;\n"
             "with input from a file, or none, runs repeat exactly.\n") +
         kFooter;
}

/// Unlike the conversions of C, takes no sign, no blank and nothing that does not fit.
CLI::Validator count_validator() {
  return CLI::Validator(
      [](std::string& text) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc::result_out_of_range) {
          return "'" + text + "' is above 2^64 - 1";
        }
        return error == std::errc{} && end == text.data() + text.size()
                   ? std::string{}
                   : "'" + text + "' is not a whole number from 0";
      },
      "");
}

CLI::Validator seconds_validator() {
  return CLI::Validator(
      [](std::string& text) {
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool good =
            error == std::errc{} && end == text.data() + text.size() && value > 0 && value < 1e9;
        return good ? std::string{} : "'" + text + "' is not a number of seconds above 0";
      },
      "");
}

/// As the supervisor understands quire.fail-alloc (quire/arch/bootinfo.h).
CLI::Validator failure_validator() {
  return CLI::Validator(
      [](std::string& text) {
        std::string_view digits = text;
        for (const std::string_view prefix : {"heap:", "io:"}) {
          if (digits.starts_with(prefix)) {
            digits.remove_prefix(prefix.size());
            break;
          }
        }
        if (digits.ends_with('+')) {
          digits.remove_suffix(1);
        }
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return error == std::errc{} && end == digits.data() + digits.size() && value > 0
                   ? std::string{}
                   : "'" + text + "' is not [heap:|io:]N[+] with N from 1";
      },
      "");
}

/// One that takes no value: --digest=3 is a mistake.
void add_plain_flag(CLI::App& app, const char* name, bool& value, const char* description) {
  app.add_flag(name, value, description)->disable_flag_override();
}

void add_machine_options(CLI::App& app, Options& options) {
  app.add_flag("--json{}", options.json,
               "Write one JSON object to FILE (--json=FILE) or to the end of stderr");
  app.add_option("--ram", options.ram, "Size of RAM, 16M to 64G")->type_name("SIZE")->capture_default_str();
  app.add_option("--tlb", options.tlb,
                 "Geometry of the TLB: entries=N,ways=N,policy=default|lru|fifo|random,"
                 "check=fences|off")
      ->type_name("SPEC");
  app.add_option("--isa", options.isa, "Only these extensions, as in rv64gc_zba (default: all there are)")
      ->type_name("STRING");
  app.add_option("--engine", options.engine,
                 "What executes instructions: interp; "
                 "jit[,threshold=N][,hot=N][,code=SIZE][,perf-map][,off=NAME[+NAME...]], the "
                 "translator to x86-64; or auto, the translator where the host allows it "
                 "(default: $QUIRE_ENGINE, else auto)")
      ->type_name("SPEC");
  add_plain_flag(
      app, "--check-fences", options.check_fences,
      "Compare every hit of the TLB with the page table; say at the end which sfence.vma is missing");
  app.add_option("--seed", options.seed, "Seed of everything random in the run")
      ->check(count_validator())
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-insns", options.max_insns, "Stop after exactly N instructions")
      ->check(count_validator())
      ->type_name("N");
  app.add_option("--timeout", options.timeout_seconds, "Stop after this many seconds on the host")
      ->type_name("SECONDS")
      ->check(seconds_validator());
  add_plain_flag(app, "--stats", options.stats,
                 "Say at the end what the run did: instructions, speed, faults, TLB");
  add_plain_flag(app, "--digest", options.digest, "Say at the end the digest of RAM and architectural state");
  app.add_option("--trace", options.trace,
                 "Write what happens, to stderr or FILE: insn, asm, mmu, trap, irq, device, sbi, all; jit, "
                 "jit=code")
      ->type_name("CATEGORIES[:FILE]");
  app.add_option("--symbols", options.symbols,
                 "Names for traces and gdb's monitor: an ELF file, or lines of nm as System.map (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--gdb", options.gdb, "Wait for gdb before the first instruction")
      ->type_name("[HOST:]PORT|unix:PATH");
  add_plain_flag(app, "!--no-color", options.color, "Plain messages, also on a terminal");
}

void add_run_options(CLI::App& app, Options& options) {
  app.add_option("--env", options.env, "Set a variable of the program's environment (repeatable)")
      ->type_name("K=V")
      ->allow_extra_args(false);
  app.add_option("--cwd", options.cwd,
                 "Working directory of the program (default: the current one where the guest has it, else /)")
      ->type_name("DIR");
  app.add_option("--root", options.root,
                 "Make DIR the guest's /; what the guest writes is thrown away, unless :rw")
      ->type_name("DIR[:rw]");
  app.add_option("--share", options.guest_shares,
                 "Let the guest see a directory of the host, read-only unless :rw (repeatable)")
      ->type_name("HOST:GUEST[:rw]")
      ->allow_extra_args(false);
  app.add_option("--file", options.files,
                 "Give the program a file of the host, or a folder as it is now (repeatable)")
      ->type_name("HOST:GUEST")
      ->allow_extra_args(false);
  add_plain_flag(app, "--check", options.check,
                 "Let the supervisor check its invariants at the end: a leaked page fails the run");
  app.add_option(
         "--fail-alloc", options.fail_alloc,
         "Let the supervisor's N-th allocation of memory for the program fail, with + all from there on; "
         "heap: counts its kmalloc, io: transfers by devices, which end with EIO")
      ->check(failure_validator())
      ->type_name("[heap:|io:]N[+]");
  add_plain_flag(app, "--strace", options.strace, "Show system calls on stderr");
  app.add_option("--export-qemu", options.export_qemu,
                 "Do not run: write kernel, initramfs and command line that run the program on QEMU")
      ->type_name("DIR");
  app.add_option("--kernel-log", options.kernel_log, "Write the supervisor's log to FILE ('-': stderr)")
      ->type_name("FILE");
}

/// CLI11 knows nothing of PROGRAM, which is not one of its options, and shows the defaults of flags.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::string usage) : usage_(std::move(usage)) { column_width(28); }
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return "Usage: " + usage_ + "\n";
  }
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    const std::string name = CLI::Formatter::make_option_name(option, is_positional);
    return name == "--json{}" ? "--json[=FILE]" : name.substr(0, name.find('{'));
  }

 private:
  std::string usage_;
};

void add_screen_options(CLI::App& app, Options& options) {
  app.add_option("--screen", options.screen, "Give the guest a framebuffer of this size")->type_name("WxH");
  app.add_option("--screenshot", options.screenshot, "Write the screen to FILE, a PNG, when the run ends")
      ->type_name("FILE");
}

void add_device_options(CLI::App& app, Options& options) {
  app.add_option("--drive", options.drives, "Raw disk image as a virtio disk (repeatable)")
      ->type_name("FILE[,ro][,snapshot]")
      ->allow_extra_args(false);
  app.add_option("--share", options.shares, "Directory that the guest can mount by 9P (repeatable)")
      ->type_name("DIR,tag=NAME[,rw]")
      ->allow_extra_args(false);
  app.add_option("--net", options.net, "Network: none, or user[,hostfwd=tcp|udp:[ADDR]:PORT-[ADDR]:PORT]")
      ->type_name("SPEC")
      ->capture_default_str();
  add_screen_options(app, options);
}

void add_bare_options(CLI::App& app, Options& options) {
  app.add_option("--signature", options.signature,
                 "Write begin_signature..end_signature to FILE, one 32-bit word a line")
      ->type_name("FILE");
}

void add_boot_options(CLI::App& app, Options& options) {
  app.add_option("--kernel", options.kernel, "Linux Image, ELF, or with --bios a raw image for 0x80200000")
      ->type_name("FILE");
  app.add_option("--bios", options.bios, "Firmware for M-mode (OpenSBI), or 'builtin' for Quire's own SBI")
      ->type_name("builtin|FILE")
      ->capture_default_str();
  app.add_option("--initrd", options.initrd, "Initial RAM disk")->type_name("FILE");
  app.add_option("--append", options.append, "Kernel command line")->type_name("STRING");
  app.add_option("--smp", options.harts, "Number of harts; 1 is the only one yet")
      ->check(count_validator())
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--dtb", options.dtb, "Device tree to hand over instead of the board's own")
      ->type_name("FILE");
  app.add_option("--dump-dtb", options.dump_dtb, "Do not run: write the device tree to FILE")
      ->type_name("FILE");
}

CLI::App* add_command(CLI::App& app, const char* name, const char* description, const char* usage) {
  CLI::App* command = app.add_subcommand(name, description);
  command->formatter(std::make_shared<HelpFormatter>(usage));
  command->footer(kFooter);
  return command;
}

bool is_command(const CLI::App& app, const std::string& name) {
  const auto commands =
      app.get_subcommands([&](const CLI::App* command) { return command->check_name(name); });
  return !commands.empty();
}

Parsed complain(Options options, std::string_view what, std::string_view command) {
  std::string line(what);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return {
      std::move(options), 2,
      fmt::format("{}; 'quire{}{} --help' says what there is", line, command.empty() ? "" : " ", command)};
}

/// CLI11 says "--seed: 1 required N missing", "--seed: At Most 1 required but received 2", "--stats was given
/// a disallowed flag override".
std::string mismatch(const std::string& what) {
  if (what.find("flag override") != std::string::npos) {
    return "--" + what.substr(0, what.find(' ')) + " takes no value";
  }
  const bool too_many = what.find("At Most") != std::string::npos;
  return what.substr(0, what.find(':')) + (too_many ? " is given more than once" : " wants a value");
}

/// Index of PROGRAM in `words` (the words behind the subcommand): the first that is neither an option of
/// `command` nor an option's value, or the one behind "--". Their number when there is none.
std::size_t find_program(const CLI::App& command, const std::vector<std::string>& words) {
  std::size_t at = 0;
  while (at < words.size()) {
    const std::string& word = words[at];
    if (word == "--") {
      return at + 1;
    }
    if (word.size() < 2 || word[0] != '-') {
      return at;
    }
    const CLI::Option* option = command.get_option_no_throw(word);
    at += option != nullptr && option->get_items_expected_min() > 0 ? 2 : 1;
  }
  return words.size();
}

/// Hands `command` its own words and keeps the program's apart.
std::optional<std::string> parse_words(CLI::App& command, std::vector<std::string> words, Options& options) {
  const std::size_t program = std::min(find_program(command, words), words.size());
  std::vector<std::string> ours(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(program));
  if (!ours.empty() && ours.back() == "--") {
    ours.pop_back();
  }
  std::reverse(ours.begin(), ours.end());  // CLI11 takes them from the end
  command.parse(ours);
  if (options.command == Command::kBoot) {
    return program < words.size() ? std::optional(fmt::format(
                                        "'{}' is no option; a kernel is given with --kernel", words[program]))
                                  : std::nullopt;
  }
  if (program == words.size()) {
    return "PROGRAM is missing";
  }
  options.program = words[program];
  options.args.assign(words.begin() + static_cast<std::ptrdiff_t>(program) + 1, words.end());
  return std::nullopt;
}

}  // namespace

Parsed parse_command_line(int argc, const char* const* argv) {
  Options options;
  CLI::App app(
      "Runs riscv64 programs: Linux ones on Quire's own supervisor, bare-metal ones on the bare board.",
      "quire");
  app.formatter(std::make_shared<HelpFormatter>("quire COMMAND [OPTIONS] ..."));
  app.set_version_flag("--version", "quire " QUIRE_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  CLI::App* run = add_command(app, "run", "Run a riscv64 Linux program on the supervisor",
                              "quire run [OPTIONS] PROGRAM [ARGS...]");
  add_machine_options(*run, options);
  add_run_options(*run, options);
  add_screen_options(*run, options);
  CLI::App* boot = add_command(app, "boot", "Boot a whole system: firmware, kernel, disks",
                               "quire boot [OPTIONS] --kernel FILE");
  boot->footer(boot_footer());
  add_machine_options(*boot, options);
  add_device_options(*boot, options);
  add_boot_options(*boot, options);
  CLI::App* bare =
      add_command(app, "bare", "Run a bare-metal ELF in M-mode, ending through tohost or the finisher",
                  "quire bare [OPTIONS] PROGRAM");
  add_machine_options(*bare, options);
  add_device_options(*bare, options);
  add_bare_options(*bare, options);
  add_command(app, "fi", "Fault injection: plan, run, report and replay campaigns (the Python package's)",
              "quire fi plan|run|report|replay ...");
  add_command(app, "maps", "A program's mappings at some moment (Python package)",
              "quire maps [OPTIONS] PROGRAM");
  add_command(app, "walk", "A page-table walk, entry by entry (Python package)",
              "quire walk [OPTIONS] PROGRAM");
  add_command(app, "trace", "What happens, event by event (Python package)", "quire trace [OPTIONS] PROGRAM");
  add_command(app, "stat", "Counters of a run (Python package)", "quire stat [OPTIONS] PROGRAM");
  add_command(app, "snap", "Save a program's state at some moment, or compare it (Python package)",
              "quire snap [OPTIONS] PROGRAM");
  add_command(app, "bench", "Measure speed beside QEMU, native code and the supervisor (in the source tree)",
              "quire bench [OPTIONS] [NAME...]");
  add_command(app, "doctor", "Say what this machine has and lacks, and what installs it", "quire doctor");

  const std::vector<std::string> words(argv + 1, argv + argc);
  CLI::App* machine_command = words.empty()        ? nullptr
                              : words[0] == "run"  ? run
                              : words[0] == "boot" ? boot
                              : words[0] == "bare" ? bare
                                                   : nullptr;
  const std::string_view command_name = machine_command != nullptr ? std::string_view(words[0]) : "";
  options.command = machine_command == bare   ? Command::kBare
                    : machine_command == boot ? Command::kBoot
                                              : Command::kRun;
  if (words.empty()) {
    return complain(std::move(options), "COMMAND is missing", "");
  }
  if (!words[0].starts_with('-') && !is_command(app, words[0])) {
    return complain(std::move(options), fmt::format("unknown command '{}'", words[0]), "");
  }
  if (words[0].starts_with('-') && app.get_option_no_throw(words[0]) == nullptr) {
    return complain(std::move(options), fmt::format("unknown option '{}'", words[0]), "");
  }
  try {
    if (machine_command == nullptr) {
      app.parse(argc, const_cast<char**>(argv));
      options.command = Command::kDoctor;
    } else if (const auto problem =
                   parse_words(*machine_command, {words.begin() + 1, words.end()}, options)) {
      return complain(std::move(options), *problem, command_name);
    }
  } catch (const CLI::Success& success) {
    std::ostringstream out;
    (machine_command != nullptr ? machine_command : &app)->exit(success, out, out);
    std::string text = out.str();
    return {std::move(options), 0, std::move(text)};
  } catch (const CLI::ExtrasError& error) {
    const std::string what = error.what();
    return complain(std::move(options),
                    "unknown option or word" + what.substr(std::min(what.find(':'), what.size())),
                    command_name);
  } catch (const CLI::ArgumentMismatch& error) {
    return complain(std::move(options), mismatch(error.what()), command_name);
  } catch (const CLI::ParseError& error) {
    return complain(std::move(options), error.what(), command_name);
  }
  if (options.command == Command::kBare && !options.args.empty()) {
    return complain(std::move(options), "a bare-metal PROGRAM takes no arguments", "bare");
  }
  return {std::move(options), std::nullopt, {}};
}

}  // namespace quire::cli
