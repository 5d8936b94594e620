#include "emu/launch/libraries.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "quire/error.h"
#include "quire/host_file.h"

namespace quire {
namespace {

/// Where riscv64 libraries of the host are (Debian's cross packages, then multi-arch ones).
constexpr const char* kHostLibraryDirectories[] = {"/usr/riscv64-linux-gnu/lib", "/lib/riscv64-linux-gnu",
                                                   "/usr/lib/riscv64-linux-gnu"};
/// On the default search path of Debian's dynamic linker, and of those that know no multi-arch.
constexpr const char* kGuestLibraryDirectory = "/lib";
/// glibc opens it by name when a thread is cancelled or a backtrace is taken; no program names it.
constexpr const char* kUnwinder = "libgcc_s.so.1";

struct Library {
  std::string host_path;
  std::string guest_path;
};

std::optional<HostFile> read_riscv64_elf(const std::string& path) {
  auto file = try_read_host_file(path);
  if (file && ElfFile::parse(file->data).ok()) {
    return file;
  }
  return std::nullopt;
}

std::string replace_origin(std::string directory, const std::string& origin) {
  for (const std::string_view token : {std::string_view("${ORIGIN}"), std::string_view("$ORIGIN")}) {
    for (std::size_t at = directory.find(token); at != std::string::npos; at = directory.find(token, at)) {
      directory.replace(at, token.size(), origin);
      at += origin.size();
    }
  }
  return directory;
}

/// Directories of DT_RUNPATH (or the older DT_RPATH), absolute.
std::vector<std::string> run_path(const ElfFile& file, const std::string& host_path) {
  const std::string origin = std::filesystem::absolute(host_path).lexically_normal().parent_path().string();
  auto lists = file.dynamic_strings(arch::DynamicTag::kRunpath);
  if (lists.empty()) {
    lists = file.dynamic_strings(arch::DynamicTag::kRpath);
  }
  std::vector<std::string> directories;
  for (const std::string& list : lists) {
    for (std::size_t start = 0; start <= list.size();) {
      const std::size_t end = std::min(list.find(':', start), list.size());
      std::string directory = replace_origin(list.substr(start, end - start), origin);
      if (directory.starts_with('/')) {
        directories.push_back(std::move(directory));
      }
      start = end + 1;
    }
  }
  return directories;
}

class Closure {
 public:
  explicit Closure(GuestTree& tree) : tree_(tree) {}

  void add_needed(const ElfFile& file, const std::string& host_path) {
    const auto directories = run_path(file, host_path);
    for (const std::string& name : file.dynamic_strings(arch::DynamicTag::kNeeded)) {
      add_library(name, directories);
    }
  }

  void add_library(const std::string& name, const std::vector<std::string>& directories) {
    std::vector<Library> candidates;
    if (name.find('/') != std::string::npos) {
      candidates.push_back({name, name});
    } else {
      for (const std::string& directory : directories) {
        const std::string path = fmt::format("{}/{}", directory, name);
        candidates.push_back({path, path});
      }
      for (const char* directory : kHostLibraryDirectories) {
        candidates.push_back(
            {fmt::format("{}/{}", directory, name), fmt::format("{}/{}", kGuestLibraryDirectory, name)});
      }
    }
    for (const Library& candidate : candidates) {
      if (!candidate.guest_path.starts_with('/')) {
        continue;
      }
      if (tree_.contains(candidate.guest_path)) {
        return;
      }
      if (auto file = read_riscv64_elf(candidate.host_path)) {
        add(candidate, std::move(*file));
        return;
      }
    }
  }

  void add(const Library& library, HostFile file) {
    const HostFile kept = std::move(file);
    tree_.add_file(library.guest_path, kept.data, kept.permissions | 0555);
    const auto elf = ElfFile::parse(kept.data);
    add_needed(elf.value(), library.host_path);
  }

 private:
  GuestTree& tree_;
};

std::optional<std::pair<std::string, HostFile>> find_interpreter(const std::string& guest_path) {
  const std::string name = std::filesystem::path(guest_path).filename().string();
  for (const char* directory : kHostLibraryDirectories) {
    const std::string host_path = fmt::format("{}/{}", directory, name);
    if (auto file = read_riscv64_elf(host_path)) {
      return std::pair(host_path, std::move(*file));
    }
  }
  if (auto file = read_riscv64_elf(guest_path)) {
    return std::pair(guest_path, std::move(*file));
  }
  return std::nullopt;
}

}  // namespace

void add_libraries(GuestTree& tree, const ElfFile& program, const std::string& host_path) {
  const auto interpreter = program.interpreter();
  if (!interpreter || !interpreter->starts_with('/')) {  // a relative one depends on the guest's directory
    return;
  }
  Closure closure(tree);
  if (!tree.contains(*interpreter)) {
    auto found = find_interpreter(*interpreter);
    if (!found) {
      throw Error(
          ErrorKind::kFile,
          fmt::format(
              "{}: its dynamic linker {} is not in {}; install libc6-riscv64-cross, or link it statically",
              host_path, *interpreter, kHostLibraryDirectories[0]));
    }
    closure.add({found->first, *interpreter}, std::move(found->second));
  }
  closure.add_needed(program, host_path);
  closure.add_library(kUnwinder, {});
}

}  // namespace quire
