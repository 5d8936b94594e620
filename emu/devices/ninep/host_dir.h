// A directory of the host and what lies beneath it, with no way out.
//
// Files are named by their path from the root: components that are file names, never "." or "..".
// Invariant: no call follows a symbolic link or a magic link, or reaches anything that is not beneath
// the root at that moment, however the tree is renamed or relinked meanwhile; and no device, FIFO or
// socket is ever opened (O_PATH, which names a file without opening it, apart).
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "emu/base/types.h"
#include "emu/devices/ninep/host_fd.h"

namespace quire::share {

/// How a path is resolved. kComponents does without openat2(2), which is missing before Linux 5.6 and in
/// some sandboxes.
enum class PathResolution { kDetect, kOpenat2, kComponents };

/// 0 for a name that may stand in a directory, else the errno that says why not.
int check_name(std::string_view name);

class HostDir {
 public:
  /// Throws Error(kFile) that names `path` when it is no directory that can be read.
  explicit HostDir(const std::string& path, PathResolution resolution = PathResolution::kDetect);

  /// An O_PATH descriptor of the file itself; `path` "" is the root. ELOOP or ENOTDIR where a component
  /// on the way is a symbolic link.
  HostResult<Fd> locate(const std::string& path) const { return locate(root_.get(), path); }
  /// The same, from a directory found before.
  HostResult<Fd> locate(int directory, const std::string& path) const;

  /// Opens the regular file or directory that `located` (O_PATH) is. ENXIO for anything else.
  static HostResult<Fd> open(const Fd& located, int flags);
  /// A path by which calls that cannot take an O_PATH descriptor reach that very file.
  static std::string name_of(const Fd& fd);
  static HostResult<struct stat> status(const Fd& fd);

 private:
  HostResult<Fd> by_openat2(int directory, const std::string& path) const;
  static HostResult<Fd> by_components(int directory, std::string_view path);

  Fd root_;
  PathResolution resolution_;
};

}  // namespace quire::share
