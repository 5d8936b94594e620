// cpio "newc": a header of 8-digit hexadecimal fields, the name with its NUL, padding to 4 bytes, the
// data, padding to 4 bytes; ended by an entry named TRAILER!!! (Linux, initramfs buffer format).
#include "emu/launch/guest_tree.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "quire/error.h"

namespace quire {
namespace {

/// Ends an archive, wherever a reader meets it.
constexpr std::string_view kTrailer = "TRAILER!!!";
constexpr std::uint64_t kMaxFileBytes = UINT32_MAX;
constexpr std::size_t kNameMax = 255;
constexpr std::size_t kPathMax = 4096;  // with the NUL
// All files carry one date, the one the board's clock starts at, so that archives repeat.
constexpr std::uint32_t kModified = 1'767'225'600;

bool is_directory(const GuestTree::Entry& entry) { return S_ISDIR(entry.mode); }

void pad(std::vector<std::uint8_t>& archive) { archive.resize((archive.size() + 3) & ~std::size_t{3}); }

void append_entry(std::vector<std::uint8_t>& archive, std::string_view name, std::uint32_t inode,
                  const GuestTree::Entry& entry) {
  const std::uint32_t links = is_directory(entry) ? 2 : 1;
  const std::uint32_t fields[] = {
      inode,
      entry.mode,
      0,  // uid
      0,  // gid
      links,
      kModified,
      static_cast<std::uint32_t>(entry.data.size()),
      0,  // major and minor of the device it is on,
      0,
      0,  // and of the device it is
      0,
      static_cast<std::uint32_t>(name.size() + 1),
      0,  // checksum: of another variant of the format
  };
  std::string header = "070701";
  for (const std::uint32_t field : fields) {
    fmt::format_to(std::back_inserter(header), "{:08x}", field);
  }
  archive.insert(archive.end(), header.begin(), header.end());
  archive.insert(archive.end(), name.begin(), name.end());
  archive.push_back(0);
  pad(archive);
  archive.insert(archive.end(), entry.data.begin(), entry.data.end());
  pad(archive);
}

/// What the guest's file systems take, as Linux has it: path_resolution(7), pathname length.
void check_lengths(const std::string& path) {
  if (path.size() >= kPathMax) {
    throw Error(ErrorKind::kUsage,
                fmt::format("guest path {}...: {} bytes are more than a path may have ({})",
                            path.substr(0, 60), path.size(), kPathMax - 1));
  }
  for (std::size_t start = 1; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (end - start > kNameMax) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("guest path {}: the name {}... has {} bytes, and a name may have {}", path,
                              path.substr(start, 30), end - start, kNameMax));
    }
    start = end + 1;
  }
}

}  // namespace

std::string normal_guest_path(std::string_view path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') {
    normal.pop_back();
  }
  while (normal.starts_with("//")) {
    normal.erase(0, 1);
  }
  return normal;
}

GuestTree::GuestTree() { entries_.emplace("/", Entry{S_IFDIR | 0755, {}}); }

void GuestTree::add_parents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    const auto [entry, is_new] = entries_.try_emplace(parent, Entry{S_IFDIR | 0755, {}});
    if (!is_new && !is_directory(entry->second)) {
      throw Error(ErrorKind::kUsage, fmt::format("guest path {}: {} is not a directory", path, parent));
    }
  }
}

void GuestTree::add(std::string path, Entry entry) {
  if (path.empty() || path.front() != '/') {
    throw Error(ErrorKind::kUsage, fmt::format("guest path '{}' is not absolute", path));
  }
  if (path.find('\0') != std::string::npos) {
    throw Error(ErrorKind::kUsage, "a guest path has a NUL in it");
  }
  path = normal_guest_path(path);
  check_lengths(path);
  if (std::string_view(path).substr(1, path.find('/', 1) - 1) == kTrailer) {
    throw Error(ErrorKind::kUsage,
                fmt::format("guest path {}: the initramfs format reserves this name", path));
  }
  add_parents(path);
  const auto found = entries_.find(path);
  if (found != entries_.end() && is_directory(found->second) != is_directory(entry)) {
    throw Error(ErrorKind::kUsage, fmt::format("guest path {} is both a file and a directory", path));
  }
  if (entry.data.size() > kMaxFileBytes) {
    throw Error(ErrorKind::kUsage,
                fmt::format("guest path {}: a file of {} bytes is too large for an initramfs", path,
                            entry.data.size()));
  }
  entries_.insert_or_assign(std::move(path), std::move(entry));
}

void GuestTree::add_directory(std::string_view path, std::uint32_t permissions) {
  add(std::string(path), {S_IFDIR | (permissions & 07777), {}});
}

void GuestTree::add_file(std::string_view path, std::vector<std::uint8_t> data, std::uint32_t permissions) {
  add(std::string(path), {S_IFREG | (permissions & 07777), std::move(data)});
}

void GuestTree::add_text(std::string_view path, std::string_view text) {
  add_file(path, {text.begin(), text.end()}, 0644);
}

void GuestTree::add_symlink(std::string_view path, std::string_view target) {
  add(std::string(path), {S_IFLNK | 0777, {target.begin(), target.end()}});
}

void GuestTree::merge(GuestTree&& other) {
  for (auto& [path, entry] : other.entries_) {
    // A directory that is only on the way to something keeps what this tree says of it.
    if (!(is_directory(entry) && contains(path))) {
      add(path, std::move(entry));
    }
  }
}

bool GuestTree::contains(std::string_view path) const { return entries_.contains(normal_guest_path(path)); }

std::vector<std::uint8_t> GuestTree::to_cpio() const {
  std::vector<std::uint8_t> archive;
  std::size_t total = 0;
  for (const auto& [path, entry] : entries_) {
    total += 128 + path.size() + entry.data.size();
  }
  archive.reserve(total);
  std::uint32_t inode = 1;
  for (const auto& [path, entry] : entries_) {
    const std::string_view name = path == "/" ? std::string_view(".") : std::string_view(path).substr(1);
    append_entry(archive, name, inode++, entry);
  }
  append_entry(archive, kTrailer, 0, Entry{0, {}});
  return archive;
}

bool is_within(std::string_view path, std::string_view directory) {
  return directory == "/" ||
         (path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/'));
}

}  // namespace quire
