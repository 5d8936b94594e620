// Dentry: a name in a directory and the inode it stands for.
//
// Invariants: at most one live dentry for a (parent, name); a dentry keeps its parent alive; it is in
// its parent's set from its making until it dies, is deleted, or moves. Dentries live as long as
// somebody holds them. Lock: the name-tree lock (today: no preemption; only an inode's own lookup may sleep).
#pragma once

#include "guest/fs/inode.h"
#include "guest/lib/intrusive.h"

namespace kernel {

class Dentry : public RefCounted<Dentry> {
 public:
  ~Dentry();

  /// The root of a file system.
  static KResult<RefPtr<Dentry>> make_root(RefPtr<Inode> inode);
  /// The name of a file that is in no directory: "pipe:[7]". `deleted` adds what an unlinked file shows.
  static KResult<RefPtr<Dentry>> make_nameless(StringView name, RefPtr<Inode> inode, bool deleted);

  Inode& inode() const { return *inode_; }
  /// Null for a root and a nameless one.
  Dentry* parent() const { return parent_.get(); }
  StringView name() const { return name_; }
  bool is_root() const { return !parent_ && !nameless_; }
  bool nameless() const { return nameless_; }
  /// Its name was removed while it was held.
  bool deleted() const { return deleted_; }

  /// The child `name`, from the set of live ones or the inode's own lookup. ENOENT, ENOTDIR.
  KResult<RefPtr<Dentry>> lookup(StringView name);
  /// Adds a live dentry for a file that has just got this name.
  KResult<RefPtr<Dentry>> add_child(StringView name, RefPtr<Inode> inode);
  /// The name is gone from its directory.
  void mark_deleted();
  /// The name is now `name` in `parent`, which has no live child of that name.
  void move(Dentry& parent, String name);
  /// Undoes mark_deleted() under another name (an exchange of names).
  void revive(Dentry& parent, String name) {
    deleted_ = false;
    move(parent, std::move(name));
  }
  /// Live child, or null.
  Dentry* find_child(StringView name);

  /// Number of mounts on it, so that lookups look for one only where there is one.
  u32 mounts = 0;

  TreeNode node_;  // public for the intrusive tree only

 private:
  friend struct Description;
  struct ByName {
    using NameView = StringView;
    bool operator()(const Dentry& a, const Dentry& b) const { return a.name() < b.name(); }
    bool operator()(const Dentry& a, NameView b) const { return a.name() < b; }
    bool operator()(NameView a, const Dentry& b) const { return a < b.name(); }
  };
  friend KResult<RefPtr<Dentry>> try_make_dentry(RefPtr<Inode> inode, StringView name);
  Dentry(RefPtr<Inode> inode, String name) : inode_(std::move(inode)), name_(std::move(name)) {}
  void unhook();

  RefPtr<Inode> inode_;
  String name_;
  RefPtr<Dentry> parent_;
  Tree<Dentry, &Dentry::node_, ByName> children_;
  bool nameless_ = false;
  bool deleted_ = false;
};

}  // namespace kernel
