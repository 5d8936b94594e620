// Path resolution (path_resolution(7)) and the text of a path.
#pragma once

#include "guest/fs/credentials.h"
#include "guest/fs/mount.h"

namespace kernel {

/// How a process sees the name tree.
struct FsContext {
  Path root;
  Path cwd;
  u32 umask = 022;
  FsCredentials credentials;
};

inline constexpr unsigned kMaxSymlinks = 40;

enum ResolveFlag : u32 {
  kResolveFollow = 1,     ///< a symbolic link as the last component is followed
  kResolveDirectory = 2,  ///< ENOTDIR unless the result is a directory
  kResolveEmpty = 4,      ///< an empty path is the start itself (AT_EMPTY_PATH), else ENOENT
};

/// The file `path` names, relative paths from `start`. ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, ENOMEM.
KResult<Path> resolve(const FsContext& context, const Path& start, StringView path, u32 flags);

/// Where the last component of a path would be.
struct ParentPath {
  Path parent;
  String name;            ///< one component; ".", ".." and "" (the root itself) are possible
  bool trailing_slash;    ///< the path asked for a directory
  unsigned symlinks = 0;  ///< followed so far
};
KResult<ParentPath> resolve_parent(const FsContext& context, const Path& start, StringView path);

/// The absolute path as seen from `root`. A deleted file's gets " (deleted)", as in /proc; a place outside of
/// `root` gets "(unreachable)" in front. ENAMETOOLONG, ENOMEM.
KResult<String> path_text(const Path& path, const Path& root);

}  // namespace kernel
