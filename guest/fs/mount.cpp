#include "guest/fs/mount.h"

#include "guest/fs/path.h"

namespace kernel {

/// All mounts of the name tree, in order of mounting.
class MountTable {
 public:
  static KResult<RefPtr<Mount>> make(RefPtr<FileSystem> fs, StringView source) {
    RefPtr<Dentry> root = TRY(Dentry::make_root(fs->root()));
    String text = TRY(String::from(source));
    return try_make_ref<Mount>(std::move(fs), std::move(root), std::move(text), ++last_id_);
  }
  static KResult<void> add(RefPtr<Mount> mount) { return mounts().push(std::move(mount)); }
  static KResult<void> attach(const RefPtr<Mount>& mount, const Path& where) {
    TRY(add(mount));
    mount->parent_ = where.mount;
    mount->mountpoint_ = where.dentry;
    where.dentry->mounts++;
    return {};
  }
  static Vector<RefPtr<Mount>>& mounts() {
    static Vector<RefPtr<Mount>> all;
    return all;
  }

 private:
  static inline u64 last_id_ = 0;
};

KResult<void> mount_root(RefPtr<FileSystem> fs, StringView source) {
  ASSERT(MountTable::mounts().empty());
  return MountTable::add(TRY(MountTable::make(std::move(fs), source)));
}

Path root_path() {
  ASSERT(!MountTable::mounts().empty());
  RefPtr<Mount> mount = MountTable::mounts()[0];
  RefPtr<Dentry> dentry(&mount->root());
  return cross_mounts({std::move(mount), std::move(dentry)});
}

KResult<RefPtr<Mount>> mount_at(const Path& where, RefPtr<FileSystem> fs, StringView source) {
  if (!where.inode().is_directory()) {
    return Err(Errno::kENOTDIR);
  }
  if (mount_on(*where.mount, *where.dentry) != nullptr) {
    return Err(Errno::kEBUSY);
  }
  RefPtr<Mount> mount = TRY(MountTable::make(std::move(fs), source));
  TRY(MountTable::attach(mount, where));
  return mount;
}

KResult<RefPtr<Mount>> mount_internal(RefPtr<FileSystem> fs) {
  return MountTable::make(std::move(fs), "none");
}

Mount* mount_on(const Mount& mount, const Dentry& dentry) {
  if (dentry.mounts == 0) {
    return nullptr;
  }
  for (const RefPtr<Mount>& candidate : MountTable::mounts()) {
    if (candidate->parent() == &mount && candidate->mountpoint() == &dentry) {
      return candidate.get();
    }
  }
  return nullptr;
}

Path cross_mounts(Path path) {
  while (Mount* const upper = mount_on(*path.mount, *path.dentry)) {
    path = {RefPtr<Mount>(upper), RefPtr<Dentry>(&upper->root())};
  }
  return path;
}

void for_each_mount(void (*fn)(const Mount& mount, void* context), void* context) {
  for (const RefPtr<Mount>& mount : MountTable::mounts()) {
    fn(*mount, context);
  }
}

namespace {

/// Calls line(mount, where) for each mount that no other root covers.
template <class Line>
KResult<void> for_each_visible(Line&& line) {
  for (const RefPtr<Mount>& mount : MountTable::mounts()) {
    const Path at{mount, RefPtr<Dentry>(&mount->root())};
    const String where = TRY(path_text(at, root_path()));
    if (!where.empty() && where[0] == '/') {
      TRY(line(*mount, where.view()));
    }
  }
  return {};
}

StringView access_of(const Mount& mount) { return mount.read_only() ? "ro" : "rw"; }

}  // namespace

KResult<void> format_mounts(FormatSink& sink) {
  return for_each_visible([&sink](const Mount& mount, StringView where) -> KResult<void> {
    format(sink, "{} {} {} {},relatime", mount.source(), where, mount.fs().type(), access_of(mount));
    TRY(mount.fs().show_options(sink));
    format(sink, " 0 0\n");
    return {};
  });
}

KResult<void> format_mount_info(FormatSink& sink) {
  return for_each_visible([&sink](const Mount& mount, StringView where) -> KResult<void> {
    const u64 device = mount.fs().device();
    format(sink, "{} {} {}:{} / {} {},relatime - {} {} {}", mount.id(),
           mount.parent() != nullptr ? mount.parent()->id() : mount.id(), device_major(device),
           device_minor(device), where, access_of(mount), mount.fs().type(), mount.source(),
           access_of(mount));
    TRY(mount.fs().show_options(sink));
    format(sink, "\n");
    return {};
  });
}

}  // namespace kernel
