#include "guest/fs/vfs.h"

#include "guest/fs/path_cursor.h"

namespace kernel::vfs {

namespace {

/// The inode locks of two directories, in a fixed order; one lock when they are the same.
class TwoLocks : NonCopyable {
 public:
  TwoLocks(Inode& a, Inode& b) : first_(&a < &b ? a : b), second_(&a < &b ? b : a) {
    first_.lock.lock();
    if (&first_ != &second_) {
      second_.lock.lock();
    }
  }
  ~TwoLocks() {
    if (&first_ != &second_) {
      second_.lock.unlock();
    }
    first_.lock.unlock();
  }

 private:
  Inode& first_;
  Inode& second_;
};

KResult<void> check_writable_mount(const Path& path) {
  return path.mount->read_only() ? KResult<void>(Err(Errno::kEROFS)) : KResult<void>();
}

/// May names be added to or removed from this directory?
KResult<void> check_change(const FsContext& context, const Path& directory) {
  TRY(check_access(context.credentials, directory.inode(), kAccessWrite | kAccessExecute));
  return check_writable_mount(directory);
}

/// path_resolution(7): in a sticky directory only the owners of file and directory may remove a name.
KResult<void> check_sticky(const FsContext& context, const Inode& directory, const Inode& victim) {
  const FsCredentials& who = context.credentials;
  if ((directory.mode() & kModeSticky) != 0 && !who.privileged() && who.uid != victim.uid() &&
      who.uid != directory.uid()) {
    return Err(Errno::kEPERM);
  }
  return {};
}

bool is_ordinary_name(StringView name) { return !name.empty() && !is_dot(name) && !is_dot_dot(name); }

/// Makes a file under a name that must be new.
KResult<RefPtr<Dentry>> create_at(const FsContext& context, const ParentPath& at, const NewInode& what) {
  if (!is_ordinary_name(at.name)) {
    return Err(Errno::kEEXIST);
  }
  Inode& directory = at.parent.inode();
  MutexGuard guard(directory.lock);
  const auto present = at.parent.dentry->lookup(at.name);
  if (present.ok()) {
    return Err(Errno::kEEXIST);
  }
  if (present.error() != Errno::kENOENT) {
    return Err(present.error());
  }
  if (at.trailing_slash && !mode_is(what.mode, kModeDirectory)) {
    return Err(Errno::kENOENT);
  }
  TRY(check_change(context, at.parent));
  NewInode made = what;
  // inode(7): a set-group-ID directory hands its group down, and the bit to its subdirectories.
  if ((directory.mode() & kModeSetGid) != 0) {
    made.gid = directory.gid();
    if (mode_is(made.mode, kModeDirectory)) {
      made.mode |= kModeSetGid;
    }
  }
  RefPtr<Inode> inode = TRY(directory.create(at.name, made));
  return at.parent.dentry->add_child(at.name, std::move(inode));
}

NewInode new_inode(const FsContext& context, u32 type, u32 mode) {
  return NewInode{type | (mode & kModeAllPermissions & ~context.umask), context.credentials.uid,
                  context.credentials.gid};
}

u32 access_of(u32 flags) {
  switch (flags & kOpenAccessMask) {
    case kOpenReadOnly:
      return kAccessRead;
    case kOpenWriteOnly:
      return kAccessWrite;
    default:
      return kAccessRead | kAccessWrite;
  }
}

/// The checks of open(2) on a file that exists, and the opening.
KResult<RefPtr<File>> open_existing(const FsContext& context, Path path, u32 flags, bool created) {
  Inode& inode = path.inode();
  if ((flags & kOpenPath) != 0) {
    return File::open(std::move(path), flags);
  }
  if (inode.is_symlink()) {
    return Err(Errno::kELOOP);
  }
  const bool writes = (flags & kOpenAccessMask) != kOpenReadOnly || (flags & kOpenTruncate) != 0;
  if (inode.is_directory() && (writes || (flags & kOpenCreate) != 0)) {
    return Err(Errno::kEISDIR);
  }
  if (!created) {
    u32 wanted = access_of(flags);
    if ((flags & kOpenTruncate) != 0) {
      wanted |= kAccessWrite;
    }
    TRY(check_access(context.credentials, inode, wanted));
    if ((flags & kOpenNoAtime) != 0) {
      TRY(check_owner(context.credentials, inode));
    }
  }
  if (writes && (inode.is_regular() || inode.is_directory())) {
    TRY(check_writable_mount(path));
  }
  RefPtr<File> file = TRY(File::open(std::move(path), flags));
  if ((flags & kOpenTruncate) != 0 && !created && inode.is_regular()) {
    // A read-only opening may truncate too, and then counts as a writer for that moment.
    if (!file->writable()) {
      TRY(inode.begin_write());
    }
    ScopeExit end([&] {
      if (!file->writable()) {
        inode.end_write();
      }
    });
    MutexGuard guard(inode.lock);
    TRY(inode.resize(0));
  }
  return file;
}

KResult<RefPtr<File>> open_nameless(const FsContext& context, const Path& directory, u32 flags, u32 mode) {
  if ((flags & kOpenAccessMask) == kOpenReadOnly) {
    return Err(Errno::kEINVAL);
  }
  TRY(check_change(context, directory));
  RefPtr<Inode> inode = TRY(directory.inode().create_nameless(new_inode(context, kModeRegular, mode)));
  char text[24];
  const StringView name = format_into(text, "/#{}", inode->number());
  RefPtr<Dentry> dentry = TRY(Dentry::make_nameless(name, std::move(inode), true));
  return File::open(Path{directory.mount, std::move(dentry)}, flags);
}

/// open(2) with O_CREAT: a dangling symbolic link as the last component creates what it leads to.
KResult<RefPtr<File>> open_or_create(const FsContext& context, const Path& start, StringView path, u32 flags,
                                     u32 mode) {
  Path base = start;
  String target;
  for (unsigned links = 0; links <= kMaxSymlinks; links++) {
    const ParentPath at = TRY(resolve_parent(context, base, target.empty() ? path : target.view()));
    links += at.symlinks;
    if (!is_ordinary_name(at.name) || at.trailing_slash) {
      return Err(Errno::kEISDIR);
    }
    auto found = at.parent.dentry->lookup(at.name);
    if (!found.ok()) {
      if (found.error() != Errno::kENOENT) {
        return Err(found.error());
      }
      RefPtr<Dentry> dentry = TRY(create_at(context, at, new_inode(context, kModeRegular, mode)));
      Path made{at.parent.mount, std::move(dentry)};
      return open_existing(context, std::move(made), flags, true);
    }
    if ((flags & kOpenExclusive) != 0) {
      return Err(Errno::kEEXIST);
    }
    Path path_found = cross_mounts({at.parent.mount, std::move(found).value()});
    Inode& inode = path_found.inode();
    if (!inode.is_symlink() || (flags & kOpenNoFollow) != 0) {
      return open_existing(context, std::move(path_found), flags, false);
    }
    if (inode.is_magic_link()) {
      return open_existing(context, TRY(inode.follow()), flags, false);
    }
    target = TRY(inode.read_link());
    base = at.parent;
  }
  return Err(Errno::kELOOP);
}

}  // namespace

KResult<RefPtr<File>> open(const FsContext& context, const Path& start, StringView path, u32 flags,
                           u32 mode) {
  if ((flags & kOpenPath) != 0) {
    flags &= kOpenPath | kOpenDirectory | kOpenNoFollow | kOpenCloseOnExec;
  }
  const bool nameless = (flags & kOpenTmpFile) == kOpenTmpFile;
  if ((flags & kOpenCreate) != 0 && !nameless) {
    if ((flags & kOpenDirectory) != 0) {
      return Err(Errno::kEINVAL);
    }
    return open_or_create(context, start, path, flags, mode);
  }
  u32 how = (flags & kOpenNoFollow) != 0 ? 0 : u32{kResolveFollow};
  if ((flags & kOpenDirectory) != 0) {
    how |= kResolveDirectory;
  }
  Path found = TRY(resolve(context, start, path, how));
  if (nameless) {
    return open_nameless(context, found, flags, mode);
  }
  return open_existing(context, std::move(found), flags, false);
}

KResult<void> mkdir(const FsContext& context, const Path& start, StringView path, u32 mode) {
  const ParentPath at = TRY(resolve_parent(context, start, path));
  TRY(create_at(context, at, new_inode(context, kModeDirectory, mode & 01777)));
  return {};
}

KResult<void> mknod(const FsContext& context, const Path& start, StringView path, u32 mode, u64 device) {
  const u32 type = (mode & kModeTypeMask) == 0 ? u32{kModeRegular} : mode & kModeTypeMask;
  switch (type) {
    case kModeRegular:
    case kModeFifo:
    case kModeSocket:
      break;
    case kModeChar:
    case kModeBlock:
      if (!context.credentials.privileged()) {
        return Err(Errno::kEPERM);
      }
      break;
    case kModeDirectory:
      return Err(Errno::kEPERM);
    default:
      return Err(Errno::kEINVAL);
  }
  const ParentPath at = TRY(resolve_parent(context, start, path));
  NewInode what = new_inode(context, type, mode);
  what.rdev = device;
  TRY(create_at(context, at, what));
  return {};
}

KResult<void> symlink(const FsContext& context, StringView target, const Path& start, StringView path) {
  if (target.empty()) {
    return Err(Errno::kENOENT);
  }
  if (target.size() >= kPathMax) {
    return Err(Errno::kENAMETOOLONG);
  }
  const ParentPath at = TRY(resolve_parent(context, start, path));
  NewInode what{kModeSymlink | 0777, context.credentials.uid, context.credentials.gid};
  what.target = target;
  TRY(create_at(context, at, what));
  return {};
}

KResult<void> link(const FsContext& context, const Path& old, const Path& start, StringView path) {
  const ParentPath at = TRY(resolve_parent(context, start, path));
  if (!is_ordinary_name(at.name)) {
    return Err(Errno::kEEXIST);
  }
  if (at.parent.mount != old.mount) {
    return Err(Errno::kEXDEV);
  }
  Inode& target = old.inode();
  if (target.is_directory()) {
    return Err(Errno::kEPERM);
  }
  MutexGuard guard(at.parent.inode().lock);
  if (at.parent.dentry->lookup(at.name).ok()) {
    return Err(Errno::kEEXIST);
  }
  if (at.trailing_slash) {
    return Err(Errno::kENOENT);
  }
  TRY(check_change(context, at.parent));
  // open(2), O_TMPFILE: a file without a name may get its first one here; one that lost its last may not.
  if (target.links() == 0 && !old.dentry->nameless()) {
    return Err(Errno::kENOENT);
  }
  TRY(at.parent.inode().link(at.name, target));
  TRY(at.parent.dentry->add_child(at.name, RefPtr<Inode>(&target)));
  return {};
}

KResult<void> unlink(const FsContext& context, const Path& start, StringView path) {
  const ParentPath at = TRY(resolve_parent(context, start, path));
  if (!is_ordinary_name(at.name)) {
    return Err(Errno::kEISDIR);
  }
  Inode& directory = at.parent.inode();
  MutexGuard guard(directory.lock);
  const RefPtr<Dentry> victim = TRY(at.parent.dentry->lookup(at.name));
  if (at.trailing_slash) {
    return Err(victim->inode().is_directory() ? Errno::kEISDIR : Errno::kENOTDIR);
  }
  TRY(check_change(context, at.parent));
  TRY(check_sticky(context, directory, victim->inode()));
  if (victim->inode().is_directory()) {
    return Err(Errno::kEISDIR);
  }
  TRY(directory.unlink(at.name));
  victim->mark_deleted();
  return {};
}

KResult<void> rmdir(const FsContext& context, const Path& start, StringView path) {
  const ParentPath at = TRY(resolve_parent(context, start, path));
  if (!is_ordinary_name(at.name)) {
    return Err(at.name.empty() ? Errno::kEBUSY : is_dot(at.name) ? Errno::kEINVAL : Errno::kENOTEMPTY);
  }
  Inode& directory = at.parent.inode();
  MutexGuard guard(directory.lock);
  const RefPtr<Dentry> victim = TRY(at.parent.dentry->lookup(at.name));
  TRY(check_change(context, at.parent));
  TRY(check_sticky(context, directory, victim->inode()));
  if (!victim->inode().is_directory()) {
    return Err(Errno::kENOTDIR);
  }
  if (victim->mounts != 0) {
    return Err(Errno::kEBUSY);
  }
  TRY(directory.rmdir(at.name));
  victim->mark_deleted();
  return {};
}

namespace {

/// Whether `inner` is `outer` or lies below it.
bool is_within(const Dentry& inner, const Dentry& outer) {
  for (const Dentry* at = &inner; at != nullptr; at = at->parent()) {
    if (at == &outer) {
      return true;
    }
  }
  return false;
}

/// A file may only replace a file, a directory only an (empty) directory.
KResult<void> check_replace(const Inode& moved, const Inode& victim) {
  if (moved.is_directory() && !victim.is_directory()) {
    return Err(Errno::kENOTDIR);
  }
  if (!moved.is_directory() && victim.is_directory()) {
    return Err(Errno::kEISDIR);
  }
  return {};
}

/// The names are made before anything changes, so that this cannot fail.
struct RenamedTo {
  String moved;
  String victim;
};

void move_dentries(Dentry& moved, Dentry* victim, Dentry& to, RenamedTo names, bool exchange) {
  if (victim == nullptr) {
    moved.move(to, std::move(names.moved));
    return;
  }
  const RefPtr<Dentry> from(moved.parent());
  victim->mark_deleted();  // frees its name
  moved.move(to, std::move(names.moved));
  if (exchange) {
    victim->revive(*from, std::move(names.victim));
  }
}

}  // namespace

KResult<void> rename(const FsContext& context, const Path& old_start, StringView old_path,
                     const Path& new_start, StringView new_path, u32 flags) {
  const bool exchange = (flags & kRenameExchange) != 0;
  const bool no_replace = (flags & kRenameNoReplace) != 0;
  if ((flags & ~u32{kRenameExchange | kRenameNoReplace}) != 0 || (exchange && no_replace)) {
    return Err(Errno::kEINVAL);
  }
  const ParentPath from = TRY(resolve_parent(context, old_start, old_path));
  const ParentPath to = TRY(resolve_parent(context, new_start, new_path));
  if (from.parent.mount != to.parent.mount) {
    return Err(Errno::kEXDEV);
  }
  if (!is_ordinary_name(from.name)) {
    return Err(Errno::kEBUSY);
  }
  if (!is_ordinary_name(to.name)) {
    return Err(no_replace ? Errno::kEEXIST : Errno::kEBUSY);
  }
  Inode& from_directory = from.parent.inode();
  Inode& to_directory = to.parent.inode();
  TwoLocks locks(from_directory, to_directory);
  const RefPtr<Dentry> moved = TRY(from.parent.dentry->lookup(from.name));
  RefPtr<Dentry> victim;
  if (auto found = to.parent.dentry->lookup(to.name); found.ok()) {
    victim = std::move(found).value();
  } else if (found.error() != Errno::kENOENT || exchange) {
    return Err(found.error());
  }
  if (victim && no_replace) {
    return Err(Errno::kEEXIST);
  }
  if (!moved->inode().is_directory() && (from.trailing_slash || (to.trailing_slash && !exchange))) {
    return Err(Errno::kENOTDIR);
  }
  // rename(2): a directory cannot become part of itself, nor replace one of its own ancestors.
  if (is_within(*to.parent.dentry, *moved) || (exchange && is_within(*from.parent.dentry, *victim))) {
    return Err(Errno::kEINVAL);
  }
  if (victim && !exchange && is_within(*from.parent.dentry, *victim)) {
    return Err(Errno::kENOTEMPTY);
  }
  TRY(check_change(context, from.parent));
  TRY(check_change(context, to.parent));
  TRY(check_sticky(context, from_directory, moved->inode()));
  if (victim) {
    TRY(check_sticky(context, to_directory, victim->inode()));
    if (&victim->inode() == &moved->inode()) {
      return {};  // two links of one file: nothing happens
    }
    if (!exchange) {
      TRY(check_replace(moved->inode(), victim->inode()));
    }
    if (victim->mounts != 0) {
      return Err(Errno::kEBUSY);
    }
  }
  if (moved->mounts != 0) {
    return Err(Errno::kEBUSY);
  }
  RenamedTo names;
  names.moved = TRY(String::from(to.name));
  names.victim = TRY(String::from(from.name));
  TRY(from_directory.rename(from.name, to_directory, to.name, flags));
  move_dentries(*moved, victim.get(), *to.parent.dentry, std::move(names), exchange);
  return {};
}

KResult<String> readlink(const FsContext&, const Path& path) {
  if (!path.inode().is_symlink()) {
    return Err(Errno::kEINVAL);
  }
  path.inode().touch_accessed();
  return path.inode().read_link();
}

KResult<void> chmod(const FsContext& context, const Path& path, u32 mode) {
  Inode& inode = path.inode();
  if (inode.is_symlink()) {
    return Err(Errno::kEOPNOTSUPP);
  }
  TRY(check_writable_mount(path));
  TRY(check_owner(context.credentials, inode));
  // chmod(2): who is not in the file's group cannot set its set-group-ID bit.
  if (!context.credentials.privileged() && !context.credentials.in_group(inode.gid())) {
    mode &= ~u32{kModeSetGid};
  }
  MutexGuard guard(inode.lock);
  return inode.set_mode(mode);
}

KResult<void> chown(const FsContext& context, const Path& path, u32 uid, u32 gid) {
  constexpr u32 kKeep = ~u32{0};
  Inode& inode = path.inode();
  const FsCredentials& who = context.credentials;
  TRY(check_writable_mount(path));
  if (!who.privileged()) {
    const bool own = who.uid == inode.uid();
    if ((uid != kKeep && !(own && uid == inode.uid())) || (gid != kKeep && !(own && who.in_group(gid)))) {
      return Err(Errno::kEPERM);
    }
  }
  MutexGuard guard(inode.lock);
  // chown(2): set-user-ID and set-group-ID do not survive on executables.
  if (inode.is_regular() && (uid != kKeep || gid != kKeep) && (inode.mode() & 0111) != 0) {
    TRY(inode.set_mode(inode.mode() & ~(kModeSetUid | ((inode.mode() & 010) != 0 ? u32{kModeSetGid} : 0))));
  }
  return inode.set_owner(uid == kKeep ? inode.uid() : uid, gid == kKeep ? inode.gid() : gid);
}

KResult<void> truncate(const FsContext& context, const Path& path, i64 size) {
  Inode& inode = path.inode();
  if (size < 0) {
    return Err(Errno::kEINVAL);
  }
  if (!inode.is_regular()) {
    return Err(inode.is_directory() ? Errno::kEISDIR : Errno::kEINVAL);
  }
  if (static_cast<u64>(size) > kMaxFileBytes) {
    return Err(Errno::kEFBIG);
  }
  TRY(check_writable_mount(path));
  TRY(check_access(context.credentials, inode, kAccessWrite));
  TRY(inode.begin_write());
  ScopeExit end([&] { inode.end_write(); });
  MutexGuard guard(inode.lock);
  TRY(check_file_growth(inode, static_cast<u64>(size)));
  return inode.resize(static_cast<u64>(size));
}

KResult<void> access(const FsCredentials& who, const Path& path, u32 mode) {
  if ((mode & ~u32{kAccessRead | kAccessWrite | kAccessExecute}) != 0) {
    return Err(Errno::kEINVAL);
  }
  TRY(check_access(who, path.inode(), mode));
  if ((mode & kAccessWrite) != 0 && (path.inode().is_regular() || path.inode().is_directory())) {
    TRY(check_writable_mount(path));
  }
  return {};
}

KResult<void> set_times(const FsContext& context, const Path& path, const TimeChange& atime,
                        const TimeChange& mtime) {
  constexpr i64 kNsPerSecond = 1'000'000'000;
  using How = TimeChange::How;
  Inode& inode = path.inode();
  for (const TimeChange* change : {&atime, &mtime}) {
    if (change->how == How::kSet &&
        (change->time.nanoseconds < 0 || change->time.nanoseconds >= kNsPerSecond)) {
      return Err(Errno::kEINVAL);
    }
  }
  if (atime.how == How::kKeep && mtime.how == How::kKeep) {
    return {};
  }
  TRY(check_writable_mount(path));
  // utimensat(2): "now" for both needs only write permission, anything else ownership.
  if (!check_owner(context.credentials, inode).ok()) {
    if (atime.how != How::kNow || mtime.how != How::kNow) {
      return Err(Errno::kEPERM);
    }
    TRY(check_access(context.credentials, inode, kAccessWrite));
  }
  MutexGuard guard(inode.lock);
  const TimeSpec now = wall_clock_now();
  const auto time_of = [&now](const TimeChange& change) {
    return change.how == How::kKeep ? nullptr : change.how == How::kNow ? &now : &change.time;
  };
  return inode.set_times(time_of(atime), time_of(mtime));
}

KResult<void> check_chdir(const FsContext& context, const Path& path) {
  if (!path.inode().is_directory()) {
    return Err(Errno::kENOTDIR);
  }
  return check_access(context.credentials, path.inode(), kAccessExecute);
}

StatFs statfs(const Path& path) { return path.mount->fs().stat(); }
Stat stat(const Path& path) { return stat_of(path.inode()); }
Statx statx(const Path& path) {
  return statx_of(path.inode(), path.mount->id(), path.dentry.get() == &path.mount->root());
}

KResult<void> sync_all() {
  bool failed = false;
  for_each_mount(
      [](const Mount& mount, void* context) { *static_cast<bool*>(context) |= !mount.fs().sync().ok(); },
      &failed);
  return failed ? KResult<void>(Err(Errno::kEIO)) : KResult<void>();
}

}  // namespace kernel::vfs
