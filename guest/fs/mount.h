// Mounts: which file system's root stands where in the name tree.
//
// Invariant: a mount is in the table from mount to unmount, and keeps its file system, its root and the
// place it covers alive. Lock: the mount table's (today: no preemption, and no operation here sleeps).
#pragma once

#include "guest/fs/dentry.h"

namespace kernel {

class Mount : public RefCounted<Mount> {
 public:
  Mount(RefPtr<FileSystem> fs, RefPtr<Dentry> root, String source, u64 id)
      : fs_(std::move(fs)), root_(std::move(root)), source_(std::move(source)), id_(id) {}
  ~Mount() {
    if (mountpoint_) {
      mountpoint_->mounts--;
    }
  }

  FileSystem& fs() const { return *fs_; }
  Dentry& root() const { return *root_; }
  StringView source() const { return source_; }
  u64 id() const { return id_; }
  bool read_only() const { return read_only_; }
  void set_read_only(bool read_only) { read_only_ = read_only; }
  /// Where it stands; null for the root mount and for internal ones.
  Mount* parent() const { return parent_.get(); }
  Dentry* mountpoint() const { return mountpoint_.get(); }

 private:
  friend class MountTable;
  friend struct Description;
  RefPtr<FileSystem> fs_;
  RefPtr<Dentry> root_;
  RefPtr<Mount> parent_;
  RefPtr<Dentry> mountpoint_;
  String source_;
  u64 id_;
  bool read_only_ = false;
};

/// A place in the name tree. Both are set, or neither.
struct Path {
  RefPtr<Mount> mount;
  RefPtr<Dentry> dentry;

  explicit operator bool() const { return static_cast<bool>(dentry); }
  Inode& inode() const { return dentry->inode(); }
  bool operator==(const Path& other) const { return mount == other.mount && dentry == other.dentry; }
};

/// The first mount of all, "/". Once, at boot.
KResult<void> mount_root(RefPtr<FileSystem> fs, StringView source);
Path root_path();
/// ENOTDIR; EBUSY when the place is already a mount's root.
KResult<RefPtr<Mount>> mount_at(const Path& where, RefPtr<FileSystem> fs, StringView source);
/// A mount that stands nowhere: for pipes, memory files and the like.
KResult<RefPtr<Mount>> mount_internal(RefPtr<FileSystem> fs);
/// The mount that stands on (mount, dentry), or null.
Mount* mount_on(const Mount& mount, const Dentry& dentry);
/// From a covered directory to the root of what covers it, as often as needed.
Path cross_mounts(Path path);

/// Calls `fn(const Mount&)` for every mount in the name tree, in order of mounting.
void for_each_mount(void (*fn)(const Mount& mount, void* context), void* context);
/// The contents of /proc/mounts.
KResult<void> format_mounts(FormatSink& sink);
/// The contents of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
KResult<void> format_mount_info(FormatSink& sink);

}  // namespace kernel
