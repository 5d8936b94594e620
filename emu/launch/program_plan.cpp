#include "emu/launch/program_plan.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "emu/launch/libraries.h"
#include "emu/machine/elf_file.h"
#include "quire/arch/bootinfo.h"
#include "quire/arch/elf_rules.h"
#include "quire/arch/sv39.h"
#include "quire/host_file.h"

namespace quire {
namespace {

constexpr unsigned kMaxScriptDepth = 5;      // as Linux: execve(2), "Interpreter scripts"
constexpr std::size_t kMaxScriptLine = 255;  // likewise
constexpr const char* kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* kDefaultHome = "HOME=/root";

/// The supervisor mounts its own file systems there, which would hide a file of the initramfs.
constexpr std::string_view kMountPoints[] = {"/proc", "/dev", "/sys"};

[[noreturn]] void fail(const std::string& path, const std::string& cause) {
  throw Error(ErrorKind::kFile, path + ": " + cause);
}

/// What of the supervisor's own hides `guest_path`, if anything.
std::optional<std::string_view> mount_over(std::string_view guest_path) {
  if (!guest_path.starts_with('/')) {
    return std::nullopt;
  }
  const std::string path = normal_guest_path(guest_path);
  for (const std::string_view mount : kMountPoints) {
    if (is_within(path, mount)) {
      return mount;
    }
  }
  return std::nullopt;
}

bool is_script(std::span<const std::uint8_t> data) {
  return data.size() > 2 && data[0] == '#' && data[1] == '!';
}

/// The interpreter of a script's first line; empty when it names none.
std::string script_interpreter(std::span<const std::uint8_t> data) {
  const auto line_bytes = data.subspan(2, std::min(data.size(), kMaxScriptLine) - 2);
  const std::string_view line(reinterpret_cast<const char*>(line_bytes.data()), line_bytes.size());
  const std::string_view first = line.substr(0, line.find('\n'));
  const std::size_t start = first.find_first_not_of(" \t");
  if (start == std::string_view::npos) {
    return {};
  }
  return std::string(first.substr(start, first.find_first_of(" \t\r", start) - start));
}

std::string describe(const arch::LoadError& error, std::uint64_t entry) {
  const arch::Elf64ProgramHeader& segment = error.segment;
  switch (error.problem) {
    case arch::LoadProblem::kBeyondFile:
    case arch::LoadProblem::kFileSize:
      break;  // ElfFile has checked them
    case arch::LoadProblem::kMisaligned:
      return fmt::format(
          "damaged: the segment at {:#x} is at offset {:#x} of the file: not at the same place in a "
          "page, so that it cannot be mapped",
          segment.vaddr, segment.offset);
    case arch::LoadProblem::kOutsideUserSpace:
      return fmt::format(
          "damaged: a segment of p_memsz {:#x} at {:#x} (p_align {:#x}) is absurd: it does not fit "
          "user space (up to {:#x})",
          segment.memsz, segment.vaddr, segment.align, arch::kSv39UserTop);
    case arch::LoadProblem::kOverlap:
      return fmt::format("damaged: the segment at {:#x} overlaps the one before it, or should come before it",
                         segment.vaddr);
    case arch::LoadProblem::kNothing:
      return "not loadable: the ELF file has no segment to load";
    case arch::LoadProblem::kEntry:
      return fmt::format("damaged: its entry point {:#x} is outside user space (up to {:#x})", entry,
                         arch::kSv39UserTop);
  }
  return "damaged: a segment has other bytes than the file";
}

/// As the supervisor checks them; and a program that is larger than all memory is refused by Linux too.
void check_program_segments(const ElfFile& elf, const std::string& path, std::uint64_t file_bytes,
                            std::uint64_t memory_bytes) {
  const auto bounds = arch::check_load_segments(elf.program_headers(), elf.entry(), file_bytes);
  if (!bounds.ok()) {
    fail(path, describe(bounds.error(), elf.entry()));
  }
  std::uint64_t total = 0;
  for (const auto& segment : elf.program_headers()) {
    if (segment.type != arch::SegmentType::kLoad) {
      continue;
    }
    total += segment.memsz;
  }
  if (total > memory_bytes) {
    fail(path,
         fmt::format("its segments ask for {:#x} bytes (p_memsz), more than the machine's {:#x} bytes of RAM",
                     total, memory_bytes));
  }
}

ElfFile parse_program(const HostFile& file, const std::string& path, std::uint64_t memory_bytes) {
  auto parsed = ElfFile::parse(file.data);
  if (!parsed.ok()) {
    const bool foreign = parsed.error().problem == ElfProblem::kNotElf;
    fail(path, foreign ? "neither a riscv64 ELF executable nor a #! script" : describe(parsed.error()));
  }
  check_program_segments(parsed.value(), path, file.data.size(), memory_bytes);
  return std::move(parsed).value();
}

class Planner {
 public:
  Planner(GuestTree& tree, std::uint64_t memory_bytes) : tree_(tree), memory_bytes_(memory_bytes) {}

  /// Puts an executable at `guest_path`, with what it needs to start.
  void add_executable(const std::string& host_path, const std::string& guest_path,
                      unsigned script_depth = 0) {
    const HostFile file = read_host_file(host_path);
    if (is_script(file.data)) {
      add_interpreter(host_path, script_interpreter(file.data), script_depth);
    } else {
      add_libraries(tree_, parse_program(file, host_path, memory_bytes_), host_path);
    }
    // It was named to be run: a missing x bit on the host is no reason to refuse.
    tree_.add_file(guest_path, file.data, file.permissions | 0555);
  }

  void add_further_file(const GuestFile& wanted) {
    if (const auto mount = mount_over(wanted.guest_path)) {
      throw Error(
          ErrorKind::kUsage,
          fmt::format("{}: the guest has its own {}, so {} would not be seen there; choose another place",
                      wanted.host_path, *mount, wanted.guest_path));
    }
    std::error_code error;
    if (std::filesystem::is_directory(wanted.host_path, error)) {
      add_folder(wanted);
    } else {
      add_one_file(wanted);
    }
  }

 private:
  void add_one_file(const GuestFile& wanted) {
    HostFile file = read_host_file(wanted.host_path);
    if (const auto elf = ElfFile::parse(file.data); elf.ok()) {
      add_libraries(tree_, elf.value(), wanted.host_path);
    }
    tree_.add_file(wanted.guest_path, std::move(file.data), file.permissions);
  }

  /// A directory with all that is in it; links stay links, and lead wherever they lead in the guest.
  void add_folder(const GuestFile& wanted) {
    namespace fs = std::filesystem;
    std::error_code error;
    const auto permissions = static_cast<std::uint32_t>(fs::status(wanted.host_path, error).permissions());
    tree_.add_directory(wanted.guest_path, permissions);
    for (auto at = fs::directory_iterator(wanted.host_path, error); !error && at != fs::end(at);
         at.increment(error)) {
      const std::string name = at->path().filename().string();
      const GuestFile inner{at->path().string(), wanted.guest_path + "/" + name};
      if (at->is_symlink()) {
        tree_.add_symlink(inner.guest_path, fs::read_symlink(at->path(), error).string());
      } else if (at->is_directory()) {
        add_folder(inner);
      } else {
        add_one_file(inner);
      }
    }
    if (error) {
      fail(wanted.host_path, error.message());
    }
  }

  void add_interpreter(const std::string& script, const std::string& interpreter, unsigned depth) {
    if (interpreter.empty()) {
      fail(script, "its #! line names no interpreter");
    }
    if (depth >= kMaxScriptDepth) {
      fail(script, "too many levels of #! interpreters");
    }
    if (!interpreter.starts_with('/') || tree_.contains(interpreter)) {
      return;
    }
    try {
      add_executable(interpreter, interpreter, depth + 1);
    } catch (const Error& error) {
      if (depth > 0) {
        throw;  // said once, by the script that was named
      }
      fail(script, fmt::format("its interpreter cannot run in the guest: {}", error.what()));
    }
  }

  GuestTree& tree_;
  std::uint64_t memory_bytes_;
};

/// Seen through a share, a file has the permissions it has on the host.
bool may_be_executed(const std::string& host_path) {
  std::error_code error;
  const auto permissions = std::filesystem::status(host_path, error).permissions();
  constexpr auto kExecute = std::filesystem::perms::owner_exec | std::filesystem::perms::group_exec |
                            std::filesystem::perms::others_exec;
  return !error && (permissions & kExecute) != std::filesystem::perms::none;
}

/// Whether no link on the way leads out of the folder: what is outside, the guest does not see through its
/// share.
bool stays_within(const std::string& host_path, const std::string& host_folder) {
  std::error_code error;
  const auto file = std::filesystem::canonical(host_path, error);
  const auto folder = std::filesystem::canonical(host_folder, error);
  return !error && is_within(file.string(), folder.string());
}

/// PROGRAM keeps its absolute host path, except where the guest mounts something over it in which it is not,
/// or cannot be executed.
std::string program_guest_path(const std::string& host_path, const GuestMounts& mounts) {
  if (host_path.empty()) {
    throw Error(ErrorKind::kUsage, "the program's path is empty; name a riscv64 Linux program");
  }
  std::error_code error;
  const auto absolute = std::filesystem::absolute(host_path, error);
  if (error) {
    fail(host_path, fmt::format("the current directory cannot be found ({})", error.message()));
  }
  const std::string path = normal_guest_path(absolute.string());
  bool hidden = static_cast<bool>(mount_over(path));
  for (const SharedPath& share : mounts.shares) {
    const bool same_file = share.host_path == share.guest_path && may_be_executed(host_path) &&
                           stays_within(host_path, share.host_path);
    hidden |= is_within(path, normal_guest_path(share.guest_path)) && !same_file;
  }
  return hidden ? "/.quire/program" + path : path;
}

bool sets(std::span<const std::string> env, std::string_view assignment) {
  const std::string_view key = assignment.substr(0, assignment.find('=') + 1);
  return std::any_of(env.begin(), env.end(),
                     [key](const std::string& entry) { return entry.starts_with(key); });
}

/// A NUL would end one string of the run file and begin another.
void append(std::string& run_file, std::string_view key, std::string_view value) {
  if (value.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::kUsage, fmt::format("the program's {} has a NUL character in it", key));
  }
  run_file.append(key);
  if (!key.empty()) {
    run_file += '=';
  }
  run_file.append(value);
  run_file += '\0';
}

std::string make_run_file(const Program& program, const std::string& exe, const std::string& cwd) {
  std::string run_file;
  append(run_file, "", arch::kRunFileMagic);
  append(run_file, "cwd", cwd);
  append(run_file, "exe", exe);
  append(run_file, "arg", program.host_path);
  for (const std::string& arg : program.args) {
    append(run_file, "arg", arg);
  }
  for (const char* fallback : {kDefaultPath, kDefaultHome}) {
    if (!sets(program.env, fallback)) {
      append(run_file, "env", fallback);
    }
  }
  for (auto entry = program.env.begin(); entry != program.env.end(); ++entry) {
    if (entry->find('=') == std::string::npos || entry->front() == '=') {
      throw Error(ErrorKind::kUsage,
                  fmt::format("environment entry '{}' is not of the form KEY=VALUE", *entry));
    }
    if (!sets({entry + 1, program.env.end()}, *entry)) {  // of several, the last counts
      append(run_file, "env", *entry);
    }
  }
  return run_file;
}

}  // namespace

namespace {

void check_cwd(const Program& program) {
  if (program.cwd.empty() || program.cwd.front() != '/') {
    throw Error(ErrorKind::kUsage, fmt::format("the working directory '{}' is not absolute", program.cwd));
  }
}

/// What the guest mounts is known to it alone: there, the supervisor says so.
void check_cwd_exists(const std::string& cwd, const GuestTree& tree, const GuestMounts& mounts) {
  bool mounted = static_cast<bool>(mount_over(cwd));
  for (const SharedPath& share : mounts.shares) {
    mounted |= is_within(cwd, normal_guest_path(share.guest_path));
  }
  const GuestTree base = base_tree();
  for (const GuestTree* where : {&tree, &base}) {
    const auto entry = where->entries().find(cwd);
    mounted |= entry != where->entries().end() && (entry->second.mode & S_IFMT) != S_IFREG;
  }
  if (!mounted) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the working directory '{}' is no directory of the guest; --share or --file puts "
                            "one of the host's there",
                            cwd));
  }
}

}  // namespace

ProgramPlan plan_program_in_root(const Program& program) {
  check_cwd(program);
  if (!program.files.empty()) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: single files cannot be given beside a root; share their directory",
                            program.files.front().host_path));
  }
  ProgramPlan plan;
  plan.run_file = make_run_file(program, program.host_path, normal_guest_path(program.cwd));
  return plan;
}

ProgramPlan plan_program(const Program& program, std::uint64_t memory_bytes, const GuestMounts& mounts) {
  check_cwd(program);
  ProgramPlan plan;
  Planner planner(plan.tree, memory_bytes);
  for (const GuestFile& file : program.files) {  // first, as a script's interpreter may be among them
    planner.add_further_file(file);
  }
  const std::string exe = program_guest_path(program.host_path, mounts);
  for (const GuestFile& file : program.files) {
    if (normal_guest_path(file.guest_path) == exe) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("{}: the program itself is at {} in the guest; choose another place",
                              file.host_path, exe));
    }
  }
  planner.add_executable(program.host_path, exe);
  const std::string cwd = normal_guest_path(program.cwd);
  check_cwd_exists(cwd, plan.tree, mounts);
  plan.run_file = make_run_file(program, exe, cwd);
  return plan;
}

}  // namespace quire
