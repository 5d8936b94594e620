// A tree of files to hand to the guest, and its cpio "newc" archive (the format of an initramfs).
//
// Invariant: every entry's parent is a directory of the tree, and paths are absolute and normal, so
// the archive lists a directory before what is in it. The same tree always gives the same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

class GuestTree {
 public:
  struct Entry {
    std::uint32_t mode;              ///< st_mode: type and permissions
    std::vector<std::uint8_t> data;  ///< a file's bytes, or a symbolic link's target
  };

  GuestTree();

  /// Parents that are missing are made with mode 0755; an entry of the same path and kind is replaced.
  /// Error(kUsage) for a path that is not absolute, has no name, or runs through something that is no
  /// directory.
  void add_directory(std::string_view path, std::uint32_t permissions = 0755);
  void add_file(std::string_view path, std::vector<std::uint8_t> data, std::uint32_t permissions);
  void add_text(std::string_view path, std::string_view text);  ///< mode 0644
  void add_symlink(std::string_view path, std::string_view target);
  /// Takes over every entry of `other`.
  void merge(GuestTree&& other);

  bool contains(std::string_view path) const;
  /// By path; "/" is there too.
  const std::map<std::string, Entry>& entries() const { return entries_; }

  /// Error(kUsage) when a file is too large for the format (4 GiB).
  std::vector<std::uint8_t> to_cpio() const;

 private:
  void add(std::string path, Entry entry);
  void add_parents(const std::string& path);

  std::map<std::string, Entry> entries_;
};

/// Absolute, without `.`, `..`, doubled or trailing slashes. `path` must be absolute.
std::string normal_guest_path(std::string_view path);

/// Is `path` the directory itself or beneath it? Both normal.
bool is_within(std::string_view path, std::string_view directory);

}  // namespace quire
