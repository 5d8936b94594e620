#include "guest/fs/path.h"

#include "guest/fs/path_cursor.h"

namespace kernel {

namespace {

/// The directory above; a mount's root leads to what the mount covers. `root` is its own parent.
Path parent_of(Path path, const Path& root) {
  while (true) {
    if (path == root) {
      return path;
    }
    if (Dentry* const parent = path.dentry->parent(); parent != nullptr) {
      path.dentry = RefPtr<Dentry>(parent);
      return path;
    }
    Mount* const below = path.mount->parent();
    if (below == nullptr) {
      return path;
    }
    path = {RefPtr<Mount>(below), RefPtr<Dentry>(path.mount->mountpoint())};
  }
}

/// A walk along one path. Symbolic links put their text in front of what is still to come.
class Walk {
 public:
  Walk(const FsContext& context, Path start) : context_(context), at_(std::move(start)) {}

  KResult<void> begin(StringView path) {
    if (path.size() >= kPathMax) {
      return Err(Errno::kENAMETOOLONG);
    }
    if (is_absolute(path)) {
      at_ = context_.root;
    }
    trailing_slash_ = !path.empty() && path.back() == '/';
    cursor_ = PathCursor(path);
    return {};
  }

  bool at_last() const {
    PathCursor ahead = cursor_;
    ahead.next();
    return ahead.at_end();
  }
  bool done() const { return cursor_.at_end(); }
  StringView peek() const { return PathCursor(cursor_).next(); }
  bool trailing_slash() const { return trailing_slash_; }
  unsigned symlinks() const { return symlinks_; }
  Path& at() { return at_; }

  /// Checks that the present place is a directory that may be searched.
  KResult<void> check_search() const {
    if (!at_.inode().is_directory()) {
      return Err(Errno::kENOTDIR);
    }
    return check_access(context_.credentials, at_.inode(), kAccessExecute);
  }

  /// Takes one component. A symbolic link is followed unless it is the last one and `follow_last` is off.
  KResult<void> step(bool follow_last) {
    TRY(check_search());
    const StringView name = cursor_.next();
    if (name.size() > kNameMax) {
      return Err(Errno::kENAMETOOLONG);
    }
    if (is_dot(name)) {
      return {};
    }
    if (is_dot_dot(name)) {
      at_ = cross_mounts(parent_of(at_, context_.root));
      return {};
    }
    Path next = at_;
    next.dentry = TRY(at_.dentry->lookup(name));
    next = cross_mounts(std::move(next));
    const bool last = cursor_.at_end();
    if (next.inode().is_symlink() && (!last || follow_last || trailing_slash_)) {
      return follow(next.inode());
    }
    at_ = std::move(next);
    return {};
  }

 private:
  KResult<void> follow(Inode& link) {
    if (++symlinks_ > kMaxSymlinks) {
      return Err(Errno::kELOOP);
    }
    link.touch_accessed();
    if (link.is_magic_link()) {
      at_ = TRY(link.follow());
      return {};
    }
    const String target = TRY(link.read_link());
    if (target.empty()) {
      return Err(Errno::kENOENT);
    }
    const StringView rest = cursor_.rest();
    if (rest.empty() && target.view().back() == '/') {
      trailing_slash_ = true;
    }
    if (target.size() + 1 + rest.size() >= kPathMax) {
      return Err(Errno::kENAMETOOLONG);
    }
    String text = TRY(String::from(target));
    TRY(text.append('/'));
    TRY(text.append(rest));
    if (is_absolute(text)) {
      at_ = context_.root;
    }
    text_ = std::move(text);
    cursor_ = PathCursor(text_);
    return {};
  }

  const FsContext& context_;
  Path at_;
  String text_;  // what cursor_ points into, once a link was followed
  PathCursor cursor_{StringView()};
  unsigned symlinks_ = 0;
  bool trailing_slash_ = false;
};

}  // namespace

KResult<Path> resolve(const FsContext& context, const Path& start, StringView path, u32 flags) {
  if (path.empty()) {
    if ((flags & kResolveEmpty) == 0) {
      return Err(Errno::kENOENT);
    }
    return Path(start);
  }
  Walk walk(context, start);
  TRY(walk.begin(path));
  while (!walk.done()) {
    TRY(walk.step((flags & kResolveFollow) != 0));
  }
  const bool directory = walk.trailing_slash() || (flags & kResolveDirectory) != 0;
  if (directory && !walk.at().inode().is_directory()) {
    return Err(Errno::kENOTDIR);
  }
  return std::move(walk.at());
}

KResult<ParentPath> resolve_parent(const FsContext& context, const Path& start, StringView path) {
  if (path.empty()) {
    return Err(Errno::kENOENT);
  }
  Walk walk(context, start);
  TRY(walk.begin(path));
  while (!walk.done() && !walk.at_last()) {
    TRY(walk.step(true));
  }
  TRY(walk.check_search());
  const StringView name = walk.peek();
  if (name.size() > kNameMax) {
    return Err(Errno::kENAMETOOLONG);
  }
  String owned = TRY(String::from(name));
  const bool trailing_slash = walk.trailing_slash();
  const unsigned symlinks = walk.symlinks();
  return ParentPath{std::move(walk.at()), std::move(owned), trailing_slash, symlinks};
}

KResult<String> path_text(const Path& path, const Path& root) {
  String text;
  if (path.dentry->nameless()) {
    TRY(text.append(path.dentry->name()));
    if (path.dentry->deleted()) {
      TRY(text.append(" (deleted)"));
    }
    return text;
  }
  // Names come from the end of the path to its start: collect them, then write them the other way round.
  Vector<RefPtr<Dentry>> names;
  Path at = path;
  bool reachable = true;
  while (reachable && !(at == root)) {
    if (Dentry* const parent = at.dentry->parent(); parent != nullptr) {
      TRY(names.push(at.dentry));
      at.dentry = RefPtr<Dentry>(parent);
    } else if (Mount* const below = at.mount->parent(); below != nullptr) {
      at = {RefPtr<Mount>(below), RefPtr<Dentry>(at.mount->mountpoint())};
    } else {
      reachable = false;
    }
  }
  if (!reachable) {
    TRY(text.append("(unreachable)"));
  }
  if (names.empty()) {
    TRY(text.append('/'));
  }
  while (!names.empty()) {
    TRY(text.append('/'));
    TRY(text.append(names.back()->name()));
    names.pop();
  }
  if (path.dentry->deleted()) {
    TRY(text.append(" (deleted)"));
  }
  return text;
}

}  // namespace kernel
