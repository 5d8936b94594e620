// The command line as data. Everything here is text or numbers; the library checks what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quire::cli {

enum class Command { kRun, kBoot, kBare, kDoctor };

struct Options {
  Command command = Command::kRun;

  // Every command that makes a machine.
  std::string ram = "256M";
  std::string tlb;
  std::string isa;
  std::string engine;  ///< "": the default
  bool check_fences = false;
  std::uint64_t seed = 0;
  std::optional<std::uint64_t> max_insns;
  double timeout_seconds = 0;  ///< 0: none
  bool stats = false;
  bool digest = false;
  std::optional<std::string> json;   ///< "": the end of stderr
  std::optional<std::string> trace;  ///< CATEGORIES[:FILE]
  std::vector<std::string> symbols;
  std::optional<std::string> gdb;  ///< [HOST:]PORT or unix:PATH
  bool color = true;

  // run
  std::vector<std::string> env;
  std::optional<std::string> cwd;  ///< none: the current directory where it is shared, else /
  std::optional<std::string> root;
  std::vector<std::string> guest_shares;
  std::vector<std::string> files;
  bool check = false;
  std::string fail_alloc;  ///< [heap:|io:]N[+]; "": none
  bool strace = false;
  std::string export_qemu;
  std::string kernel_log;

  // bare and boot
  std::vector<std::string> drives;
  std::vector<std::string> shares;
  std::string net = "none";
  std::string screen;      ///< "": none
  std::string screenshot;  ///< "": none

  // boot
  std::string bios = "builtin";
  std::string kernel;
  std::string initrd;
  std::string append;
  std::uint64_t harts = 1;
  std::string dtb;
  std::string dump_dtb;

  // bare
  std::string signature;

  std::string program;
  std::vector<std::string> args;
};

/// What parsing comes to: options to act upon, or the status to end with once `text` has been shown.
struct Parsed {
  Options options;  ///< as far as they were understood, when `status` says to end
  std::optional<int> status;
  std::string text;  ///< help and version (status 0), or one line of complaint (status 2)
};

Parsed parse_command_line(int argc, const char* const* argv);

}  // namespace quire::cli
