#include "guest/init/shares.h"

#include "guest/fs/ninep/lower.h"
#include "guest/fs/ninep/ninep_fs.h"
#include "guest/fs/tmpfs.h"
#include "guest/fs/vfs.h"
#include "guest/lib/log.h"

namespace kernel {

namespace {

FsContext boot_context() {
  FsContext context;
  context.root = root_path();
  context.cwd = root_path();
  return context;
}

KResult<void> make_directories(const FsContext& context, StringView path) {
  for (usize slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const auto made = vfs::mkdir(context, context.root, path.substr(0, slash), 0755);
    if (!made.ok() && made.error() != Errno::kEEXIST) {
      return made;
    }
    if (slash == StringView::npos) {
      return {};
    }
  }
}

KResult<RefPtr<FileSystem>> make_root(const ShareMount& mount) {
  if (mount.writable) {
    return make_ninep_fs(mount.tag);
  }
  auto lower = TRY(ninep_lower_root(mount.tag));
  return make_tmpfs_over({.type = "overlay", .max_pages = memory_stats().total}, std::move(lower));
}

KResult<void> mount_one(const ShareMount& mount) {
  const FsContext context = boot_context();
  auto fs = TRY(make_ninep_fs(mount.tag));
  const auto there = resolve(context, context.root, mount.path, kResolveFollow | kResolveDirectory);
  if (!there.ok() && there.error() == Errno::kENOENT) {
    TRY(make_directories(context, mount.path));
  }
  const Path where = TRY(resolve(context, context.root, mount.path, kResolveFollow));
  const RefPtr<Mount> mounted = TRY(mount_at(where, std::move(fs), mount.tag));
  mounted->set_read_only(!mount.writable);
  return {};
}

}  // namespace

KResult<void> mount_share_root(const Vector<ShareMount>& mounts) {
  for (const ShareMount& mount : mounts) {
    if (mount.kind == ShareMount::Kind::kRoot) {
      auto root = TRY(make_root(mount));
      TRY(mount_at(root_path(), std::move(root), mount.tag));
    }
  }
  return {};
}

KResult<void> mount_shares(const Vector<ShareMount>& mounts) {
  for (const ShareMount& mount : mounts) {
    if (mount.kind != ShareMount::Kind::kShare) {
      continue;
    }
    if (const auto mounted = mount_one(mount); !mounted.ok()) {
      log_error("cannot mount the share '{}' at {}: {}", mount.tag, mount.path, errno_name(mounted.error()));
      return mounted;
    }
  }
  return {};
}

}  // namespace kernel
